# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the rollback: tells the host who runs it, and warns about what cannot be undone."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..plugin_utils.operator import OnBehalf

display = Display()


class ActionModule(OnBehalf):
    """Runs the module C(flaskyard.server.rollback)."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ask the host."""
        result = super().run(tmp, task_vars)
        if commands := result.get("release_commands"):
            host = (task_vars or {}).get("inventory_hostname", "")
            display.warning(f"{host}: these release commands are not undone: {'; '.join(commands)}. See whether the older release can work with what they did.")
        return result
