# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runs of a scenario reported: nothing to warn of, and of its change exactly what `tests/change.yml` says.

`tests/change.yml` has `variables` (what changes), `changed` (the tasks that report it; or a list each for `check` and `converge`)
and `diff` (every line added or removed, as `--check --diff` shows it, `*` for what differs from run to run; none by default).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

COLOUR = re.compile(r"\x1b\[[\d;]*m")
RECORD = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ p=(?P<run>\d+) u=\S+ n=\S+ \w+\| (?P<text>.*)")
#: What create.yml wrote of the scenario's hosts.
INVENTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "inventory", "hosts.json")
#: With several hosts, each phase of a deploy is a separate task: all hosts start their slots before any switches.
START, SWITCH = "app : slots | Start the new slots and check their health", "app : switch | Switch to the new slots"
HOSTS = tuple(json.loads(INVENTORY.read_text(encoding="utf-8"))["all"]["children"]["flask"]["hosts"])


@dataclass
class Run:
    """One run of converge.yml."""

    check: bool
    changed: dict[str, list[str]] = field(default_factory=lambda: {host: [] for host in HOSTS})
    diff: set[str] = field(default_factory=set)


def read_runs(log: str) -> list[Run]:
    """Return the runs of converge.yml that an Ansible log tells of, in order."""
    runs: dict[str, Run] = {}
    process, task = "", ""
    for line in COLOUR.sub("", log).splitlines():
        if record := RECORD.match(line):
            process, line = record["run"], record["text"]
        if line.startswith("PLAY ["):
            runs.setdefault(process, Run(check="[CHECK MODE]" in line))
        elif line.startswith("TASK [") or line.startswith("RUNNING HANDLER ["):
            task = line.partition("[")[2].rpartition("] ")[0].removesuffix("] [CHECK MODE").removeprefix("flaskyard.server.")
        elif changed := re.match(r"changed: \[(\w+)\]", line):
            runs[process].changed.setdefault(changed[1], []).append(task)
        elif re.match(r"[+-](?!\+\+ |-- )", line):
            runs[process].diff.add(line)
    return [run for run in runs.values() if set(run.changed) == set(HOSTS)]


def in_phases(tasks: list[str]) -> list[str]:
    """The tasks that report a change on this number of hosts. Check mode reports it at the start."""
    return [one for task in tasks for one in ([task, SWITCH] if task == START and len(HOSTS) > 1 else [task])]


def compare(lines: set[str], patterns: list[str]) -> tuple[set[str], set[str]]:
    """Return the lines that no pattern matches, and the patterns that match no line."""
    expressions = {pattern: re.compile(re.escape(pattern).replace(r"\*", ".*")) for pattern in patterns}
    matches = {(line, pattern) for line in lines for pattern, expression in expressions.items() if expression.fullmatch(line)}
    return lines - {line for line, dummy in matches}, set(patterns) - {pattern for dummy, pattern in matches}


@pytest.fixture(scope="module")
def log() -> str:
    """Everything that Ansible said since the hosts were made."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "ansible.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def change() -> dict[str, Any]:
    """The scenario's change.yml."""
    loaded: dict[str, Any] = yaml.safe_load(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "tests", "change.yml").read_text())
    return loaded


def test_no_task_warns(log: str) -> None:
    assert re.findall(r".*\[(?:DEPRECATION )?WARNING\].*", log) == []


def test_check_mode_predicts_the_change(log: str, change: dict[str, Any]) -> None:
    check, converge = read_runs(log)[-2:]
    assert (check.check, converge.check) == (True, False)
    expected = change["changed"]
    for run, name in ((check, "check"), (converge, "converge")):
        tasks = expected[name] if isinstance(expected, dict) else expected
        assert run.changed == dict.fromkeys(HOSTS, tasks if run.check else in_phases(tasks))
        assert compare(run.diff, change.get("diff", [])) == (set(), set())
