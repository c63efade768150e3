# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app under systemd. Each has a socket, a service, additional units if its server needs them, and units for its processes and schedules."""

from __future__ import annotations

import contextlib
import glob
import os
import time
import typing as t

from .._host import units
from .._host.commands import CommandError, run
from .._host.path_state import PathState, write_path
from .parts import Kind, Part, kind_of, times

_UNITS = "/etc/systemd/system"
#: The folder where systemd records when a timer with Persistent= last elapsed: systemd.timer(5).
_STAMPS = "/var/lib/systemd/timers"
_INTERVAL_SECONDS = 0.5
#: The unit that keeps a slot's nftables rules loaded. They say who may connect to a server that must listen on TCP.
_GUARD = "-guard.service"


class SystemdSlots:
    """Units of one app's slots.

    A rendered file is a unit if it is named C(socket) or C(service), or ends in C(.socket), C(.service) or C(.timer). In the second case it is an
    additional unit, whose name is inserted: C(socket-proxy.service) becomes C(flask-shop@<slot>-socket-proxy.service).

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._unit: str = app["unit"]
        self._start_timeout: float = app["healthcheck"]["timeout_seconds"] + 30
        self._work = times(app)
        self._stop_timeout: float = max(app["graceful_timeout_seconds"], self._work["stop_seconds"]) + 60

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """Properties of several units in one call, by unit name."""
        return units.states(names)

    @staticmethod
    def is_starter(name: str) -> bool:
        """Whether a rendered file of a slot is a unit."""
        return name.rpartition(".")[2] in ("socket", "service", "timer")

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        """The units of these parts that always run while the slot is current, sockets first."""
        return _sockets_first(self._name(slot, file) for part in parts for file in part.starters if not _is_run(file))

    @staticmethod
    def differences(names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps an installed slot from running, now and after a boot, in words."""
        notes = []
        for name in names:
            state = states.get(name, {})
            if not units.is_up(state):
                notes.append(f"{name} was {state.get('SubState') or 'not there'}")
            if not units.is_enabled(state):
                notes.append(f"{name} was {state.get('UnitFileState') or 'not'} at boot")
            if name.endswith(_GUARD) and not _has_rules(name):
                notes.append(f"the rules of {name} were not in the kernel")
        return notes

    def path_states(self, slot: str, parts: list[Part]) -> dict[str, PathState]:
        """The unit files of a slot, by path."""
        texts = {self._name(slot, file): text for part in parts for file, text in part.starters.items()}
        return {f"{_UNITS}/{name}": PathState("file", content=text.encode(), mode=0o644) for name, text in texts.items()}

    def install(self, slot: str, parts: list[Part]) -> None:
        """Write the units of a slot."""
        for path, state in self.path_states(slot, parts).items():
            write_path(path, state)
        run("systemctl daemon-reload")

    def has(self, slot: str) -> bool:
        """Whether systemd runs the web server of a slot. It runs the schedules of every slot."""
        return bool(self._installed(slot, "web"))

    def start(self, slot: str) -> None:
        """Start the web server of a slot. The gate finds out whether it serves.

        :raises CommandError: with the journal.
        """
        names = self._installed(slot, "web")
        # A slot that failed before may have reached its limit of starts, or still be restarting.
        run(["systemctl", "reset-failed", *names], check=False)
        if guards := [name for name in names if name.endswith(_GUARD)]:
            units.systemctl("reload-or-restart", *guards)
        units.systemctl("start", *names, timeout=self._start_timeout)

    def restart(self, slot: str) -> None:
        """Restart the service of a slot; its socket stays.

        :raises CommandError: with the journal.
        """
        units.systemctl("restart", self._name(slot, "service"), timeout=self._start_timeout + self._stop_timeout)

    def stop(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up. C(start) starts it again.

        :raises CommandError: with the journal.
        """
        if names := self._installed(slot):
            units.systemctl("stop", *names, timeout=self._stop_timeout)

    def pause(self, slot: str) -> None:
        """Stop the web server and the processes of a slot. Scheduled runs that have begun go on.

        :raises CommandError: with the journal.
        """
        if names := [name for name in self._installed(slot) if not _is_run(_file(name, slot))]:
            units.systemctl("stop", *names, timeout=self._stop_timeout)

    def enable(self, slot: str) -> None:
        """Enable the web server of a slot at boot, if the slot is this manager's."""
        if names := self._installed(slot, "web"):
            units.systemctl("enable", "--quiet", *names)

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        """Start the processes and schedules of a slot, now and at boot.

        :param after: the slot whose schedules these continue, so that a run missed meanwhile is caught up.
        :param wait: whether to wait until they have started. A process that is stopping must finish first, which may take hours.
        :raises CommandError: with the journal.
        """
        names = self._work_of(slot)
        for timer in (name for name in names if name.endswith(".timer")):
            if after:
                _carry(timer.replace(f"@{slot}-", f"@{after}-"), timer)
        if names:
            run(["systemctl", "reset-failed", *names], check=False)
            units.systemctl("enable", "--quiet", *names)
            units.systemctl("start", *([] if wait else ["--no-block"]), *names, timeout=self._start_timeout + self._work["stop_seconds"])

    def stop_work(self, slot: str) -> None:
        """Tell the processes of a slot to finish their jobs and stop, and its schedules to begin no more runs, without waiting for either."""
        if names := self._work_of(slot):
            run(["systemctl", "disable", "--quiet", *names], check=False)
            units.systemctl("stop", "--no-block", *names)

    def failed_work(self, slot: str) -> list[str]:
        """The processes that do not stay up for as long as their app says, in words."""
        names = self._work_of(slot)
        processes = [name for name in names if name.endswith(".service")]
        end = time.monotonic() + self._work["healthy_after_seconds"]
        while True:
            states = units.states(names)
            failed = [name for name in names if not units.is_up(states[name]) or (name in processes and states[name].get("NRestarts", "0") != "0")]
            if failed or not processes or time.monotonic() > end:
                return [f"{name} does not stay up" for name in failed]
            time.sleep(_INTERVAL_SECONDS)

    def finish(self, slot: str) -> None:
        """Stop a slot, and wait for the end of scheduled runs that have begun."""
        with contextlib.suppress(CommandError):
            self.pause(slot)
        runs = [name for name in self._installed(slot) if _is_run(_file(name, slot))]
        while runs and any(units.is_active(state) for state in units.states(runs).values()):
            time.sleep(_INTERVAL_SECONDS)

    def dead(self, slot: str) -> str:
        """Why the service can no longer become healthy, or an empty text."""
        output = run(["systemctl", "show", "--property=ActiveState,NRestarts", self._name(slot, "service")]).stdout
        state = dict(line.split("=", 1) for line in output.splitlines())
        if state["ActiveState"] in ("failed", "inactive") or int(state.get("NRestarts") or 0) > 1:
            return "the service does not stay up"
        return ""

    def log(self, slot: str, since: float) -> dict[str, str]:
        """The last output of a slot's services by their names, the server first."""
        services = sorted((name for name in self._installed(slot) if name.endswith(".service")), key=len)
        return {name: units.printed(name, [f"--unit={name}", f"--since=@{since:.3f}"]) for name in services}

    def kill(self, slot: str) -> None:
        """Kill a slot that never served. It has no requests to wait for, and an import that hangs would use up their time."""
        run(["systemctl", "kill", "--signal=SIGKILL", self._name(slot, "service")], check=False)

    def remove(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up, and remove its units."""
        names = self._installed(slot)
        if names:
            run(["systemctl", "disable", "--quiet", *names], check=False)
            run(["systemctl", "stop", *names], timeout=self._stop_timeout, check=False)
            for name in names:
                os.unlink(f"{_UNITS}/{name}")
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{_STAMPS}/stamp-{name}")
            run("systemctl daemon-reload")
            run(["systemctl", "reset-failed", *names], check=False)

    def _name(self, slot: str, file: str) -> str:
        further, dummy, kind = file.rpartition(".")
        return f"{self._unit}@{slot}{'-' if further else ''}{further}.{kind}"

    def _installed(self, slot: str, kind: Kind | None = None) -> list[str]:
        found = [os.path.basename(path) for pattern in (".*", "-*.*") for path in glob.glob(f"{_UNITS}/{self._unit}@{slot}{pattern}")]
        return _sockets_first(name for name in found if self.is_starter(name) and kind in (None, kind_of(_file(name, slot))))

    def _work_of(self, slot: str) -> list[str]:
        """The processes of a slot, and the timers of its schedules."""
        files = ((name, _file(name, slot)) for name in self._installed(slot))
        return [name for name, file in files if kind_of(file) != "web" and not _is_run(file)]


def _file(unit: str, slot: str) -> str:
    """The rendered file from which a unit of a slot was made."""
    return unit.partition(f"@{slot}")[2].lstrip("-.")


def _is_run(file: str) -> bool:
    """Whether a rendered file is one run of a schedule, which its timer starts."""
    return kind_of(file) == "schedule" and file.endswith(".service")


def _carry(before: str, after: str) -> None:
    """Let a timer continue from the moment when another one last elapsed."""
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(f"{_STAMPS}/stamp-{before}")
        with open(f"{_STAMPS}/stamp-{after}", "w", encoding="ascii"):
            pass
        os.utime(f"{_STAMPS}/stamp-{after}", (status.st_atime, status.st_mtime))


def _sockets_first(names: t.Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (not name.endswith("socket"), name))


def _has_rules(guard: str) -> bool:
    """Whether the rules of a guard are loaded; somebody may have emptied the ruleset by hand."""
    slot = guard.removesuffix(_GUARD).rpartition("@")[2]
    rules = run(["nft", "list", "table", "inet", f"flaskyard_socket_proxy_{slot}"], check=False).stdout
    return "skuid" in rules and "drop" in rules
