#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of all apps of a host, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Prepare the releases of Flask apps
version_added: 0.1.0
description:
  - Creates an immutable directory with the code and a virtualenv with the dependencies of every app. Their names are hashes of their inputs.
    If the source, dependencies, Python and build command are the same, the release is the same, and the module does nothing.
  - No code of an app runs as root. Every step that handles the code runs as the app's build account in a transient systemd unit. The unit can
    write only to the new directories, the app's cache and its copy of the repository.
  - A release is complete once its record is written. If a killed run or a full disk leaves an incomplete release, the next run builds it again.
  - If one app fails, the releases of the other apps are still prepared. The task reports the failure at the end.
  - The module only prepares releases. M(flaskyard.server.slot) puts them into service.
options:
  apps:
    description:
      - Apps as the filter P(flaskyard.server.apps#filter) returns them. Their accounts and directories must exist.
      - The action plugin sends a source V(path), or an V(archive) on the controller, only if the host lacks the release.
        Relative paths start at the current directory. Files that git ignores are left out of a folder.
    type: list
    elements: dict
    required: true
  uv:
    description: Path of uv on the host, for apps with the installer uv.
    type: path
  index_url:
    description: URL of the package index to use instead of PyPI. It may contain credentials.
    type: str
  extra_index_urls:
    description: URLs of further package indexes. They may contain credentials.
    type: list
    elements: str
    default: []
  ca_file:
    description: Bundle of CA certificates on the host, for indexes, repositories and downloads. By default, the system's bundle.
    type: path
  environment:
    description:
      - Further environment variables of git, installers and build commands, such as V(HTTPS_PROXY).
      - They override the variables that other options set.
    type: dict
    default: {}
  wheelhouse:
    description: Directory on the host with packages to install from, instead of an index.
    type: path
  build_timeout_seconds:
    description: Seconds that one build step may take.
    type: int
    default: 1800
  build_memory_max_mb:
    description: Memory limit of one build step in megabytes. V(0) means three quarters of the host's memory.
    type: int
    default: 0
  build_tasks_max:
    description: Limit on the processes and threads that the builds of one app have at a time.
    type: int
    default: 1024
  insecure_index:
    description: Accept package indexes over http://.
    type: bool
    default: false
  pythons:
    description: Interpreters on the host by version, as in C(ansible_facts['flaskyard']['pythons']).
    type: dict
    required: true
  keep_going:
    description:
      - Do not fail if only some apps fail. C(ansible_facts.flask_failures) has the failures by app. The entry point C(report) of the role C(app) fails at
        the end and names them.
    type: bool
    default: false
  redeploy:
    description: Let releases that a rollback withdrew serve again. Otherwise the release that the rollback chose keeps serving.
    type: bool
    default: false
  by:
    description: Set by the action plugin to the person who runs the play.
    type: str
    default: ""
  declared:
    description: Names of all apps on the host. By default, the names in O(apps).
    type: list
    elements: str
    default: []
  locks:
    description: Set by the action plugin to the requirements of WSGI servers with hashes, by name.
    type: dict
    default: {}
  uploads:
    description: Set by the action plugin to the files that it sent.
    type: dict
    default: {}
  sealed:
    description: Set by the action plugin to the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description:
      - Reports which releases would be built, and why, without changing the host. It resolves a branch or tag only if git and the
        build account exist. Otherwise the id of the release is null.
  diff_mode:
    support: full
    description: Compares what the release that served last was made of with what the new one will be made of.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Prepare the releases of all apps
  flaskyard.server.release:
    apps: "{{ flask_apps | flaskyard.server.apps }}"
    uv: "{{ ansible_facts['flaskyard']['tools']['uv']['path'] }}"
    pythons: "{{ ansible_facts['flaskyard']['pythons'] }}"
"""

RETURN = r"""
ansible_facts:
  description: Facts.
  returned: always
  type: dict
  contains:
    flask_failures:
      description: Failures, by app.
      type: dict
    flask_environments:
      description: A token for each app. It is the same on all hosts of a run on which the app has the same environment.
      type: dict
    flask_releases:
      description:
        - The release of every app that has one, by the app's name.
        - Each has C(id), C(dir), C(venv), C(python) (a version), and C(source) with C(kind), C(location), C(version) and C(revision),
          all without credentials. In check mode, values that are unknown before the change are null.
        - Each also has C(release_command), the last command that succeeded for it, or null. C(procfile) is the text of its Procfile; it is
          empty if the release has none, and null if the release is not made yet.
      type: dict
withdrawn:
  description: Declared releases that do not serve because a rollback withdrew them, by the app's name.
  returned: always
  type: dict
notices:
  description: Notices about the release of an app, as sentences, by the app's name.
  returned: always
  type: dict
failures:
  description: Why a release could not be prepared, by the app's name.
  returned: always
  type: dict
"""

import os

from ..module_utils._host.actor import act
from ..module_utils._host.sealed import CARRIER, SealedModule
from ..module_utils._releases.builder import prepare_releases
from ..module_utils._releases.settings import Settings


def main() -> None:
    """Prepare the releases; the action plugin turns C(failures) into a failure."""
    module = SealedModule(
        argument_spec={
            "apps": {"type": "list", "elements": "dict", "required": True},
            "uv": {"type": "path"},
            "index_url": {"type": "str"},
            "extra_index_urls": {"type": "list", "elements": "str", "default": []},
            "ca_file": {"type": "path"},
            "environment": {"type": "dict", "default": {}},
            "wheelhouse": {"type": "path"},
            "build_timeout_seconds": {"type": "int", "default": 1800},
            "build_memory_max_mb": {"type": "int", "default": 0},
            "build_tasks_max": {"type": "int", "default": 1024},
            "insecure_index": {"type": "bool", "default": False},
            "pythons": {"type": "dict", "required": True},
            "keep_going": {"type": "bool", "default": False},
            "redeploy": {"type": "bool", "default": False},
            "by": {"type": "str", "default": ""},
            "locks": {"type": "dict", "default": {}},
            "declared": {"type": "list", "elements": "str", "default": []},
            "uploads": {"type": "dict", "default": {}},
            "sealed": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    options = dict(module.options)
    for name in (CARRIER, "keep_going"):
        options.pop(name)
    act("deploy", options.pop("by"))
    locks, uploads, declared, redeploy = (options.pop(name) for name in ("locks", "uploads", "declared", "redeploy"))
    apps = [{**app, "server_lock": locks.get(app["server_lock"])} for app in options.pop("apps")]
    settings = Settings(**options)
    # For downloads by this process; the steps get theirs in the sandbox.
    os.environ.update({name: str(value) for name, value in settings.environment.items() if name.lower().endswith("_proxy")})
    result = prepare_releases(apps, settings, uploads, declared, redeploy, module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
