# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the fileset: renders every file here, and sends all of them in one call."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils._host.sealed import seal
from ..module_utils._host.wishes import wish
from ..plugin_utils.render import Renderer
from ..plugin_utils.surveyed import after_change, holds, results

_KEYS = {"path", "template", "content", "link", "state", "owner", "group", "mode", "secret", "each", "when"}


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.fileset) with rendered files."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Render the files and call the module."""
        variables = task_vars or {}
        super().run(tmp, variables)
        renderer = Renderer(self, variables)
        args = dict(self._task.args)
        files: list[dict[str, t.Any]] = []
        for declared in args.get("files") or []:
            files += self._expand(declared, renderer)
        args["files"] = files
        if args.get("units"):
            args["units"] = [unit for declared in args["units"] for unit in _units(declared)]
        # Not a part of the wish: files that are in place need no trial.
        rehearsed = boolean(args.pop("rehearse", False))
        if holds(results(variables, "filesets").get(args.get("name", "")), wish(args)):
            return {"changed": False, "changed_paths": [], "steps": [], "repaired": []}
        sealed = {**seal(args, "files"), "rehearse": rehearsed}
        result: dict[str, t.Any] = self._execute_module(module_name="flaskyard.server.fileset", module_args=sealed, task_vars=variables)
        return after_change(result, variables, self._task.check_mode)

    def _expand(self, declared: dict[str, t.Any], renderer: Renderer) -> t.Iterator[dict[str, t.Any]]:
        unknown = set(declared) - _KEYS
        if unknown:
            raise AnsibleActionFail(f"files: {', '.join(sorted(unknown))} is not a key of a file; the keys are {', '.join(sorted(_KEYS))}")
        if not declared.get("when", True):
            return
        each: dict[str, list[t.Any]] = declared.get("each") or {}
        if len(each) > 1:
            raise AnsibleActionFail("files: each takes one name with its list, such as {app: [...]}")
        rounds = [{name: value} for name, values in each.items() for value in values] if each else [{}]
        contents: list[str | None] = [None] * len(rounds)
        if "template" in declared:
            contents = [*renderer.render_each(declared["template"], *list(each.items())[0])] if each else [renderer.render(declared["template"])]
        for extra, content in zip(rounds, contents, strict=True):
            item = {key: value for key, value in declared.items() if key not in ("each", "when", "template")}
            for key in {"path", "link", "owner", "group"} & set(item) if extra else set():
                item[key] = item[key].format(**extra)
            if content is not None:
                item["content"] = content
            yield item


def _units(declared: dict[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    """A unit, or one for each item of its list."""
    if "each" not in declared:
        yield declared
        return
    [(name, items)] = declared["each"].items()
    for item in items:
        extra = {name: item}
        unit = {key: value for key, value in declared.items() if key != "each"}
        yield {**unit, "name": unit["name"].format(**extra), "files": [path.format(**extra) for path in unit.get("files", [])]}
