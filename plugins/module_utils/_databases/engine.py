# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database server does for apps, whichever it is. Each server is a module with these functions, and one for its copies."""

from __future__ import annotations

import dataclasses
import typing as t

#: What is there of a database while it is restored.
ASIDE, BEFORE = ".restore", ".before"


@dataclasses.dataclass(frozen=True)
class Step:
    """What of an app's database is not as it should be, in words, and the statement that puts it right."""

    lack: str
    statement: str


class Engine(t.Protocol):
    """What there is for apps in a server, what should be, and the steps between."""

    #: What C(found) gives where there is no server yet.
    NOTHING: dict[str, t.Any]

    def answers(self) -> bool:
        """Whether there is a server that answers."""

    def execute(self, *statements: str) -> str:
        """Run statements, each by itself, and return what they print.

        :raises HostError: with the server's words.
        """

    def found(self) -> dict[str, t.Any]:
        """What there is of all apps."""

    def steps(self, name: str, there: dict[str, t.Any]) -> list[Step]:
        """What there is to do for one app, in order.

        :param name: of its account, and so of its database.
        :param there: from C(found).
        """

    def leftovers(self, name: str, there: dict[str, t.Any]) -> list[Step]:
        """What there is of one app, to be removed."""


class Exchange(t.Protocol):
    """A database that is restored beside the one in use, and changes places with it."""

    #: Its name until then.
    aside: str

    def prepare(self) -> None:
        """Make an empty database aside.

        :raises HostError: with the server's words.
        """

    def restore_command(self) -> list[str]:
        """What reads a dump from its standard input into the database aside, run by the app's account."""

    def swap(self) -> None:
        """Put it in the place of the one in use, to which nobody may be connected any more.

        :raises HostError: with the server's words; nothing has changed.
        """

    def swap_back(self) -> None:
        """Undo it."""

    def discard(self) -> None:
        """Drop the one that is not in use."""


class Copies(t.Protocol):
    """Dumps of an app's database. What is in one is the app's, so the app's account writes and reads it."""

    def dump_command(self, name: str) -> list[str]:
        """What writes a dump to its standard output, run by the account that has the database."""

    def prove_command(self) -> list[str]:
        """What reads a dump to its end, and fails unless it is whole."""

    def Exchange(self, name: str) -> Exchange:
        """The database of this name, to be restored."""
