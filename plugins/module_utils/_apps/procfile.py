# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procfiles: lines V(name: command) in a repository that say what to run. Pure Python, no Ansible.

The format is Heroku's, https://devcenter.heroku.com/articles/procfile: V(web) serves, V(release) runs before a release serves, all other lines are processes.
piku has V(wsgi) in place of V(web), and schedules in lines such as V(cron: 0 3 * * * flask tidy-up), https://piku.github.io/configuration/procfile.html.
"""

from __future__ import annotations

import re
import typing as t

from .command_line import parse_command
from .keys import APP
from .schema import Problem, check_mapping, complete
from .work import complete_work

#: The lines that say what serves. The key C(server) does that here.
SERVING = ("web", "wsgi")
_CALENDAR = re.compile(r"([\d*/,-]+\s+){5}\S")
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(.+)")


class ProcfileError(ValueError):
    """A Procfile is not usable. The text says why."""


def with_procfile(app: dict[str, t.Any], text: str | None) -> dict[str, t.Any]:
    """A completed app with C(release_command) and C(processes) from its Procfile, if C(procfile) says so and the inventory does not declare them.

    :param text: its Procfile; empty if the release has none, and None if there is no release yet.
    :raises ProcfileError: if there is no line, or one that is not usable.
    """
    if not app["procfile"] or text is None:
        return app
    parsed = parse_procfile(text)
    if not parsed:
        raise ProcfileError("procfile is true, and the release has no Procfile in the folder of the app, or an empty one; add it, or remove the key")
    if schedules := [name for name, command in parsed.items() if _CALENDAR.match(command)]:
        raise ProcfileError(f"Procfile: {', '.join(schedules)} is a schedule, as piku has it; declare it in schedules, and remove the line")
    lines = {name: command for name, command in parsed.items() if name not in SERVING}
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
