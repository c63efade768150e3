# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared databases of apps, whether they exist, and what is left of them when an app is removed."""

from __future__ import annotations

import json
import os
import typing as t

from .._host import paths
from .._host.errors import HostError
from .._host.path_state import PathState, read_json, write_path
from . import mariadb, postgresql
from .engine import Engine, Step

#: The servers. Each has a role of the same name.
ENGINES: dict[str, Engine] = {"mariadb": mariadb, "postgresql": postgresql}


def account(app: str) -> str:
    """The name of an app's account on the host and on the server, and of its database."""
    return f"flask-{app}"


def steps(engine: str, apps: t.Iterable[str], there: dict[str, t.Any]) -> list[Step]:
    """The steps to take, in order.

    :param apps: the names of the apps that need a database.
    :param there: what the engine found.
    """
    return [step for app in apps for step in ENGINES[engine].steps(account(app), there)]


def belongings(app: str) -> dict[str, list[Step]]:
    """By server, the steps that remove everything of an app; none for a server that does not answer."""
    return {name: engine.leftovers(account(app), engine.found()) for name, engine in ENGINES.items() if engine.answers()}


def carry_out(engine: str, todo: t.Iterable[Step]) -> None:
    """Take steps, in order.

    :raises HostError: with the server's message.
    """
    if statements := [step.statement for step in todo]:
        ENGINES[engine].execute(*statements)


def recorded(engine: str) -> tuple[str, list[str]]:
    """The wish of the last run, and the apps to which it gave a database."""
    stored = read_json(_file(engine)) or {"wish": "", "apps": []}
    return stored["wish"], stored["apps"]


def remember(engine: str, apps: list[str], wish: str) -> None:
    """Record the wish. If no app has a database any more, remove the record, so that the survey skips the server."""
    if apps:
        write_path(_file(engine), PathState("file", json.dumps({"wish": wish, "apps": apps}).encode(), mode=0o600))
    elif os.path.exists(_file(engine)):
        os.unlink(_file(engine))


def survey() -> dict[str, dict[str, t.Any]]:
    """By server, the recorded C(wish), and C(differences): what does not hold, in words."""
    names = sorted(os.listdir(paths.DATABASES)) if os.path.isdir(paths.DATABASES) else []
    return {name.removesuffix(".json"): _look(name.removesuffix(".json")) for name in names}


def _look(engine: str) -> dict[str, t.Any]:
    stored = read_json(_file(engine))
    if stored is None:
        return {"wish": "", "differences": ["the last declaration was not recorded"]}
    try:
        return {"wish": stored["wish"], "differences": [step.difference for step in steps(engine, stored["apps"], ENGINES[engine].found())]}
    except HostError as error:
        return {"wish": stored["wish"], "differences": [str(error)]}


def _file(engine: str) -> str:
    return os.path.join(paths.DATABASES, f"{engine}.json")
