#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of configuration files that go live together, or not at all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fileset
short_description: Put a set of configuration files in place as one transaction
version_added: 0.1.0
description:
  - Renders all files of a service on the controller and sends them in one call. On the host it compares them, keeps copies of the old files,
    replaces them atomically, validates the result, activates it and confirms it.
  - If any step fails, the old files come back, the service reloads, and the task fails with the output of that step.
  - Removes files that an earlier run of the set wrote and that are no longer declared. If the set had replaced a file of the distribution, that file
    is restored.
  - If a run is killed halfway, the next run undoes it and starts again.
  - If M(flaskyard.server.survey) found the set in place, in use and declared as it is now, the task makes no remote call.
options:
  name:
    description: Name of the set. Its state is in C(/var/lib/flaskyard/filesets/NAME/).
    type: str
    required: true
  files:
    description: The files of the set.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path. Every directory above it must belong to root, and only root may write to it.
          - With O(files[].each), C({name[key]}) is replaced by that value of the item.
        type: path
        required: true
      state:
        description: Type of the entry at the path. With O(files[].link) it is a link.
        type: str
        choices: [file, directory, absent]
        default: file
      template:
        description: Template of the role, or of a role that it depends on. It is rendered on the controller.
        type: str
      content:
        description: The content, instead of a template.
        type: str
      link:
        description: Target of the symbolic link.
        type: str
      owner:
        description: Owning account.
        type: str
        default: root
      group:
        description: Owning group.
        type: str
        default: root
      mode:
        description: Permissions in octal. By default V(0644) for files and V(0755) for directories.
        type: str
      secret:
        description: Keep the content out of diffs, results and logs.
        type: bool
        default: false
      each:
        description: A name with a list. The module writes the file once for each item. The template sees the item under that name.
        type: dict
      when:
        description: Leave the file out of the set when false.
        type: bool
        default: true
  sealed:
    description: Set by the action plugin to the options that may hold secrets.
    type: str
  validate:
    description: Commands that must succeed with the new files in place, before O(activate). They run without a shell.
    type: list
    elements: str
    default: []
  activate:
    description: Commands that make the system use the new files. They run only if something changed, and without a shell.
    type: list
    elements: str
    default: []
  live:
    description:
      - Commands that succeed while the system uses the files. They run without a shell. If one fails, O(activate) runs again, even if no file changed.
      - The module checks accounts in C(/etc/sysusers.d) and directories in C(/etc/tmpfiles.d) itself.
    type: list
    elements: str
    default: []
  units:
    description: systemd units that run from this set. The module keeps each enabled and active.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the unit with its suffix.
        type: str
        required: true
      on_change:
        description: What to do with an active unit if something changed.
        type: str
        choices: [reload, restart, none]
        default: restart
      files:
        description: Paths of the set that the unit uses. Other changes do not affect the unit. By default, all paths of the set.
        type: list
        elements: path
        default: []
      each:
        description:
          - A name with a list. The unit is declared once for each item.
          - In O(units[].name) and O(units[].files), C({name[key]}) is replaced by that value of the item.
        type: dict
  rehearse:
    description:
      - Only run O(validate), on a copy of the folders with the new files in it. The copy replaces the folders in a transient unit, so nothing else sees it.
      - Without a difference, and in check mode, nothing runs.
      - Each file must be in a folder such as C(/etc/nginx), which must exist.
    type: bool
    default: false
  replaces:
    description:
      - systemd units that O(units) replace if both use the same port. The module disables and stops them. If both sides use sockets with
        C(SO_REUSEPORT), O(units) start first. Otherwise the old units stop first, and O(units) start as soon as they can. Units on other ports keep running.
      - This also happens if no file changed, for example after somebody started such a unit or a run was killed.
      - If the task fails, these units keep running or start again.
    type: list
    elements: str
    default: []
  confirm:
    description: Commands that must succeed after activation. They run without a shell.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reports what would change and changes nothing.
  diff_mode:
    support: full
    description: Shows the content of every changed file, unless the file is or was marked secret, or is not readable by everyone.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Configure nginx
  flaskyard.server.fileset:
    name: nginx
    files:
      - path: /etc/nginx/nginx.conf
        template: nginx.conf.j2
      - path: "/etc/nginx/flask.d/{app[name]}.conf"
        template: app.conf.j2
        each: {app: "{{ flask_apps | flaskyard.server.apps }}"}
    validate: [nginx -t]
    units:
      - name: nginx.service
        on_change: reload
"""

RETURN = r"""
changed_paths:
  description: Paths that were created, replaced or removed. In check mode, those that would be.
  type: list
  elements: str
  returned: always
repaired:
  description: What somebody changed by hand since the last run, as sentences.
  type: list
  elements: str
  returned: always
steps:
  description: Commands that ran to validate, activate and confirm.
  type: list
  elements: str
  returned: always
"""

from ..module_utils._filesets.transaction import Fileset, FilesetError
from ..module_utils._host.sealed import SealedModule


def main() -> None:
    """Run the transaction."""
    file_options = {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
        "template": {"type": "str"},
        "content": {"type": "str"},
        "link": {"type": "str"},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str"},
        "secret": {"type": "bool", "default": False},
        "each": {"type": "dict"},
        "when": {"type": "bool", "default": True},
    }
    unit_options = {
        "name": {"type": "str", "required": True},
        "on_change": {"type": "str", "choices": ["reload", "restart", "none"], "default": "restart"},
        "files": {"type": "list", "elements": "path", "default": []},
        "each": {"type": "dict"},
    }
    commands = {"type": "list", "elements": "str", "default": []}
    module = SealedModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "dict", "default": [], "options": file_options},
            "sealed": {"type": "str", "no_log": True},
            "validate": commands,
            "activate": commands,
            "live": commands,
            "units": {"type": "list", "elements": "dict", "default": [], "options": unit_options},
            "rehearse": {"type": "bool", "default": False},
            "replaces": {"type": "list", "elements": "str", "default": []},
            "confirm": commands,
        },
        supports_check_mode=True,
    )
    try:
        result = Fileset(module.options, check=module.check_mode, wish=module.wish).run()
    except FilesetError as error:
        module.fail_json(msg=str(error))
    for note in result["repaired"]:
        module.warn(f"fileset {module.options['name']}: repaired: {note}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
