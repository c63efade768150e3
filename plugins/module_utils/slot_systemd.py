# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app as systemd runs them: each has a socket, a service, and what further units its server needs."""

from __future__ import annotations

import glob
import os
import typing as t

from . import units
from .commands import run
from .entries import Entry, write_entry

_UNITS = "/etc/systemd/system"
#: The further unit of a slot that keeps nftables rules loaded: who may connect to a server that has to listen on TCP.
_GUARD = "-guard.service"


class SystemdSlots:
    """Units of one app's slots.

    A rendered file is a unit when it is named C(socket) or C(service), or ends in C(.socket) or C(.service); the latter is a
    further unit of the slot, whose name goes between: C(door.service) is C(flask-shop@<slot>-door.service).

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._unit: str = app["unit"]
        self._start_timeout: float = app["healthcheck"]["timeout_seconds"] + 30
        self._stop_timeout: float = app["graceful_timeout_seconds"] + 60

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """Properties of several units in one call, by unit name."""
        return units.states(names)

    def takes(self, name: str) -> bool:
        """Whether a rendered file of a slot is this manager's and not the server's."""
        return name.rpartition(".")[2] in ("socket", "service")

    def names(self, slot: str, files: t.Iterable[str] = ("socket", "service")) -> list[str]:
        """The units of a slot with these files; sockets first."""
        return [self._name(slot, name) for name in sorted(files, key=lambda name: (not name.endswith("socket"), name)) if self.takes(name)]

    def lacks(self, names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps a slot that is there from running, now and after a boot, in words."""
        notes = [f"start {name}" for name in names if not units.is_active(states.get(name, {}))]
        notes += [f"reload {name}" for name in names if name.endswith(_GUARD) and not _has_rules(name)]
        return notes + [f"enable {name}" for name in names if not units.is_enabled(states.get(name, {}))]

    def install(self, slot: str, texts: dict[str, str]) -> None:
        """Put the units of a slot in place."""
        for name, text in texts.items():
            write_entry(f"{_UNITS}/{self._name(slot, name)}", Entry("file", content=text.encode(), mode=0o644))
        run("systemctl daemon-reload")

    def start(self, slot: str) -> None:
        """Start a slot; that it serves is for the gate to find out.

        :raises CommandError: with the journal.
        """
        names = self._installed(slot)
        # A slot that failed before may have used up its starts, or still be trying.
        run(["systemctl", "reset-failed", *names], check=False)
        if guards := [name for name in names if name.endswith(_GUARD)]:
            units.systemctl("reload-or-restart", *guards)
        units.systemctl("start", *names, timeout=self._start_timeout)

    def enable(self, slot: str) -> None:
        """Have a slot, if it is one of this manager, start at boot."""
        if names := self._installed(slot):
            units.systemctl("enable", "--quiet", *names)

    def dead(self, slot: str) -> str:
        """Why the service can no longer become healthy, or an empty text."""
        output = run(["systemctl", "show", "--property=ActiveState,NRestarts", self._name(slot, "service")]).stdout
        state = dict(line.split("=", 1) for line in output.splitlines())
        if state["ActiveState"] in ("failed", "inactive") or int(state.get("NRestarts") or 0) > 1:
            return "the service does not stay up"
        return ""

    def log(self, slot: str) -> str:
        """The last lines that a slot printed."""
        services = [name for name in self._installed(slot) if name.endswith(".service")]
        return "\n".join(units.journal(name) for name in services)

    def kill(self, slot: str) -> None:
        """End a slot that never served: there is no request to wait for, and an import that hangs would use up the time they get."""
        run(["systemctl", "kill", "--signal=SIGKILL", self._name(slot, "service")], check=False)

    def remove(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take, and remove its units."""
        names = self._installed(slot)
        if names:
            run(["systemctl", "disable", "--quiet", *names], check=False)
            run(["systemctl", "stop", *names], timeout=self._stop_timeout, check=False)
            for name in names:
                os.unlink(f"{_UNITS}/{name}")
            run("systemctl daemon-reload")
            run(["systemctl", "reset-failed", *names], check=False)

    def _name(self, slot: str, file: str) -> str:
        further, _, kind = file.rpartition(".")
        return f"{self._unit}@{slot}{'-' if further else ''}{further}.{kind}"

    def _installed(self, slot: str) -> list[str]:
        found = [os.path.basename(path) for pattern in (".*", "-*.*") for path in glob.glob(f"{_UNITS}/{self._unit}@{slot}{pattern}")]
        return sorted((name for name in found if self.takes(name)), key=lambda name: (not name.endswith("socket"), name))


def _has_rules(guard: str) -> bool:
    """Whether the rules of a guard are loaded; somebody may have emptied the ruleset by hand."""
    slot = guard.removesuffix(_GUARD).rpartition("@")[2]
    rules = run(["nft", "list", "table", "inet", f"flaskyard_door_{slot}"], check=False).stdout
    return "skuid" in rules and "drop" in rules
