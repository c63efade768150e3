# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render templates on the controller, like the template action, but to text that an action plugin can send."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

# The same as in `ansible.builtin.template`, so that a template means the same in both.
_OVERRIDES = {"trim_blocks": True, "lstrip_blocks": False}
# Ends each text if several are rendered at once. No text contains it.
_END = "\0"


class Renderer:
    """Renders templates of a task's role and of the roles on which that role depends."""

    def __init__(self, action: ActionBase, task_vars: dict[str, t.Any]) -> None:
        self._action = action
        self._variables = {"ansible_managed": "Ansible managed", **task_vars}
        self._sources: dict[str, tuple[t.Any, list[str]]] = {}

    def render(self, template: str, extra: dict[str, t.Any] | None = None) -> str:
        """The text of a template.

        :param template: a file name. It is searched where the template action searches, and then in the roles on which the role depends.
        :param extra: variables for this rendering, which override those of the task.
        :raises AnsibleActionFail: if there is no such template.
        """
        source, searchpath = self._load(template)
        return self._template(source, searchpath, extra or {})

    def render_each(self, template: str, name: str, values: list[t.Any], extra: dict[str, t.Any] | None = None) -> list[str]:
        """The texts of a template, one for each of C(values) as the variable C(name).

        One rendering makes them all, because compiling a template and evaluating the roles' variables cost more than its text.
        So these variables are the same for all texts, and only the template itself sees C(name).
        """
        source, searchpath = self._load(template)
        loop = f"{{% for {name} in __values %}}{{% include __template %}}{_END}{{% endfor %}}"
        extra = {**(extra or {}), "__values": values, "__template": os.path.basename(template)}
        texts = self._template(trust_as_template(loop), searchpath, extra).split(_END)[:-1]
        # An included template loses its last newline.
        return [text if text.endswith("\n") or not source.endswith("\n") else text + "\n" for text in texts]

    def _template(self, source: t.Any, searchpath: list[str], extra: dict[str, t.Any]) -> str:
        templar = self._action._templar.copy_with_new_env(searchpath=searchpath, available_variables={**self._variables, **extra})
        text = templar.template(source, escape_backslashes=False, overrides=_OVERRIDES)
        return "" if text is None else str(text)

    def _load(self, template: str) -> tuple[t.Any, list[str]]:
        if template not in self._sources:
            task = self._action._task
            needed = [role._role_path for role in task._role.get_all_dependencies()] if task._role else []
            try:
                path = self._action._loader.path_dwim_relative_stack([*task.get_search_path(), *needed], "templates", template)
            except Exception as error:
                raise AnsibleActionFail(f"no template {template!r}: {error}") from error
            folders = [*self._variables.get("ansible_search_path", []), os.path.dirname(path)]
            searchpath = [place for folder in folders for place in (os.path.join(folder, "templates"), folder)]
            loader = self._action._loader
            self._sources[template] = (trust_as_template(loader.get_text_file_contents(path)), searchpath)
        return self._sources[template]
