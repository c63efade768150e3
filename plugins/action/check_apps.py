# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate and complete C(flask_apps) and the proxy's variables on the controller, before a host is touched."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._apps.model import AppModelError, complete_host
from ..module_utils._apps.remarks import remarks
from ..plugin_utils.declared import fingerprint
from ..plugin_utils.misspelt import misspelt, without_effect
from ..plugin_utils.written import misread

display = Display()


class ActionModule(ActionBase):
    """Fails with every problem, one in each line. Makes no remote call."""

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
                "tls_terminated_by": {"type": "str", "default": "host"},
                "on_failure": {"type": "raw", "default": []},
                "deploy_log": {"type": "raw", "default": "/var/log/flaskyard/deploys.jsonl"},
                "own_variables": {"type": "list", "elements": "str", "default": []},
            }
        )
        own, variables = options.pop("own_variables"), task_vars or {}
        problems = [*misread(options["apps"], self._loader.get_text_file_contents), *misspelt(variables, own)]
        try:
            model = complete_host(**options)
        except AppModelError as error:
            problems = [*error.problems, *problems]
        if problems:
            return {"failed": True, "msg": str(AppModelError(problems))}
        # Facts of our modules are among the variables, if Ansible is set to inject them.
        if unknown := without_effect(variables.keys() - variables.get("ansible_facts", {}).keys(), own):
            display.warning(f"no role here has the variables {', '.join(unknown)}; if they are for something else, add them to the list host_own_variables")
        for remark in remarks(options["apps"], options["services"], options["proxy"]):
            display.warning(remark)
        names = [place["name"] for place in model["places"]]
        # The model holds the secrets of all apps. A failure does not, and people must see it.
        return {"changed": False, "names": names, "model": model, "fingerprint": fingerprint(task_vars), "_ansible_no_log": True}
