# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process manager has to be able to do with the slots of one app."""

from __future__ import annotations

import typing as t


class SlotManager(t.Protocol):
    """C(enable) and C(remove) are asked of every manager for every slot, and do nothing to a slot that is not this manager's.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None: ...

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """What the manager says of several names, in one call, whatever app they are of."""

    def takes(self, name: str) -> bool:
        """Whether a rendered file of a slot is this manager's and not the server's."""

    def names(self, slot: str, files: t.Iterable[str] = ...) -> list[str]:
        """What the manager calls the parts of a slot with these files."""

    def lacks(self, names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps a slot that is there from running, now and after a boot, in words."""

    def install(self, slot: str, texts: dict[str, str]) -> None:
        """Put the manager's files of a slot in place."""

    def start(self, slot: str) -> None:
        """Start a slot; that it serves is for the gate to find out.

        :raises CommandError: saying why it did not start.
        """

    def enable(self, slot: str) -> None:
        """Have a slot start at boot."""

    def dead(self, slot: str) -> str:
        """Why the slot can no longer become healthy, or an empty text."""

    def log(self, slot: str) -> str:
        """The last lines that a slot printed."""

    def kill(self, slot: str) -> None:
        """End a slot that never served: there is no request to wait for, and an import that hangs would use up the time they get."""

    def remove(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take, and remove the manager's files of it."""
