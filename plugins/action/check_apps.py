# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate C(flask_apps), and what the proxy is told, on the controller, before a host is touched."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils.app_model import AppModelError, complete_apps
from ..module_utils.proxies import balancer_problems


class ActionModule(ActionBase):
    """Fails with every problem, one a line. Makes no remote call."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(
            {
                "apps": {"type": "raw", "required": True},
                "proxy": {"type": "str", "default": "nginx"},
                "manager": {"type": "str", "default": "systemd"},
                "services": {"type": "raw", "default": []},
                "trusted_networks": {"type": "raw", "default": []},
                "proxy_protocol": {"type": "raw", "default": False},
            }
        )
        apps, problems = [], balancer_problems(options["trusted_networks"], options["proxy_protocol"])
        try:
            apps = complete_apps(options["apps"], options["proxy"], options["manager"], options["services"])
        except AppModelError as error:
            problems = [*error.problems, *problems]
        if problems:
            return {"failed": True, "msg": str(AppModelError(problems))}
        return {"changed": False, "names": [app["name"] for app in apps]}
