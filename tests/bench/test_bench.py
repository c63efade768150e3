# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the benchmark counts, with real playbook runs on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.__main__ import HERE
from tests.bench.figures import Figure
from tests.bench.parts import parts_of

PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: {facts}
  tasks:
    - ansible.builtin.ping:
    - ansible.builtin.copy: {{content: text, dest: "{folder}/file", mode: "0600"}}
    - ansible.builtin.command: "true"
      loop: [1, 2]
      changed_when: false
    - ansible.builtin.debug: {{msg: stays here}}
    - ansible.builtin.ping:
      when: false
"""


def calls(folder: Path, *, facts: bool = False) -> tuple[Counter[str], dict[str, int]]:
    """Run the playbook and return how often each module ran, and the recap."""
    playbook, file = folder / "playbook.yml", folder / "calls"
    file.unlink(missing_ok=True)
    playbook.write_text(PLAYBOOK.format(folder=folder, facts=str(facts).lower()))
    environment = os.environ | {
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "remote_calls",
        "REMOTE_CALLS": str(file),
    }
    command = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        "-i",
        "localhost,",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        str(playbook),
    ]
    subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    lines = [line.split("\t") for line in file.read_text().splitlines()]
    return Counter(what.rpartition(".")[2] for kind, what in lines if kind == "module"), json.loads(lines[-1][1])


def test_every_module_is_counted_and_nothing_else(tmp_path: Path) -> None:
    first, changed = calls(tmp_path)
    assert first == {"ping": 1, "stat": 1, "copy": 1, "command": 2}
    assert changed["changed"] == 1
    again, unchanged = calls(tmp_path, facts=True)
    assert again == {"setup": 1, "ping": 1, "stat": 1, "file": 1, "command": 2}
    assert unchanged["changed"] == 0


@pytest.mark.parametrize(("values", "verdict"), [([16, 15, 14], "met"), ([16, 16, 1], "MISSED")])
def test_median_counts(values: list[float], verdict: str) -> None:
    assert Figure("modules", values, most=15).verdict == verdict
    assert Figure("requests", [-value for value in values], least=-15).verdict == verdict


def test_every_second_of_a_run_belongs_to_a_part() -> None:
    tasks = [
        "11 flaskyard.server.packages install",
        "15 ansible.builtin.command install_tool | Install uv",
        "18 ansible.builtin.debug x",
        "19 flaskyard.server.slot y",
    ]
    found = parts_of(tasks, 10, 22)
    assert found == {"Ansible itself": 2, "packages of Debian": 4, "tools from PyPI": 3, "start and gate of the app": 3}
