# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process manager has to be able to do with the slots of one app."""

from __future__ import annotations

import typing as t

from .._host.entries import Entry
from .parts import Part


class SlotManager(t.Protocol):
    """C(enable) and C(remove) are asked of every manager for every slot, and do nothing to a slot that is not this manager's.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        """Look after the slots of an app."""

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """What the manager says of several names, in one call, whatever app they are of."""

    @staticmethod
    def is_starter(name: str) -> bool:
        """Whether a rendered file of a slot is what this manager starts a part from, and not the server's own."""

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        """What the manager calls the parts of a slot."""

    @staticmethod
    def lacks(names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps a slot that is there from running, now and after a boot, in words."""

    def entries(self, slot: str, parts: list[Part]) -> dict[str, Entry]:
        """What of the parts stands where, once the slot starts at boot."""

    def install(self, slot: str, parts: list[Part]) -> None:
        """Put what the parts are started from in place."""

    def has(self, slot: str) -> bool:
        """Whether a slot is this manager's."""

    def start(self, slot: str) -> None:
        """Start the web server of a slot; that it serves is for the gate to find out.

        :raises CommandError: saying why it did not start.
        """

    def restart(self, slot: str) -> None:
        """Start the server of a slot anew; its socket stays.

        :raises CommandError: saying why it did not start.
        """

    def stop(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take; C(start) starts it again.

        :raises CommandError: when it still runs.
        """

    def pause(self, slot: str) -> None:
        """Stop the web server and the processes of a slot; scheduled runs that are under way go on.

        :raises CommandError: when it still runs.
        """

    def enable(self, slot: str) -> None:
        """Have the web server of a slot start at boot."""

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        """Have the processes and schedules of a slot run, now and after a boot.

        :param after: the slot whose schedules these go on from, so that a run missed meanwhile is caught up.
        :param wait: until they have started. One that was told to stop has to finish first, which may take hours.
        :raises CommandError: saying why one did not start.
        """

    def stop_work(self, slot: str) -> None:
        """Have the processes of a slot finish what they do and take nothing new, and its schedules begin no more runs; does not wait for either."""

    def failed_work(self, slot: str) -> list[str]:
        """What of the work does not stay up, in words, once it has been up as long as its app says."""

    def finish(self, slot: str) -> None:
        """Stop a slot, and wait for the end of the scheduled runs that are under way."""

    def dead(self, slot: str) -> str:
        """Why the slot can no longer become healthy, or an empty text."""

    def log(self, slot: str, since: float) -> dict[str, str]:
        """What the services of a slot printed last, by their names, the server first.

        :param since: seconds since 1970; nothing older is in it.
        """

    def kill(self, slot: str) -> None:
        """End a slot that never served: there is no request to wait for, and an import that hangs would use up the time they get."""

    def remove(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take, and remove what it is started from."""
