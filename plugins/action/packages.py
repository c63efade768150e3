# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the Debian packages that a host lacks, without a remote call if it has all of them."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..plugin_utils.surveyed import facts, outdated


class ActionModule(ActionBase):
    """Finds missing packages in the facts, and installs them with C(ansible.builtin.apt)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Compare and install."""
        variables = task_vars or {}
        super().run(tmp, variables)
        _result, options = self.validate_argument_spec({"names": {"type": "list", "elements": "str", "required": True}})
        found = facts(variables)
        missing = [name for name in options["names"] if name not in found["packages"]]
        if not missing:
            return {"changed": False}
        # A bare host has no python3-apt, which apt's check mode needs.
        if self._task.check_mode:
            return {"changed": True, "msg": f"Would install {', '.join(missing)}"}
        result = self._install(missing, found, variables)
        if result.get("failed"):
            repaired = self._execute_module(module_name="flaskyard.server.packages", module_args={"names": missing}, task_vars=variables)
            if repaired.get("failed"):
                return {**repaired, "msg": f"{result.get('msg')}\n{repaired.get('msg')}"}
            if repaired.get("changed"):
                result = self._install(missing, found, variables)
        if not result.get("failed"):
            changed = outdated(variables)["flaskyard"]
            result["ansible_facts"] = {"flaskyard": {**changed, "packages": found["packages"] + missing, "package_lists_fetched": True}}
        return result

    def _install(self, missing: list[str], found: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(module_name="ansible.builtin.apt", module_args=self._apt(missing, found), task_vars=variables)
        return result

    def _apt(self, missing: list[str], found: dict[str, t.Any]) -> dict[str, t.Any]:
        """Arguments for apt. Services are not started, because they would run with the distribution's configuration until ours is in place."""
        return {
            "name": missing,
            "update_cache": not found.get("package_lists_fetched"),
            "install_recommends": False,
            "policy_rc_d": 101,
            "lock_timeout": 120,
        }
