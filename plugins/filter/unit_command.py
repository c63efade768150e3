# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quoting of systemd's command lines as a filter, for templates."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._apps.command_line import unit_command as quoted

DOCUMENTATION = r"""
name: unit_command
short_description: Quote arguments as a command line of a systemd unit
version_added: 0.1.0
description:
  - Returns the arguments as text for C(ExecStart=) of systemd.service(5), so that the process gets exactly these arguments.
  - Escapes quotes and backslashes, and C(%) and C($), which systemd would expand.
positional: _input
options:
  _input:
    description: The arguments, the program first.
    type: list
    elements: str
    required: true
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Show the command line of a worker
  ansible.builtin.debug:
    msg: "ExecStart=/usr/bin/env -- {{ ['celery', '-A', 'shop', 'worker'] | flaskyard.server.unit_command }}"
"""

RETURN = r"""
_value:
  description: The arguments on one line.
  type: str
"""


def unit_command(value: list[str]) -> str:
    """Quote arguments."""
    try:
        return quoted([str(argument) for argument in value])
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"unit_command": unit_command}
