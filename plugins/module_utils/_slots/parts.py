# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a slot. A process manager runs each of them."""

from __future__ import annotations

import dataclasses
import typing as t

Kind = t.Literal["web", "process", "schedule"]
#: The prefixes of file names of additional parts: V(process.worker.1.service), V(schedule.nightly.timer).
WORK: tuple[Kind, ...] = ("process", "schedule")


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of a slot. V(web) is the server with the slot's socket. The others, the slot's *work*, run only while the slot is current.

    :param starters: the rendered files from which it starts, by the process manager's term: for systemd C(service), C(socket), and
        C(<name>.service) for an additional unit; for supervisor C(program), and C(<name>.program) for an additional one.
    """

    kind: Kind
    starters: dict[str, str]


def times(app: dict[str, t.Any]) -> dict[str, float]:
    """How long the processes of an app may take to stop, and how long they must stay up. Apps recorded by earlier versions have neither."""
    return app.get("work") or {"stop_seconds": 0, "healthy_after_seconds": 0}


def kind_of(file: str) -> Kind:
    """The kind of part to which a rendered file belongs."""
    head = file.split(".", 1)[0]
    return next((kind for kind in WORK if kind == head), "web")


def split(texts: dict[str, str], is_starter: t.Callable[[str], bool]) -> tuple[list[Part], dict[str, str]]:
    """The parts among a slot's files, and the other files, which belong to the server."""
    parts: dict[tuple[Kind, str], dict[str, str]] = {("web", ""): {}}
    for file, text in texts.items():
        if is_starter(file):
            kind = kind_of(file)
            parts.setdefault((kind, "" if kind == "web" else file.rpartition(".")[0]), {})[file] = text
    return [Part(kind, starters) for (kind, _name), starters in parts.items()], {name: text for name, text in texts.items() if not is_starter(name)}


def with_runs(names: list[str]) -> list[str]:
    """The parts of a slot, and after each timer the service that it starts."""
    return [part for name in names for part in ([name, f"{name.removesuffix('.timer')}.service"] if name.endswith(".timer") else [name])]
