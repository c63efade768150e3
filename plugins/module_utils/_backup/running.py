# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that runs of an app: its current slot and the units of its account. A restore stops all of it, starts it again and checks that it works."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from .._host import units
from .._host.commands import CommandError, run
from .._slots.gate import Gate, GateError
from .._slots.manager import SlotManager
from .._slots.supervisor import SupervisorSlots
from .._slots.systemd import SystemdSlots
from .accounts import account_of
from .model import App, BackupError

_SETTLE_SECONDS = 2
_UNIT_SECONDS = 600
#: How long processes may take to disappear after their unit or program has stopped.
_END_SECONDS = 5
_MANAGERS: tuple[type[SlotManager], ...] = (SystemdSlots, SupervisorSlots)
_ACTIVE = ("active", "activating", "reloading")
_UNIT = re.compile(r"[^/]+\.(?:service|scope)")


class Running:
    """What runs of an app at this moment."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._gate = Gate(app.model)
        managers = [kind(app.model) for kind in _MANAGERS]
        self.slot = Path(os.readlink(self._link)).stem if os.path.islink(self._link) else ""
        self._manager = next((manager for manager in managers if self.slot and manager.has(self.slot)), None)
        self._services = {
            name: state for name, state in _services(app.user).items() if not self.slot or not name.startswith(f"{app.model['unit']}@{self.slot}")
        }
        triggers = {name for state in self._services.values() for name in state["TriggeredBy"].split()}
        self._triggers = {name: state for name, state in _shown(sorted(triggers)).items() if state["ActiveState"] in _ACTIVE}
        self._stopped = time.monotonic()
        #: How long nothing served.
        self.gap_seconds = 0.0
        self._active = sorted(name for name, state in self._services.items() if state["ActiveState"] in _ACTIVE)

    @property
    def _link(self) -> str:
        return str(self._app.model["paths"]["socket"])

    def __str__(self) -> str:
        slot = [f"slot {self.slot}"] if self._manager else []
        return ", ".join([*slot, *self._triggers, *self._active]) or "nothing: nothing of the app is running"

    def refuse_strangers(self) -> None:
        """Check that everything that runs can be stopped and started again.

        :raises BackupError: naming what cannot.
        """
        own = {*self._active, "supervisor.service"}
        shown = {**self._triggers, **{name: self._services[name] for name in self._active}}
        found = [f"{name}, which systemd could not start again (a transient unit)" for name, state in shown.items() if state["Transient"] == "yes"]
        found += [f"{name}, a job that is not finished" for name, state in shown.items() if (state["Type"], state["ActiveState"]) == ("oneshot", "activating")]
        slot = f"{self._app.model['unit']}@{self.slot}" if self.slot else ""
        found += [
            f"process {process}, of {unit or 'no unit'}"
            for process, unit in _processes(self._app.user).items()
            if unit not in own and not (slot and unit.startswith(slot))
        ]
        if found:
            raise BackupError(f"{self._app.user} also runs {'; '.join(found)}. Wait for its end or stop it, then restore again. Nothing has changed.")

    def stop(self) -> None:
        """Stop all of it.

        :raises BackupError: if something still runs.
        """
        self._stopped = time.monotonic()
        with _in_words():
            if self._triggers or self._active:
                units.systemctl("stop", *self._triggers, *self._active, timeout=_UNIT_SECONDS)
            if self._manager:
                self._manager.stop(self.slot)
        end = time.monotonic() + _END_SECONDS
        while left := _processes(self._app.user):
            if time.monotonic() > end:
                raise BackupError("; ".join(f"process {process}, of {unit or 'no unit'}, runs as {self._app.user}" for process, unit in left.items()))
            time.sleep(0.1)

    def start(self) -> None:
        """Start it again.

        :raises BackupError: saying why it does not start.
        """
        with _in_words():
            if self._manager:
                self._manager.start(self.slot)
                self._manager.start_work(self.slot)
            if self._triggers or self._active:
                units.systemctl("start", *self._triggers, *self._active, timeout=_UNIT_SECONDS)

    def prove(self) -> None:
        """Wait until the app answers, and check that everything stays up.

        :raises BackupError: saying what is wrong.
        """
        manager, slot = self._manager, self.slot
        with _in_words("with the restored state the app does not work: "):
            if manager:
                self._gate.wait(f"{self._app.model['paths']['run']}/{slot}.sock", lambda: manager.dead(slot))
        self.gap_seconds = time.monotonic() - self._stopped
        time.sleep(_SETTLE_SECONDS if manager or self._active else 0)
        dead = [name for name, state in _shown(self._active).items() if state["ActiveState"] not in ("active", "reloading")]
        dead += [f"slot {slot}"] if manager and manager.dead(slot) else []
        if dead:
            raise BackupError(f"with the restored state {', '.join(dead)} did not stay up; journalctl says why")


@contextlib.contextmanager
def _in_words(before: str = "") -> Iterator[None]:
    try:
        yield
    except (CommandError, GateError) as error:
        raise BackupError(f"{before}{error}") from error


def _services(user: str) -> dict[str, dict[str, str]]:
    """The loaded services of an account, with their systemd properties."""
    return {name: state for name, state in _shown(["*.service"]).items() if state["User"] == user}


def _shown(names: list[str]) -> dict[str, dict[str, str]]:
    """The systemd properties of units, by name."""
    wanted = ("Id", "ActiveState", "User", "Type", "Transient", "TriggeredBy")
    output = run(["systemctl", "show", f"--property={','.join(wanted)}", "--", *names]).stdout if names else ""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in output.strip().split("\n\n")]
    return {block["Id"]: {**dict.fromkeys(wanted, ""), **block} for block in blocks if "Id" in block}


def _processes(user: str) -> dict[str, str]:
    """The processes of an account, as number and command, each with its unit."""
    account = str(account_of(user).pw_uid)
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8", errors="replace").splitlines())
            if account in status["Uid"].split() and "Z" not in status["State"]:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                named = _UNIT.findall((folder / "cgroup").read_text(encoding="utf-8"))
                found[f"{folder.name} ({command[:60] or status['Name'].strip()})"] = named[-1] if named else ""
    return found
