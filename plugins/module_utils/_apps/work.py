# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app runs besides its web server: release command, processes and schedules. Pure Python, no Ansible."""

from __future__ import annotations

import typing as t

from .calendar import EXPECTED, is_calendar
from .command_line import parse_command
from .schema import show
from .web import repeated


def work_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems of commands and calendars. Each key has the right type."""
    commands = {"release_command": app["release_command"]} if app.get("release_command") else {}
    for key in ("processes", "schedules"):
        for item in app.get(key, []):
            commands[f"{key}: command of {item['name']!r}"] = item["command"]
        for name in repeated([item["name"] for item in app.get(key, [])]):
            yield f"{key}: the name {name!r} is listed twice; units are named after it, so each needs its own"
    for where, command in commands.items():
        try:
            parse_command(command)
        except ValueError as error:
            yield f"{where} is {show(command)}; {error}"
    for item in app.get("schedules", []):
        if not is_calendar(item["calendar"]):
            yield f"schedules: calendar of {item['name']!r} is {show(item['calendar'])}; expected {EXPECTED}"


def complete_work(declared: dict[str, t.Any]) -> dict[str, t.Any]:
    """The keys about commands, with C(arguments) beside each C(command), and how long the processes may take to start and stop.

    :param declared: the app, checked, with every key.
    """
    processes, schedules = ([_with_arguments(item) for item in declared[key]] for key in ("processes", "schedules"))
    command = declared["release_command"]
    return {
        "release_command": {"command": command, "arguments": parse_command(command)} if command else None,
        "processes": processes,
        "schedules": schedules,
        "work": {
            "stop_seconds": max((item["stop_timeout_seconds"] for item in processes), default=0),
            "healthy_after_seconds": max((item["healthy_after_seconds"] for item in processes), default=0),
        },
    }


def _with_arguments(item: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**item, "arguments": parse_command(item["command"])}
