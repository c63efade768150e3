# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release command that another run has begun, and when this run runs it too."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import units
from ansible_collections.flaskyard.server.plugins.module_utils._slots import command as command_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots.folder import Folder

Ran = dict[str, str] | None
EARLIER, JUST_NOW = {"command": "upgrade", "at": "2100-01-01T00:00:00"}, {"command": "upgrade", "at": "2100-01-01T00:00:07"}


@pytest.mark.parametrize(
    ("before", "after", "repeat", "runs"),
    [
        pytest.param(None, None, False, True, id="nobody ran it"),
        pytest.param(JUST_NOW, JUST_NOW, False, False, id="it ended after the survey and before this phase"),
        pytest.param(None, JUST_NOW, False, False, id="it ends while this run waits"),
        pytest.param(EARLIER, EARLIER, True, True, id="it is asked for again"),
        pytest.param(EARLIER, JUST_NOW, True, False, id="it is asked for again and another run does it meanwhile"),
    ],
)
def test_command_of_another_run_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Ran, after: Ran, repeat: bool, runs: bool) -> None:
    record, calls = [before], list[list[str]]()

    def wait(name: str, seconds: float) -> None:
        record[0] = after

    monkeypatch.setattr(units, "wait_while_active", wait)
    monkeypatch.setattr(command_module, "run", lambda command, **options: calls.append(command))
    slot = tmp_path / "slots" / "one"
    slot.mkdir(parents=True)
    (slot / command_module.PROPERTIES).write_text("User=nobody\n")
    app: dict[str, t.Any] = {"name": "shop", "release_command_timeout_seconds": 5, "release_command": {"command": "upgrade", "arguments": ["upgrade"]}}
    command_module.run_release_command(app, Folder({"paths": {"slots": f"{tmp_path}/slots"}}, "one"), lambda: record[0], repeat)
    assert [command[0] for command in calls] == ["systemd-run"] * runs
