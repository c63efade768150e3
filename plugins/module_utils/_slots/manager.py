# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process manager must be able to do with the slots of one app."""

from __future__ import annotations

import typing as t

from .._host.path_state import PathState
from .parts import Part


class SlotManager(t.Protocol):
    """The interface of a process manager. C(enable) and C(remove) are called for every slot, and ignore a slot of another manager.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        """Manage the slots of an app."""

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """The states of several names, of any apps, in one call."""

    @staticmethod
    def is_starter(name: str) -> bool:
        """Whether this manager starts a part of the slot from this rendered file. Otherwise the file is the server's own."""

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        """The manager's names of the parts of a slot."""

    @staticmethod
    def differences(names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps an installed slot from running, now and after a boot, in words."""

    def path_states(self, slot: str, parts: list[Part]) -> dict[str, PathState]:
        """The files of the parts by path, once the slot starts at boot."""

    def install(self, slot: str, parts: list[Part]) -> None:
        """Write the files from which the parts start."""

    def has(self, slot: str) -> bool:
        """Whether a slot is this manager's."""

    def start(self, slot: str) -> None:
        """Start the web server of a slot. The gate finds out whether it serves.

        :raises CommandError: saying why it did not start.
        """

    def restart(self, slot: str) -> None:
        """Restart the server of a slot; its socket stays.

        :raises CommandError: saying why it did not start.
        """

    def stop(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up. C(start) starts it again.

        :raises CommandError: if it still runs.
        """

    def pause(self, slot: str) -> None:
        """Stop the web server and the processes of a slot. Scheduled runs that have begun go on.

        :raises CommandError: if it still runs.
        """

    def enable(self, slot: str) -> None:
        """Enable the web server of a slot at boot."""

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        """Start the processes and schedules of a slot, now and at boot.

        :param after: the slot whose schedules these continue, so that a run missed meanwhile is caught up.
        :param wait: whether to wait until they have started. A process that is stopping must finish first, which may take hours.
        :raises CommandError: saying why one did not start.
        """

    def stop_work(self, slot: str) -> None:
        """Tell the processes of a slot to finish their jobs and stop, and its schedules to begin no more runs, without waiting for either."""

    def failed_work(self, slot: str) -> list[str]:
        """The processes that do not stay up for as long as their app says, in words."""

    def finish(self, slot: str) -> None:
        """Stop a slot, and wait for the end of scheduled runs that have begun."""

    def dead(self, slot: str) -> str:
        """Why the slot can no longer become healthy, or an empty text."""

    def log(self, slot: str, since: float) -> dict[str, str]:
        """The last output of a slot's services by their names, the server first.

        :param since: seconds since 1970; older output is left out.
        """

    def kill(self, slot: str) -> None:
        """Kill a slot that never served. It has no requests to wait for, and an import that hangs would use up their time."""

    def remove(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up, and remove the files from which it starts."""
