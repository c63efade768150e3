# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the slots: render the files of every app here, send them all in one call."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils.environment_file import environment_file
from ..module_utils.sealed import seal
from ..module_utils.slots import TOKENS
from ..plugin_utils.render import Renderer

#: What the host needs of an app; the rest, secrets among it, stays on the controller.
_SENT = ("name", "unit", "user", "canonical", "mount", "protocol", "healthcheck", "graceful_timeout_seconds", "keep_releases", "paths")


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.slot) with rendered files."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Render and send."""
        variables = task_vars or {}
        super().run(tmp, variables)
        renderer = Renderer(self, variables)
        args = dict(self._task.args)
        templates: dict[str, str] = args.get("templates") or {}
        apps: list[dict[str, t.Any]] = args.get("apps") or []
        rendered = {name: renderer.render_each(template, "app", apps, TOKENS) for name, template in templates.items()}
        # A template that gives nothing for an app gives it no file.
        args["files"] = {app["name"]: {name: texts[number] for name, texts in rendered.items() if texts[number].strip()} for number, app in enumerate(apps)}
        args["environments"] = {app["name"]: environment_file(app["env"]) for app in apps}
        args["apps"] = [{key: app[key] for key in _SENT} for app in apps]
        sealed = seal(args, "files", "environments")
        result: dict[str, t.Any] = self._execute_module(module_name="flaskyard.server.slot", module_args=sealed, task_vars=variables)
        if not args.get("settle") and "ansible_facts" in result:
            # The apps of another server were in a call of their own.
            earlier = variables.get("ansible_facts", {}).get("flask_slots_retained", [])
            result["ansible_facts"]["flask_slots_retained"] += [name for name in earlier if name not in args["files"]]
        return result
