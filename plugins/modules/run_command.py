#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as an app runs."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it

DOCUMENTATION = r"""
module: run_command
short_description: Run a command in the environment of an app
version_added: 0.1.0
description:
  - Runs a command once, as the account of an app, in the folder of the release that serves, with its environment and sandbox.
  - If several hosts have the app, the command runs on the first one of the play.
  - The command line is visible in the process list of the host, so it must not contain a secret.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  command:
    description: The command line. It is split like a shell command, but no shell runs it.
    type: str
    required: true
  arguments:
    description: Set by the action plugin to the words of the command line.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
    description: Runs nothing.
  diff_mode:
    support: none
    description: A command has no diff.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Create an administrator
  flaskyard.server.run_command:
    app: shop
    command: flask create-admin ada
"""

RETURN = r"""
stdout:
  description: Standard output of the command.
  returned: when it ran
  type: str
stderr:
  description: Standard error of the command.
  returned: when it ran
  type: str
rc:
  description: Exit status of the command.
  returned: when it ran
  type: int
"""

import subprocess

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.errors import HostError
from ..module_utils._slots.once import command_line


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "app": {"type": "str", "required": True},
            "command": {"type": "str", "required": True},
            "arguments": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    try:
        command = command_line(module.params["app"], module.params["arguments"], terminal=False)
    except HostError as error:
        module.fail_json(msg=str(error))
    if module.check_mode:
        module.exit_json(changed=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    result = {"changed": True, "rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
    if done.returncode:
        module.fail_json(msg=f"the command ended with {done.returncode}: {module.params['command']}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
