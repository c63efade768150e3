# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs this playbook, as hosts record it, and the action plugin for modules that need only that from the controller."""

from __future__ import annotations

import getpass
import re
import socket
import typing as t

from ansible.plugins.action import ActionBase


def operator() -> str:
    """C(user@controller)."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return re.sub(r"[^A-Za-z0-9@._-]", "_", f"{name}@{socket.gethostname()}")[:100]


class OnBehalf(ActionBase):
    """Runs the module of the same name, and tells it who runs the playbook."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, without arguments that have no value."""
        super().run(tmp, task_vars)
        given = {name: value for name, value in self._task.args.items() if value not in ("", None)}
        result: dict[str, t.Any] = self._execute_module(
            module_name=self._task.resolved_action or self._task.action, module_args={**given, "by": operator()}, task_vars=task_vars
        )
        return result
