# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots that an app has on this host, and the operations on any of them."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._host import paths, units
from .._host.errors import HostError
from .._host.locks import locked
from .._host.path_state import PathState, read_json, write_path
from .drain import drain
from .folder import Folder
from .gate import Gate
from .links import Links
from .manager import SlotManager
from .supervisor import SupervisorSlots
from .systemd import SystemdSlots

#: The process managers. To remove a slot, each of them is asked, since another one may have started it.
MANAGERS: dict[str, type[SlotManager]] = {"systemd": SystemdSlots, "supervisor": SupervisorSlots}


class Slots:
    """The slots of one app.

    :param app: the app as the model completes it. If it is no longer declared, its name and paths are enough.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self.app = app
        self.name: str = app["name"]
        self.managers: dict[str, SlotManager] = {name: kind(app) for name, kind in MANAGERS.items()}
        self.links = Links(app)
        self.gate = Gate(app)

    def present(self) -> list[str]:
        """Names of all slots that have files here."""
        try:
            return sorted(os.listdir(self.app["paths"]["slots"]))
        except FileNotFoundError:
            return []

    def left_over(self) -> list[str]:
        """Slots that killed runs left: no link points to them, and they are not retiring."""
        reached = self.links.all().values()
        return [slot for slot in self.present() if slot not in reached and not self.retires(slot)]

    def folder(self, slot: str) -> Folder:
        """The folder of a slot."""
        return Folder(self.app, slot)

    def socket(self, slot: str) -> str:
        """The path where a slot listens."""
        return f"{self.app['paths']['run']}/{slot}.sock"

    def retirement(self, slot: str) -> str:
        """The name of the transient unit that drains and stops a slot."""
        return f"flaskyard-retire-{self.name}:{slot}.service"

    def retires(self, slot: str) -> bool:
        """Whether a slot is being drained and stopped."""
        unit = self.retirement(slot)
        return units.is_active(units.states([unit])[unit])

    def drain(self, slot: str) -> None:
        """Wait until no connection waits in the slot's accept queue, and half a second more."""
        drain(self.socket(slot), self.app["graceful_timeout_seconds"])

    def discard(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up, and remove its files."""
        for manager in self.managers.values():
            manager.remove(slot)
        self.folder(slot).remove()

    def retire_old(self) -> None:
        """Stop the slots that speak another protocol than the current one.

        A slot that speaks FastCGI, for example, cannot take over the link of one that speaks HTTP, because the proxy's configuration names the
        protocol. So it gets a separate link, and the old slot serves until the proxy's role has changed the configuration and calls this.
        """
        with self.locked():
            for slot in self.links.retained().values():
                self.drain(slot)
                self.links.point({path: name for path, name in self.links.all().items() if name != slot})
                self.discard(slot)

    def stop(self) -> None:
        """Stop and remove every slot. Code, state and configuration of the app stay."""
        with self.locked():
            for slot in self.present():
                units.stop(self.retirement(slot))
                self.discard(slot)
            self.links.point({})

    def releases(self) -> set[str]:
        """The ids of the releases that slots run, retiring slots included."""
        return {record.release for slot in self.present() if (record := self.folder(slot).record())}

    def restarts(self) -> int:
        """The number of restarts. It is part of a slot's name, so a restart gives a slot with the same content another name."""
        number = read_json(self._restarts)
        return number if isinstance(number, int) else 0

    def put_restarts(self, number: int) -> None:
        """Record the number of restarts."""
        write_path(self._restarts, PathState("file", content=str(number).encode(), mode=0o600))

    @property
    def _restarts(self) -> str:
        return f"{paths.APPS}/{self.name}/restarts"

    @contextlib.contextmanager
    def named_anew(self) -> t.Iterator[None]:
        """Give the next slot another name than one with the same content. If the serving slot stays, take that back."""
        before, serves = self.restarts(), self.links.current()
        self.put_restarts(before + 1)
        try:
            yield
        except (HostError, OSError):
            if self.links.current() == serves:
                self.put_restarts(before)
            raise

    def locked(self) -> t.ContextManager[None]:
        """Lock the app's slots against other runs.

        :raises Busy: if another run holds the lock.
        """
        return alone(self.name)


def alone(app: str) -> t.ContextManager[None]:
    """Lock an app's slots, to change, stop or start them.

    :raises Busy: if somebody else holds the lock.
    """
    return locked(f"{paths.APPS}/{app}/slot.lock")
