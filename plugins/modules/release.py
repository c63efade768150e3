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
  - Makes for every app an immutable directory with its code and a virtualenv with its dependencies, both named after
    what they are made of. The same source, dependencies, Python and build command give the same release, and then nothing is done.
  - Nothing of an app runs as root. Every step that touches its code runs as the app's build account in a transient
    systemd unit that can write the new directories, the app's cache and its copy of the repository, and nothing else.
  - A release is complete when its record is written. What a killed run or a full disk left is removed and made again by the next run.
  - A failure of one app is reported at the end; the releases of the others are prepared all the same.
  - A release is only prepared. It is M(flaskyard.server.slot) that puts it to use.
options:
  apps:
    description:
      - Apps as the filter P(flaskyard.server.apps#filter) completes them. Their accounts and directories have to be there.
      - A source V(path), and a V(archive) that is a file of the controller, is sent only when the host lacks the release.
        Relative paths begin at the current directory. Of a folder, what git would ignore is left out.
    type: list
    elements: dict
    required: true
  uv:
    description: Path of uv on the host, for apps whose installer it is.
    type: path
  index_url:
    description: URL of the package index, in place of PyPI. May hold credentials.
    type: str
  extra_index_urls:
    description: URLs of more package indexes. May hold credentials.
    type: list
    elements: str
    default: []
  ca_file:
    description: Bundle of CA certificates on the host, for indexes, repositories and downloads; the system's unless set.
    type: path
  environment:
    description:
      - Further environment variables of git, installers and build commands, such as V(HTTPS_PROXY).
      - These win over what follows from the other options.
    type: dict
    default: {}
  wheelhouse:
    description: Directory on the host with distributions to install from. No index is asked then.
    type: path
  build_timeout_seconds:
    description: Longest time that one step of a build may take, in seconds.
    type: int
    default: 1800
  build_memory_max_mb:
    description: Most memory that one step of a build may take, in megabytes. V(0) is three quarters of the host's.
    type: int
    default: 0
  build_tasks_max:
    description: Most processes and threads that the builds of one app may have at a time.
    type: int
    default: 1024
  insecure_index:
    description: Accept indexes that are reached over http://.
    type: bool
    default: false
  pythons:
    description: Interpreters of the host by version, as C(ansible_facts['flaskyard']['pythons']) has them.
    type: dict
    required: true
  keep_going:
    description:
      - Do not fail where only some apps fail. What failed is in C(ansible_facts.flask_failures), by app, and the tasks C(report) of the role C(app)
        fail for it in the end.
    type: bool
    default: false
  redeploy:
    description: Put releases to use again that somebody withdrew by going back from them. Without it, what they went back to keeps serving.
    type: bool
    default: false
  by:
    description: Filled in by the action plugin with who runs it.
    type: str
    default: ""
  declared:
    description: Names of all apps of the host. The names in O(apps), unless set.
    type: list
    elements: str
    default: []
  locks:
    description: Filled in by the action plugin with the requirements of WSGI servers, with hashes, by name.
    type: dict
    default: {}
  uploads:
    description: Filled in by the action plugin with the files that it sent.
    type: dict
    default: {}
  sealed:
    description: Filled in by the action plugin with the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description:
      - Tells which releases would be built, and why, without changing the host. A branch or tag is resolved when git and the
        build account are there already; otherwise the id of the release is null.
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
      description: What failed, by app.
      type: dict
    flask_environments:
      description: By app, a token that is the same on all hosts of a run where the app has the same environment.
      type: dict
    flask_releases:
      description:
        - The release of every app that has one, by the app's name.
        - Each has C(id), C(dir), C(venv), C(python) (a version), and C(source) with C(kind), C(location), C(version) and C(revision),
          all without credentials. In check mode, what cannot be known before a change is null.
        - Each also has C(release_command), the last one that succeeded for it or null, and the text of its C(procfile), empty when there is none.
      type: dict
withdrawn:
  description: What is declared of an app and does not serve, because somebody went back from it, by the app's name.
  returned: always
  type: dict
notices:
  description: What people should know about the release of an app, in words, by the app's name.
  returned: always
  type: dict
failures:
  description: Why the release of an app could not be prepared, by the app's name.
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
