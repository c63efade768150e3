# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks without a host, and record the calls to modules."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Every word of the roles, and so every package that one of them names.
PACKAGES = sorted({word for path in ROOT.glob("roles/*/*/*.yml") for word in re.findall(r"[a-z][a-z0-9.+-]+", path.read_text(encoding="utf-8"))})
FACTS = {
    "distribution": {"id": "debian", "release": "13", "name": "Debian 13"},
    "cores": 4,
    "memory_mb": 8192,
    "packages": PACKAGES,
    "pythons": {"3.13": "/usr/bin/python3"},
    "python": "3.13",
    "openssl": "3.5",
    "filesets": [],
    "databases": [],
    "tools": {"uv": {"path": "/opt/uv", "version": "0.13.8"}, "certbot": {"path": "/opt/certbot", "version": "5.8.0"}},
    "ssh_port": 22,
    "ipv6": True,
    "locales": [],
    "timezone": "Etc/UTC",
}


@dataclass(frozen=True)
class Run:
    """How a run ended, what it printed, and the calls of modules: what each was given."""

    ok: bool
    output: str
    calls: list[dict[str, Any]]

    def files(self) -> dict[str, str]:
        """All rendered files, by path; those of slots by the app's name and their own."""
        found: dict[str, str] = {}
        for call in self.calls:
            options = call["options"]
            if call["module"] == "fileset":
                found |= {item["path"]: item["content"] for item in options["files"] if "content" in item}
            elif call["module"] == "slot":
                found |= {f"{app}/{name}": text for app, files in options["files"].items() for name, text in files.items()}
        return found


class Controller:
    """The collection with stubs in place of its modules, in a separate folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        collection = folder / "ansible_collections" / "flaskyard" / "server"
        modules = collection / "plugins" / "modules"
        modules.mkdir(parents=True)
        for name in ("roles", "playbooks", "meta", "galaxy.yml"):
            (collection / name).symlink_to(ROOT / name)
        for path in (ROOT / "plugins").iterdir():
            if path.name not in ("modules", "__pycache__"):
                (collection / "plugins" / path.name).symlink_to(path)
        stub = (HERE / "stub.py").read_text(encoding="utf-8")
        for path in (ROOT / "plugins" / "modules").glob("*.py"):
            (modules / path.name).write_text(stub.replace("@NAME@", path.stem), encoding="utf-8")
        (folder / "ansible.cfg").write_text(
            f"[defaults]\ninject_facts_as_vars = false\nconnection_plugins = {HERE}/connection\ncallback_result_format = yaml\n"
            "[connection]\npipelining = true\n"
        )

    def play(self, playbook: str | list[dict[str, Any]], *options: str, hosts: dict[str, dict[str, Any]] | None = None, **variables: Any) -> Run:
        """Run a playbook of the collection by its name, or the given plays, for ``hosts`` with their variables; for all of them ``variables``."""
        calls, inventory, book, extra = (self._folder / name for name in ("calls", "hosts.yml", "play.yml", "variables.json"))
        calls.write_text("")
        inventory.write_text(json.dumps({"flask": {"hosts": hosts or {"web1": {}}}}))
        connection = {"ansible_connection": "offline", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        extra.write_text(json.dumps({**connection, **variables}))
        if isinstance(playbook, list):
            book.write_text(yaml.safe_dump([{"hosts": "flask", "gather_facts": False, **play} for play in playbook]))
        path = book if isinstance(playbook, list) else ROOT / "playbooks" / f"{playbook}.yml"
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self._folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._folder),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_REMOTE_TEMP": str(self._folder / "tmp"),
            "OFFLINE_CALLS": str(calls),
            "OFFLINE_FACTS": json.dumps(FACTS),
        }
        command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, "-e", f"@{extra}", *options, path]
        done = subprocess.run(command, cwd=self._folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return Run(done.returncode == 0, done.stdout + done.stderr, [json.loads(line) for line in calls.read_text().splitlines()])
