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
  - Renders all the files of a service on the controller, sends them in one call, and on the host compares, keeps the
    old ones, replaces atomically, validates the whole, activates and confirms.
  - On any failure the old files come back, the service reloads, and the task fails with what the failing step printed.
  - Files that an earlier run of the set put there and that are no longer declared are removed. A file of the
    distribution that the set had replaced is put back.
  - A run that was killed half-way is noticed by the next one, which undoes it and starts again.
  - A set about which M(flaskyard.server.survey) has found that it stands, is in use, and was declared as now, costs no remote call.
options:
  name:
    description: Name of the set. Its state is kept in C(/var/lib/flaskyard/filesets/NAME/).
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
          - Absolute path. Every directory above it must belong to root and be writable by nobody else.
          - With O(files[].each), C({name[key]}) stands for a value of the item.
        type: path
        required: true
      state:
        description: What stands at the path. O(files[].link) makes it a link.
        type: str
        choices: [file, directory, absent]
        default: file
      template:
        description: A template of the role, or of one that it depends on. Rendered on the controller.
        type: str
      content:
        description: The content itself, instead of a template.
        type: str
      link:
        description: What the symbolic link points at.
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
        description: Permissions in octal. V(0644) for files and V(0755) for directories unless given.
        type: str
      secret:
        description: Keep the content out of diffs, results and logs.
        type: bool
        default: false
      each:
        description: One name with a list; the file is made once for each item, which the template sees under that name.
        type: dict
      when:
        description: Leave the file out of the set when false.
        type: bool
        default: true
  sealed:
    description: Filled in by the action plugin with the options that may hold secrets.
    type: str
  validate:
    description: Commands that must succeed with the new files in place, before anything is told to use them. No shell.
    type: list
    elements: str
    default: []
  activate:
    description: Commands that make the system use the new files. Run only when something changed. No shell.
    type: list
    elements: str
    default: []
  live:
    description:
      - Commands that succeed while the system uses the files. No shell. Where one fails, O(activate) runs again, also when no file has changed.
      - Accounts of files in C(/etc/sysusers.d) and directories of those in C(/etc/tmpfiles.d) are looked at without a command.
    type: list
    elements: str
    default: []
  units:
    description: systemd units that run from this set. Each is kept enabled and active.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the unit with its suffix.
        type: str
        required: true
      on_change:
        description: What an active unit gets when something changed.
        type: str
        choices: [reload, restart, none]
        default: restart
      files:
        description: Paths of the set that the unit runs from. A change of none of them does not touch it. All of the set unless given.
        type: list
        elements: path
        default: []
      each:
        description:
          - One name with a list; the unit is declared once for each item.
          - In O(units[].name) and O(units[].files), C({name[key]}) stands for a value of it.
        type: dict
  replaces:
    description:
      - systemd units whose place O(units) take where they have a port in common. They are disabled and told to stop when O(units) have started beside
        them, which takes sockets with C(SO_REUSEPORT) on both sides; otherwise before, and O(units) start as soon as they can. On other ports they stay.
      - This is so without a changed file too, for one that somebody started or that a killed run left.
      - A failure leaves them running, or starts them again.
    type: list
    elements: str
    default: []
  confirm:
    description: Commands that must succeed after activation. No shell.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reports what would change, and changes nothing.
  diff_mode:
    support: full
    description: Shows the content of every changed file, unless the file is or was marked secret or not everybody may read it.
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
  description: Paths that were created, replaced or removed, or would be in check mode.
  type: list
  elements: str
  returned: always
repaired:
  description: What somebody had changed since the same was put in place, in words.
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
