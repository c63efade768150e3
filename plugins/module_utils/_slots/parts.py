# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a slot: what a process manager runs of it."""

from __future__ import annotations

import dataclasses
import typing as t

Kind = t.Literal["web", "process", "schedule"]
#: What names of files of further parts begin with: V(process.worker.1.service), V(schedule.nightly.timer).
WORK: tuple[Kind, ...] = ("process", "schedule")


@dataclasses.dataclass(frozen=True)
class Part:
    """One thing that a slot runs. V(web) is a server with the slot's socket. The others, the slot's *work*, run only while the slot is current.

    :param starters: what it is started from, as rendered, by the process manager's own word for it: of systemd, C(service), C(socket), and
        C(<name>.service) for a further unit; of supervisor, C(program), and C(<name>.program) for a further one.
    """

    kind: Kind
    starters: dict[str, str]


def times(app: dict[str, t.Any]) -> dict[str, float]:
    """How long the processes of an app may take to stop, and how long they have to stay up. An app that an earlier version wrote down has none."""
    return app.get("work") or {"stop_seconds": 0, "healthy_after_seconds": 0}


def kind_of(file: str) -> Kind:
    """The kind of part that a rendered file belongs to."""
    head = file.split(".", 1)[0]
    return next((kind for kind in WORK if kind == head), "web")


def split(texts: dict[str, str], is_starter: t.Callable[[str], bool]) -> tuple[list[Part], dict[str, str]]:
    """The parts among a slot's files, and the other files, which are the server's own."""
    parts: dict[tuple[Kind, str], dict[str, str]] = {("web", ""): {}}
    for file, text in texts.items():
        if is_starter(file):
            kind = kind_of(file)
            parts.setdefault((kind, "" if kind == "web" else file.rpartition(".")[0]), {})[file] = text
    return [Part(kind, starters) for (kind, _name), starters in parts.items()], {name: text for name, text in texts.items() if not is_starter(name)}
