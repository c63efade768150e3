# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procfiles: lines V(name: command) in a repository that say what to run. Pure Python, no Ansible.

The format is Heroku's, https://devcenter.heroku.com/articles/procfile: V(web) serves, V(release) runs before a release serves, all other lines are processes.
"""

from __future__ import annotations

import re
import typing as t

from .command_line import parse_command
from .keys import APP
from .schema import Problem, check_mapping, complete
from .work import complete_work

_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(.+)")


class ProcfileError(ValueError):
    """A Procfile is not usable. The text says why."""


def with_procfile(app: dict[str, t.Any], text: str) -> dict[str, t.Any]:
    """A completed app with C(release_command) and C(processes) from its Procfile, if the inventory does not declare them.

    :raises ProcfileError: if a line is not usable.
    """
    lines = parse_procfile(text)
    lines.pop("web", None)
    release = lines.pop("release", None)
    given: dict[str, t.Any] = {}
    if release and not app["release_command"]:
        given["release_command"] = release
    if lines and not app["processes"]:
        given["processes"] = [{"name": _unit_name(name), "command": command} for name, command in lines.items()]
    problems: list[Problem] = []
    check_mapping({key: APP[key] for key in given}, given, "", problems)
    if problems:
        raise ProcfileError("\n".join(f"Procfile: {problem.text}" for problem in problems))
    work = complete_work(complete({key: APP[key] for key in ("release_command", "processes", "schedules")}, given))
    chosen = [key for key in ("release_command", "processes") if key in given]
    return {**app, **{key: work[key] for key in chosen}, "work": work["work"] if "processes" in given else app["work"]}


def parse_procfile(text: str) -> dict[str, str]:
    """The commands by name. A line that needs a shell gets one, because a shell runs Procfiles elsewhere.

    >>> parse_procfile("web: gunicorn shop:app\nworker: rq worker && echo $HOME")
    {'web': 'gunicorn shop:app', 'worker': "sh -c 'rq worker && echo $HOME'"}

    :raises ProcfileError: if a line does not belong in a Procfile.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _LINE.fullmatch(line.strip())
        if not matched:
            raise ProcfileError(f"line {number} of the Procfile is {line.strip()[:80]!r}; expected a name, a colon and a command")
        name, command = matched[1], matched[2]
        if name in found:
            raise ProcfileError(f"line {number} of the Procfile names {name!r} again; each name may be used once")
        found[name] = _runnable(command)
    return found


def _runnable(command: str) -> str:
    try:
        parse_command(command)
    except ValueError:
        return "sh -c '" + command.replace("'", "'\\''") + "'"
    return command


def _unit_name(name: str) -> str:
    return re.sub(r"-+", "-", name.lower().replace("_", "-")).strip("-")
