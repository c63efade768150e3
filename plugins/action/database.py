# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the databases: calls the host only if the survey has not found them as declared."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils._host.sealed import seal
from ..module_utils._host.wishes import wish
from ..plugin_utils.surveyed import after_change, holds, results


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.database) for all apps of a server."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Compare with the survey and call the module."""
        super().run(tmp, task_vars)
        args, variables = self._task.args, task_vars or {}
        if holds(results(variables, "databases").get(args.get("engine", "")), wish(args)):
            return {"changed": False, "steps": [], "kept": []}
        result: dict[str, t.Any] = self._execute_module(module_name="flaskyard.server.database", module_args=seal(args), task_vars=variables)
        return after_change(result, variables, self._task.check_mode, "databases")
