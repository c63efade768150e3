# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the certificates: sends only the keys of each app that they need."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils._host.sealed import seal
from ..module_utils._host.wishes import wish
from ..plugin_utils.surveyed import after_change, holds, results


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.certificate) with the apps that have domains."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Select the keys and call the module."""
        super().run(tmp, task_vars)
        apps = [{"name": app["name"], "domains": app["domains"], "tls": app.get("tls", {})} for app in self._task.args.get("apps", []) if app.get("domains")]
        args, variables = {**self._task.args, "apps": apps}, task_vars or {}
        found = results(variables, "certificates").get(args.get("stage", ""))
        if found and holds(found, wish(args)):
            return {"changed": False, "certificates": found["live"], "issued": {}, "removed": [], "reloaded": False}
        result: dict[str, t.Any] = self._execute_module(module_name="flaskyard.server.certificate", module_args=seal(args, "apps"), task_vars=variables)
        return after_change(result, variables, self._task.check_mode, "certificates")
