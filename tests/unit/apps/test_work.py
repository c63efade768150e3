# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, processes and schedules of an app: accepted ones, and ones that are refused before a host changes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.calendar import is_calendar
from ansible_collections.flaskyard.server.plugins.module_utils._apps.command_line import parse_command, unit_command
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.procfile import ProcfileError, with_procfile

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app"}
WORKER: dict[str, t.Any] = {"name": "worker", "command": "celery -A shop worker"}
NIGHTLY: dict[str, t.Any] = {"name": "nightly", "command": "flask tidy", "calendar": "daily"}


def problems(manager: str = "systemd", **keys: t.Any) -> str:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, **keys}], manager=manager)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("flask db upgrade", ["flask", "db", "upgrade"]),
        ("sh -c 'a && b > $HOME'", ["sh", "-c", "a && b > $HOME"]),
        (r"""echo "a \"b\" ;|&" c\ d '' 100%""", ["echo", 'a "b" ;|&', "c d", "", "100%"]),
    ],
)
def test_command_is_split_as_a_shell_splits_it(line: str, arguments: list[str]) -> None:
    assert parse_command(line) == arguments


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("flask a && flask b", "sh -c"),
        ("flask a | tee log", "a pipe"),
        ("flask a > log", "a redirection"),
        ("flask a; flask b", "';'"),
        ("echo $HOME", "outside of single quotes"),
        ('echo "$HOME"', "outside of single quotes"),
        ("echo `id`", "outside of single quotes"),
        ("A=b flask", "env"),
        ("flask 'a", "close each quote"),
        ("flask a\nUser=root", "control character"),
        ("flask a\0", "control character"),
        ("flask \ufdd0", "noncharacter"),
        ("''", "names no program"),
    ],
)
def test_shell_syntax_is_refused(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("$", r"\$")):
        parse_command(line)
    assert "processes" in problems(processes=[{**WORKER, "command": line}])


def test_command_line_of_a_unit_expands_nothing() -> None:
    assert unit_command(["a b", "%n", "$HOME", 'c"\\']) == r'"a b" "%%n" "$$HOME" "c\"\\"'
    with pytest.raises(ValueError, match="control character"):
        unit_command(["a\nUser=root"])


@pytest.mark.parametrize(
    "text", ["daily", "Mon..Fri 03:30", "*-*-01 04:00:00 UTC", "*:0/15", "Sat,Sun", "02-29", "2026-01-01 00:00:00", "*-*-* 0/2:00", "9..17/8:00"]
)
def test_calendars_that_systemd_takes(text: str) -> None:
    assert is_calendar(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "25:00",
        "03:60",
        "02-30",
        "1-2-3-4",
        "Mon daily",
        "daily ",
        "daily\nUser=root",
        "*:0/0",
        "Fri 03:30 CET/Foo",
        "9..3:00",
        "%n",
        "*-13-*",
        "1969-01-01",
        "*/2-*",
        "1,*:3",
        "19/15:0",
        "12/2-*",
        "1..3/4-*",
    ],
)
def test_calendars_that_it_refuses_or_that_never_come(text: str) -> None:
    assert not is_calendar(text)
    assert "calendar" in problems(schedules=[{**NIGHTLY, "calendar": text}])


def test_invalid_processes_and_schedules_are_refused() -> None:
    assert "processes[0].count is 0 (int); expected a whole number from 1 to 64" in problems(processes=[{**WORKER, "count": 0}])
    assert "processes[0].count is 10000" in problems(processes=[{**WORKER, "count": 10000}])
    assert "the name 'worker' is listed twice" in problems(processes=[WORKER, WORKER])
    assert "processes[0].name" in problems(processes=[{**WORKER, "name": "worker.1"}])
    assert "processes[0].stop_signal" in problems(processes=[{**WORKER, "stop_signal": "KILL"}])
    assert "release_command is" in problems(release_command="flask db upgrade;")


def test_supervisor_runs_processes_and_limits_no_memory() -> None:
    assert complete_apps([{**APP, "processes": [WORKER], "schedules": [{**NIGHTLY, "memory_max_mb": 64}]}], manager="supervisor")
    assert "memory_max_mb of 'worker' has no effect" in problems("supervisor", processes=[{**WORKER, "memory_max_mb": 64}])


def test_procfile_fills_in_what_the_inventory_omits() -> None:
    text = "web: gunicorn shop:app\nwsgi: shop:app\n# a comment\n\nrelease: flask db upgrade\nmail_out: rq worker $QUEUE | tee 'a'\n"
    [plain] = complete_apps([{**APP, "procfile": True}])
    app = with_procfile(plain, text)
    assert app["release_command"] == {"command": "flask db upgrade", "arguments": ["flask", "db", "upgrade"]}
    assert [(one["name"], one["arguments"]) for one in app["processes"]] == [("mail-out", ["sh", "-c", "rq worker $QUEUE | tee 'a'"])]
    assert app["work"] == {"stop_seconds": 60, "healthy_after_seconds": 5}
    [told] = complete_apps([{**APP, "procfile": True, "release_command": "true", "processes": [WORKER]}])
    assert with_procfile(told, text) == told
    assert with_procfile(plain, None) == plain, "there is no release yet"
    [without] = complete_apps([APP])
    assert with_procfile(without, text) == without


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the release has no Procfile"),
        ("# worker: a", "the release has no Procfile"),
        ("wsgi: shop:app\ncron: 0 3 * * * flask tidy-up", "cron is a schedule"),
        ("gunicorn shop:app", "line 1 of the Procfile"),
        ("worker: a\nworker: b", "names 'worker' again"),
        ("9lives: a", "processes"),
        ("worker: a\0", "Procfile"),
    ],
)
def test_procfile_that_cannot_be_used_is_named(text: str, why: str) -> None:
    with pytest.raises(ProcfileError, match=why):
        with_procfile(complete_apps([{**APP, "procfile": True}])[0], text)


def test_time_to_stop_follows_from_all_processes() -> None:
    [app] = complete_apps([{**APP, "processes": [WORKER, {**WORKER, "name": "mail", "stop_timeout_seconds": 900}], "release_command": "flask db upgrade"}])
    assert app["work"] == {"stop_seconds": 900, "healthy_after_seconds": 5}
    assert app["release_command"] == {"command": "flask db upgrade", "arguments": ["flask", "db", "upgrade"]}
    assert app["processes"][0]["arguments"] == ["celery", "-A", "shop", "worker"]
    assert app["env"] == {"FLASK_APP": "shop:app"}
    [plain] = complete_apps([APP])
    assert (plain["release_command"], plain["work"]) == (None, {"stop_seconds": 0, "healthy_after_seconds": 0})
