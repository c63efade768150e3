# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of a command of an app: splits it, chooses the host, and shows the output."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._apps.command_line import parse_command

display = Display()


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.run_command) on the first host of the play that has the app."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ask the host."""
        variables = task_vars or {}
        super().run(tmp, variables)
        app, command = str(self._task.args.get("app") or ""), str(self._task.args.get("command") or "")
        try:
            words = parse_command(command)
        except ValueError as error:
            raise AnsibleActionFail(f"command is {command!r}; {error}") from error
        hosts = [host for host in variables["ansible_play_hosts"] if app in self._apps(variables["hostvars"][host])]
        if not hosts:
            raise AnsibleActionFail(f"app is {app!r}, and no host of this run has an app of that name in flask_apps")
        if hosts[0] != variables["inventory_hostname"]:
            return {"changed": False, "skipped": True, "skip_reason": f"the command runs on {hosts[0]}"}
        result: dict[str, t.Any] = self._execute_module(
            module_name="flaskyard.server.run_command", module_args={"app": app, "command": command, "arguments": words}, task_vars=variables
        )
        for text in (result.get("stdout", ""), result.get("stderr", "")):
            if text:
                display.display(text.rstrip("\n"))
        return result

    def _apps(self, variables: t.Mapping[str, t.Any]) -> list[str]:
        return [str(app.get("name")) for app in self._templar.template(variables.get("flask_apps")) or []]
