# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the files that the roles would put on a host, without a host.

The roles, their variables and the action plugins are the real ones. Only the call to the host is missing: what it would be sent is kept.

`python -m tests.templates.offline` reads a list of the arguments of `render` from its input, and writes what each gives and which
templates were read. It needs a separate process: Ansible finds collections only if nobody has imported one before.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from ansible import context
from ansible.executor import module_common
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader, init_plugin_loader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[2]
#: The actions that render files.
RENDERING = {"flaskyard.server.fileset", "flaskyard.server.slot"}
HOST, SLOT = "host", "0123456789ab"
#: What `survey` and `release` would have said.
FACTS: dict[str, Any] = {
    "cores": 2, "memory_mb": 2048, "packages": [], "filesets": [], "databases": [], "ssh_port": 22, "ipv6": True, "locales": [], "timezone": "Etc/UTC",
    "tools": {name: {"version": "1", "path": f"/opt/flaskyard/{name}-1/bin/{name}"} for name in ("uv", "certbot")},
}  # fmt: skip
DISTRIBUTIONS: dict[str, dict[str, Any]] = {
    "bookworm": {"distribution": {"id": "debian", "release": "12", "name": "Debian 12"}, "python": "3.11", "openssl": "3.0"},
    "trixie": {"distribution": {"id": "debian", "release": "13", "name": "Debian 13"}, "python": "3.13", "openssl": "3.5"},
}


Files = dict[str, tuple[str, str] | None]


class Captured(Exception):
    """Ends an action where it would call the host."""


def render(role: str, distribution: str, **variables: Any) -> Files:
    """The files that a role writes, by their paths on the host: text and mode, or nothing for what it removes.

    :param distribution: of the host, one of DISTRIBUTIONS.
    :param variables: as the inventory gives them.
    """
    loader = DataLoader()
    loader.set_basedir(str(ROOT))
    inventory = InventoryManager(loader, sources=[f"{HOST},"])
    manager = VariableManager(loader, inventory)
    facts = {**FACTS, **DISTRIBUTIONS[distribution]}
    facts["pythons"] = {facts["python"]: f"/usr/bin/python{facts['python']}"}
    manager.set_host_facts(HOST, {"flaskyard": facts, "flask_slots_pending": ["all"]})
    manager._extra_vars = variables
    play = Play.load({"hosts": HOST, "gather_facts": False, "roles": [f"flaskyard.server.{role}"]}, variable_manager=manager, loader=loader)
    files: Files = {}
    for task in tasks(play):
        if task.action in RENDERING and str(task._role) == f"flaskyard.server.{role}" or task.action == "flaskyard.server.slot":
            files |= placed(capture(task, play, manager, loader))
    return files


def tasks(play: Play) -> Iterator[Task]:
    """All tasks of a play that are known before it runs."""

    def below(items: list[Any]) -> Iterator[Task]:
        for item in items:
            if isinstance(item, Block):
                yield from below(item.block)
            else:
                yield item

    yield from below(play.compile())


def capture(task: Task, play: Play, manager: VariableManager, loader: DataLoader) -> dict[str, Any]:
    """The arguments with which a task would call its module; empty where its condition does not hold."""
    host = manager._inventory.get_host(HOST)
    variables = manager.get_vars(play=play, host=host, task=task)
    variables["ansible_search_path"] = task.get_search_path()
    templar = Templar(loader, variables)
    if not all(templar.evaluate_conditional(condition) for condition in task.when):
        return {}
    task = task.copy()
    task.args = module_common._apply_action_arg_defaults(task.action, task, templar.template(task.args), templar)
    action = action_loader.get(
        task.action, task=task, connection=mock.Mock(), play_context=PlayContext(play), loader=loader, templar=templar, shared_loader_obj=None
    )
    seen: dict[str, Any] = {}

    def call(_self: ActionBase, module_args: dict[str, Any], **_more: Any) -> None:
        seen.update(module_args)
        raise Captured

    with mock.patch.object(ActionBase, "_execute_module", call), contextlib.suppress(Captured):
        action.run(task_vars=variables)
    return {**seen, **json.loads(seen.get("sealed") or "{}").get("options", {})}


def placed(arguments: dict[str, Any]) -> Files:
    """The files of a call, by their paths on the host."""
    files = arguments.get("files") or []
    if isinstance(files, dict):
        return {slot_path(app, name): (with_values(app, text), "0644") for app, texts in files.items() for name, text in texts.items()}
    contents: Files = {file["path"]: (file["content"], file.get("mode", "0644")) for file in files if "content" in file}
    return contents | {file["path"]: None for file in files if file.get("state") == "absent"}


def slot_path(app: str, name: str) -> str:
    """Where a file of a slot is on the host."""
    part, dummy, kind = name.rpartition(".")
    if kind in ("service", "socket", "timer"):
        return f"/etc/systemd/system/flask-{app}@{SLOT}{part and '-'}{part}.{kind}"
    if kind == "program":
        return f"/etc/supervisor/conf.d/flask-{app}@{SLOT}{part and '-'}{part}.conf"
    return f"/etc/flask/{app}/slots/{SLOT}/{name}"


def with_values(app: str, text: str) -> str:
    """The text with what stands for values of a slot replaced by them."""
    values = {"slot": SLOT, "slot_dir": f"/etc/flask/{app}/slots/{SLOT}", "release_dir": f"/srv/flask/{app}/releases/{SLOT}"}
    values |= {"slot_address": "127.77.0.1", "slot_port": "8001"}
    recipe = importlib.import_module("ansible_collections.flaskyard.server.plugins.module_utils._slots.recipe")
    for name, token in recipe.TOKENS.items():
        text = text.replace(token, values[name])
    return text


def main() -> None:
    """Render all cases."""
    templates = set()

    def opened(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(".j2"):
            templates.add(str(Path(str(arguments[0])).resolve().relative_to(ROOT)))

    sys.addaudithook(opened)
    context._init_global_context(Namespace(check=False, diff=False, become=True))
    init_plugin_loader([str(ROOT / ".cache" / "collections")])
    json.dump({"files": [render(**case) for case in json.load(sys.stdin)], "templates": sorted(templates)}, sys.stdout)


if __name__ == "__main__":
    main()
