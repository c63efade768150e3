# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of an app from one slot to the next, in phases.

C(command) runs the release command. C(prepare) starts the new slot on its own socket and waits until it is healthy. C(switch) makes it
current, checks through the public address, and moves the work over: processes and schedules. C(retire) drains and stops the old slot. Before the
switch, nothing affects the old slot. After it, any failure makes the old slot current again.

Over several hosts, each phase is a separate call, so that a phase begins only when the previous one has ended on all hosts.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from .._host import units
from .._host.commands import CommandError
from .._host.errors import HostError
from .._host.marks import Mark, Marks
from .._host.path_state import PathState, read_path, write_path
from .._releases.records import Records, describe
from .background import in_background
from .command import run_release_command
from .folder import Record, digest
from .gate import GateError
from .parts import split
from .reasons import headline, mentions, without_consequences, without_journal
from .recipe import Recipe
from .secret_keys import SecretKeys
from .slots import Slots
from .survey import drift

_INTERVAL_SECONDS = 0.2


class SlotError(HostError):
    """The change failed. The slot that was current still is."""


class Change:
    """The change of one app to a wanted slot.

    :param slots: the app's slots.
    :param recipe: what the wanted slot is made of. Its release is empty if it is not known, in check mode on a new host.
    :param manager: the process manager of the wanted slot.
    :param wish: the wish to record.
    """

    def __init__(self, slots: Slots, recipe: Recipe, manager: str, wish: str) -> None:
        self.slots, self.recipe = slots, recipe
        self._app = slots.app
        self._manager_name, self._manager = manager, slots.managers[manager]
        self._wish = wish
        self._secret_path: str = self._app["paths"]["secret_key"]
        self._exclusive: bool = self._app.get("exclusive", False)
        self._alone_since = 0.0
        #: Seconds during which no slot of an exclusive app served.
        self.gap_seconds = 0.0
        #: Seconds that each phase took, by its name in words.
        self.timings: dict[str, float] = {}
        self._records = Records(self._app)
        self._began = 0.0

    # --- the wanted state

    @property
    def secret_key(self) -> str:
        """The app's SECRET_KEY, followed by the previous one; empty if there is none yet."""
        return read_path(self._secret_path).text

    def wanted(self) -> str | None:
        """The name of the wanted slot; None if its release is not known."""
        return self.recipe.slot(self.secret_key, self.slots.restarts()) if self.recipe.release and self.secret_key else None

    def ensure_secret_key(self) -> None:
        """Make sure that the app has a SECRET_KEY: the one of the current slot, or else a new one."""
        if not self.secret_key:
            self._write_secret_key(self._running_key() or SecretKeys.new().text)

    @contextlib.contextmanager
    def new_secret_key(self) -> t.Iterator[None]:
        """Write a new SECRET_KEY, followed by the present one. If the serving slot stays, restore the old keys.

        If the run is killed meanwhile, the new key stays, and the next run finishes the rotation.
        """
        before, serves = self.secret_key, self.slots.links.current()
        self._write_secret_key(SecretKeys.read(before).rotated().text)
        try:
            yield
        except (HostError, OSError):
            if self.slots.links.current() == serves:
                self._write_secret_key(before)
            raise

    def _running_key(self) -> str:
        """The key of the current slot, in case somebody removed the file with the key."""
        folder = self.slots.folder(self.slots.links.current() or "-")
        record, key = folder.record(), SecretKeys.of(folder.environment()).text
        return key if record and digest(key) == record.secret_key else ""

    def _write_secret_key(self, key: str) -> None:
        wanted = PathState("file", content=key.encode(), mode=0o600)
        if not read_path(self._secret_path).same_as(wanted):
            write_path(self._secret_path, wanted)

    def was_asked_before(self) -> bool:
        """Whether the current slot was made for the same wish. Then every difference is drift."""
        current = self.slots.links.current()
        record = self.slots.folder(current).record() if current else None
        return record is not None and record.wish == self._wish

    def shown(self) -> dict[str, str]:
        """The recipe as a diff shows it, without secrets."""
        return self.recipe.shown(self.secret_key)

    def names(self) -> list[str]:
        """The manager's names of the wanted slot's parts."""
        slot = self.wanted()
        return self._manager.names(slot, self._pieces(slot)[0]) if slot else []

    def differences(self, states: dict[str, dict[str, str]]) -> list[str]:
        """The differences between the current slot and the wanted one, in words; empty if there are none.

        :param states: of all C(names), from the manager.
        """
        slot, current = self.wanted(), self.slots.links.current()
        if slot is None or slot != current:
            return [f"bring up slot {slot or '(not known yet)'} in place of {current or 'none'}"]
        return self.drift(states) + [f"remove the left-over slot {other}" for other in self.slots.left_over()]

    def drift(self, states: dict[str, dict[str, str]]) -> list[str]:
        """What changed in the current slot since it was made, in words, as the survey reports it. The current slot must be the wanted one."""
        slot = self.slots.links.current()
        record = self.slots.folder(slot).record() if slot else None
        if record is None or record.manager != self._manager_name:
            return [f"write down what slot {slot} is made of"]
        return drift(self.slots, record, states) or ([] if record.wish == self._wish else [f"write down what slot {slot} was asked for"])

    # --- the phases

    def run(self) -> None:
        """Run all phases.

        :raises SlotError: if the wanted slot could not become current. The slot that was current still is.
        """
        # The same slot may be retiring, with hours left to finish its work. A slot with another name need not wait for that.
        renamed = self.slots.named_anew() if self.slots.retires(self._known()) else contextlib.nullcontext()
        with self.slots.locked(), renamed:
            slot, old = self._known(), self.slots.links.current()
            self.prepare(slot, old)
            self.switch(slot, old)
        self._retire(old)

    def command(self, repeat: bool = False) -> None:
        """Run the release command in the new slot.

        :param repeat: run it even if it has succeeded for this release before.
        :raises HostError: if it failed. The new slot is removed.
        """
        slot = self._known()
        with self.slots.locked():
            old = self.slots.links.current()
            folder = self.slots.folder(slot)
            self._refuse_withdrawn(slot, old)
            try:
                self._wait_for_retirement(slot)
                self._write(slot)
                with self._timed("release command"):
                    run_release_command(self._app, folder, self._ran_command, repeat)
            except (HostError, OSError) as error:
                if slot != old:
                    self.slots.discard(slot)
                raise SlotError(f"{error}\n{self._serving(old)}") from error

    def _ran_command(self) -> dict[str, t.Any] | None:
        ran: dict[str, t.Any] = (self._records.get("releases", self.recipe.release) or {}).get("release_command") or {}
        return ran if ran.get("command") == self._app["release_command"]["command"] else None

    def start(self) -> None:
        """Run the phases before the switch. If the wanted slot is already current, repair it, which needs all phases.

        :raises SlotError: if the slot did not pass the gate. The slot that was current still is.
        """
        slot = self._known()
        if slot == self.slots.links.current():
            self.run()
        if slot == self.slots.links.current() or self._exclusive:
            return
        with self.slots.locked():
            self.prepare(slot, self.slots.links.current())

    def finish(self) -> None:
        """Run the switch and the phases after it.

        :raises SlotError: if the wanted slot could not become current. The slot that was current still is.
        """
        if self._exclusive:
            self.run()
            return
        slot = self._known()
        with self.slots.locked():
            old = self.slots.links.current()
            if not self.slots.gate.speaks(self.slots.socket(slot)):
                raise SlotError(f"slot {slot}, which this run has started, is gone: another run changes the app. {self._serving(old)}")
            self._refuse_withdrawn(slot, old)
            self.switch(slot, old)
        self._retire(old)

    def cancel(self) -> None:
        """Remove the slot that C(start) started."""
        slot = self._known()
        with self.slots.locked():
            if slot not in self.slots.links.all().values() and slot in self.slots.present():
                self._manager.kill(slot)
                self.slots.discard(slot)

    @contextlib.contextmanager
    def _timed(self, phase: str) -> t.Iterator[None]:
        begin = time.monotonic()
        try:
            yield
        finally:
            self.timings[phase] = round(time.monotonic() - begin, 2)

    def _known(self) -> str:
        slot = self.wanted()
        if slot is None:
            raise SlotError("its release is not prepared; run the role app first")
        return slot

    def _retire(self, old: str | None) -> None:
        if old and old not in self.slots.links.all().values():
            retire(self.slots, old)

    def prepare(self, slot: str, old: str | None) -> None:
        """Start a slot on its own socket, and wait until it is healthy there.

        :param old: the current slot; the same slot if it needs a repair.
        :raises SlotError: with the journal. A new slot is removed.
        """
        with self._timed("start and health check"):
            self._prepare(slot, old)

    def _prepare(self, slot: str, old: str | None) -> None:
        self._refuse_withdrawn(slot, old)
        self._wait_for_retirement(slot)
        for other in self.slots.left_over():
            if other != slot:
                self.slots.discard(other)
        names = self._manager.names(slot, self._pieces(slot)[0])
        ran = slot == old and not self._manager.differences(names, self._manager.states(names))
        # An earlier slot of this name may have failed for another reason.
        self._began = 0 if slot == old else time.time()
        step = "write"
        try:
            self._write(slot)
            step = "start"
            if self._exclusive and old and old != slot:
                self._make_room(old)
            self._manager.start(slot)
            step = "gate"
            if ran and not self.slots.gate.speaks(self.slots.socket(slot)):
                self._manager.restart(slot)
            self.slots.gate.wait(self.slots.socket(slot), lambda: self._manager.dead(slot))
        except (CommandError, GateError, OSError) as error:
            raise self._failed(slot, old, step, str(error), served=False) from error

    def switch(self, slot: str, old: str | None) -> None:
        """Make a prepared slot current, and check that the public address is as healthy as before.

        :raises SlotError: if it is not. The old slot is current again.
        """
        with self._timed("switch and public check"):
            before, release = self._switch_web(slot, old)
        with self._timed("processes and schedules"):
            self._switch_work(slot, old, before, release)
        self._records.serves(self.recipe.release, before=os.path.basename(release))

    def _switch_web(self, slot: str, old: str | None) -> tuple[dict[str, str], str]:
        """Make the web server of a slot current. Returns the previous links, and the previous link to the release."""
        links, gate = self.slots.links, self.slots.gate
        before, release = links.all(), links.release()
        # No slot of an exclusive app serves at this moment.
        healthy = bool(self._app["canonical"] and old and old != slot and (self._alone_since or gate.public_answer()[0]))
        self._point(slot, links.with_current(slot), f"releases/{self.recipe.release}")
        if self._alone_since:
            self.gap_seconds = time.monotonic() - self._alone_since
        if healthy and old:
            after = gate.public_answer()
            if not after[0]:
                after = gate.public_answer()
            if not after[0]:
                self._point(old, before, release)
                raise self._failed(slot, old, "public check", f"{gate.public_url} gave {after[1]}; the switch was undone", served=True)
        return before, release

    def _switch_work(self, slot: str, old: str | None, before: dict[str, str], release: str) -> None:
        """Replace the old slot's work by the new slot's."""
        if failed := self._move_work(slot, old):
            if slot != old:
                self._go_back(old, before, release)
            raise self._failed(slot, old, "work", "\n".join(failed), served=True)

    def _failed(self, slot: str, old: str | None, step: str, why: str, served: bool) -> SlotError:
        """Undo a failed change: remove the new slot, and let the old one serve as before."""
        words = self._give_up(slot, old, step, why, served)
        try:
            self._give_room_back(old)
        except CommandError as error:
            words += f"\nslot {old} does not start again: {error}"
        return SlotError(words)

    def _make_room(self, old: str) -> None:
        """Stop the serving slot of an exclusive app. It holds what the next one needs: a port, a lock, a device.

        :raises CommandError: if it still runs.
        """
        self._alone_since = time.monotonic()
        for manager in self.slots.managers.values():
            if manager.has(old):
                manager.pause(old)

    def _give_room_back(self, old: str | None) -> None:
        """Start the slot again that C(_make_room) stopped. The new one is gone."""
        if old and self._alone_since:
            for manager in self.slots.managers.values():
                if manager.has(old):
                    manager.start(old)
                    manager.start_work(old, wait=False)

    def _move_work(self, slot: str, old: str | None) -> list[str]:
        """Stop the old slot's work and start the new one's. Returns the processes that do not stay up, in words."""
        if old and old != slot:
            for manager in self.slots.managers.values():
                manager.stop_work(old)
        try:
            self._manager.start_work(slot, after=old)
            return self._manager.failed_work(slot)
        except CommandError as error:
            return [str(error)]

    def _go_back(self, old: str | None, links: dict[str, str], release: str) -> None:
        """Make the old slot current again, with its work. If there was none, only restore the links."""
        if old is None:
            self.slots.links.point_release(release)
            self.slots.links.point(links)
            return
        self._point(old, links, release)
        # For an exclusive app, C(_give_room_back) does it after the new slot is gone.
        for manager in self.slots.managers.values() if not self._alone_since else ():
            manager.start_work(old, wait=False)

    def _point(self, slot: str, links: dict[str, str], release: str) -> None:
        for manager in self.slots.managers.values():
            manager.enable(slot)
        self.slots.links.point_release(release)
        self.slots.links.point(links)

    # --- the pieces

    def _pieces(self, slot: str) -> tuple[list[t.Any], dict[str, str]]:
        return split(self.recipe.texts(slot, self.slots.folder(slot).path), self._manager.is_starter)

    def _write(self, slot: str) -> None:
        """Write everything that the slot is made of, and last its record."""
        self._write_secret_key(self.secret_key)
        folder = self.slots.folder(slot)
        parts, files = self._pieces(slot)
        states = folder.path_states(self.recipe, files, self.secret_key)
        for path, state in states.items():
            if not read_path(path).same_as(state):
                write_path(path, state)
        self._manager.install(slot, parts)
        marks = Marks({path: Mark.of(state) for path, state in {**states, **self._manager.path_states(slot, parts)}.items()})
        names = self._manager.names(slot, parts)
        folder.put_record(Record(self._app, self._wish, self.recipe.release, self._manager_name, names, digest(self.secret_key), marks))

    def _give_up(self, slot: str, old: str | None, step: str, why: str, served: bool) -> str:
        """Remove the new slot. Returns the message: what failed and why, what serves, and the last lines of the journal.

        :param step: the step that failed.
        :param why: its error.
        :param served: whether the slot may have requests to finish.
        """
        log = self._manager.log(slot, self._began)
        # If the error names a service, that service's output has the reason.
        of_named = [text for name, text in log.items() if mentions(why, name)]
        first = headline(step, without_journal(why), "\n".join(of_named or log.values()))
        looked_for = (self._records.get("releases", self.recipe.release) or {}).get("looked_for")
        if looked_for and "No module named" in first:
            first += f"\nthe source has no file of dependencies, so only the server was installed; looked for {', '.join(looked_for)}"
        journal = [units.journal_of(name, without_consequences(text)) for name, text in log.items()]
        if slot == old:
            return "\n".join([first, f"slot {slot}, which serves, does not pass this check; nothing was changed", *journal])
        if served:
            self.slots.drain(slot)
        else:
            self._manager.kill(slot)
        self.slots.discard(slot)
        if not self.slots.links.release().endswith(self.recipe.release):
            self._records.note(self.recipe.release, status="bad")
        return "\n".join([first, f"the new slot {slot} is gone, {self._serving(old)}", *journal])

    @staticmethod
    def _serving(old: str | None) -> str:
        return f"slot {old} serves as before" if old else "nothing of the app was serving before"

    def _refuse_withdrawn(self, slot: str, old: str | None) -> None:
        """Refuse a release that was withdrawn by a rollback since it was prepared.

        :raises SlotError: naming who withdrew the release.
        """
        record = self._records.get("releases", self.recipe.release) or {}
        if slot != old and "withdrawn" in record:
            by = record["withdrawn"]["by"]
            raise SlotError(f"release {describe(record)} was withdrawn by {by}, and does not serve again unless you run with -e redeploy=true")

    def _wait_for_retirement(self, slot: str) -> None:
        """Wait until a retiring slot is gone if the same slot is wanted again. Its server may not accept requests any more.

        :raises SlotError: if its work takes longer.
        """
        end = time.monotonic() + self._app["graceful_timeout_seconds"] + 120
        while self.slots.retires(slot):
            if time.monotonic() > end:
                raise SlotError(f"slot {slot} is wanted again while it still finishes its work; run again once {self.slots.retirement(slot)} has ended")
            time.sleep(_INTERVAL_SECONDS)


def retire(slots: Slots, slot: str) -> None:
    """Drain and stop a slot without waiting for it, because the new one serves."""
    in_background("retire", slots.retirement(slot), slots.name, slot)
