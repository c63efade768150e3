# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The division of work between hosts that run the same app."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.plugin_utils.rollout import Rollout

COMMAND = "flask db upgrade"
APP: dict[str, t.Any] = {"name": "shop", "release_command": {"command": COMMAND}, "release_command_once": True}


def release(ran: str | None = None, environment: str = "e", identity: str = "r1") -> dict[str, t.Any]:
    return {"flask_releases": {"shop": {"id": identity, "release_command": ran}}, "flask_environments": {"shop": environment}}


def asked(app: dict[str, t.Any] | None = None, repeat: bool = False, **facts: dict[str, t.Any]) -> list[str]:
    """What each host has to do."""
    hostvars = {name: {"ansible_facts": found} for name, found in facts.items()}

    def of(host: str) -> Rollout:
        return Rollout({"inventory_hostname": host, "ansible_play_hosts": [*facts], "hostvars": hostvars, "ansible_facts": facts[host]})

    return [of(host).release_command(app or APP, repeat) for host in facts]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"one": release(), "two": release()}, ["run", ""]),
        ({"one": release(COMMAND), "two": release()}, ["", "note"]),
        ({"one": release(), "two": release(COMMAND)}, ["note", ""]),
        ({"one": release(COMMAND), "two": release(COMMAND)}, ["", ""]),
        ({"one": release("another"), "two": release()}, ["run", ""]),
        ({"one": release(), "two": release(environment="of staging")}, ["run", "run"]),
        ({"one": release(COMMAND), "two": release(identity="r2")}, ["", "run"]),
        ({"one": {"flask_failures": {"shop": "no disk"}}, "two": release()}, ["", "run"]),
        ({"one": release()}, ["run"]),
    ],
)
def test_command_runs_on_one_host_per_environment(facts: dict[str, t.Any], expected: list[str]) -> None:
    assert asked(**facts) == expected


def test_command_runs_on_each_host_if_once_is_false() -> None:
    app = {**APP, "release_command_once": False}
    assert asked(app, one=release(), two=release()) == ["run", "run"]
    assert asked(app, one=release(COMMAND), two=release()) == ["", "run"]


def test_repeated_command_runs_on_one_host() -> None:
    assert asked(APP, True, one=release(COMMAND), two=release(COMMAND)) == ["run", ""]
    assert asked({**APP, "release_command": None}, True, one=release()) == [""]


def test_host_waits_only_for_hosts_with_its_apps() -> None:
    hostvars = {"two": {"ansible_facts": {"flask_releases": {"blog": {"id": "r"}}, "flask_failures": {"shop": "no disk"}}}}
    rollout = Rollout({"inventory_hostname": "one", "ansible_play_hosts": ["one", "two"], "hostvars": hostvars, "ansible_facts": {}})
    assert [rollout.is_alone(["wiki"]), rollout.is_alone(["wiki", "blog"]), rollout.is_alone(["shop"])] == [True, False, False]
    assert (rollout.failed_elsewhere("shop"), rollout.failed_elsewhere("blog")) == ("two", "")
