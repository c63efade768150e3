# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of database servers. For each server, one module has these functions, and another the dumps."""

from __future__ import annotations

import dataclasses
import typing as t

#: Suffixes of a database's names during a restore: for the restored one, and for the previous one.
ASIDE, BEFORE = ".restore", ".before"


@dataclasses.dataclass(frozen=True)
class Step:
    """What is wrong with an app's database, in words, and the statement that repairs it."""

    difference: str
    statement: str


class Engine(t.Protocol):
    """A server: what it has for apps, what it should have, and the steps between."""

    #: The result of C(found) if there is no server yet.
    NOTHING: dict[str, t.Any]

    def answers(self) -> bool:
        """Whether the server answers."""

    def execute(self, *statements: str) -> str:
        """Run statements, each by itself, and return their output.

        :raises HostError: with the server's message.
        """

    def found(self) -> dict[str, t.Any]:
        """What the server has for all apps."""

    def steps(self, name: str, there: dict[str, t.Any]) -> list[Step]:
        """The steps for one app, in order.

        :param name: of its account and its database.
        :param there: from C(found).
        """

    def leftovers(self, name: str, there: dict[str, t.Any]) -> list[Step]:
        """The steps that remove everything of one app."""


class Exchange(t.Protocol):
    """A database that is restored beside the one in use, and then exchanged with it."""

    #: Its name until the exchange.
    aside: str

    def prepare(self) -> None:
        """Make an empty database aside.

        :raises HostError: with the server's message.
        """

    def restore_command(self) -> list[str]:
        """The command that reads a dump from standard input into the database aside. The app's account runs it."""

    def swap(self) -> None:
        """Exchange it with the database in use. Nobody may be connected to that any more.

        :raises HostError: with the server's message. Nothing has changed.
        """

    def swap_back(self) -> None:
        """Undo the exchange."""

    def discard(self) -> None:
        """Drop the database that is not in use."""


class Copies(t.Protocol):
    """Dumps of an app's database. Their content comes from the app, so the app's account writes and reads them."""

    def dump_command(self, name: str) -> list[str]:
        """The command that writes a dump to standard output. The database's account runs it."""

    def prove_command(self) -> list[str]:
        """The command that reads a dump to its end, and fails unless it is complete."""

    def Exchange(self, name: str) -> Exchange:
        """The exchange for the database of this name."""
