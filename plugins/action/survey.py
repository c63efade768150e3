# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the survey: gives it this run's key."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils._host.sealed import seal
from ..plugin_utils.surveyed import run_key


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.survey)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ask the host."""
        super().run(tmp, task_vars)
        self.validate_argument_spec({})
        return self._execute_module(module_name="flaskyard.server.survey", module_args=seal({"key": run_key()}, "key"), task_vars=task_vars)
