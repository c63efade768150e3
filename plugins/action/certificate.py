# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the certificates: of each app, send only what they need."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils.sealed import seal


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.certificate) with the apps that have domains."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Reduce and send."""
        super().run(tmp, task_vars)
        apps = [{"name": app["name"], "domains": app["domains"], "tls": app.get("tls", {})} for app in self._task.args.get("apps", []) if app.get("domains")]
        sealed = seal({**self._task.args, "apps": apps}, "apps")
        return self._execute_module(module_name="flaskyard.server.certificate", module_args=sealed, task_vars=task_vars)
