# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app as supervisor runs them: each is a fcgi-program, whose socket supervisord opens.

Its process 0 is the server. Process 1 sleeps: supervisord closes a socket when no process of the program is left, and opens it anew a second later.

A slot on trial has its section below /run, so that no boot starts it; C(enable) moves it to /etc. supervisord reads both, and sees no change.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import typing as t

from .._host import units
from .._host.commands import run
from .._host.entries import Entry, read_entry, write_entry
from .parts import Part, kind_of
from .supervisor_client import Supervisor
from .systemd import SystemdSlots

#: What supervisord.conf of the role supervisor includes: what starts at boot, and what is on trial.
_ENABLED, _TRIAL = "/etc/supervisor/conf.d", "/run/flask-supervisor"
_SERVER = "0"


class SupervisorSlots:
    """Programs of one app's slots.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._unit: str = app["unit"]
        self._run: str = app["paths"]["run"]
        self._stop_timeout: float = app["graceful_timeout_seconds"] + 60
        self._supervisor = Supervisor()
        self._schedules = SystemdSlots(app)
        self._pids: set[int] = set()

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """State of several programs in one call, by name; what supervisord does not know is left out."""
        supervisor = Supervisor()
        processes = supervisor.processes() if names and supervisor.is_there() else {}
        servers = {name: processes.get(f"{name}:{_SERVER}") for name in names}
        timers = SystemdSlots.states([name for name in names if _is_timer(name)])
        return {name: {"state": str(info["statename"])} for name, info in servers.items() if info} | timers

    @staticmethod
    def is_starter(name: str) -> bool:
        """Whether a rendered file of a slot is a section of supervisor's configuration, or a unit of a schedule, which systemd runs."""
        return name == "program" or (kind_of(name) == "schedule" and SystemdSlots.is_starter(name))

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        """The program of a slot with these parts, and the timers of its schedules."""
        web, schedules = _by_kind(parts)
        return [self._name(slot) for part in web for _file in part.starters] + self._schedules.names(slot, schedules)

    @staticmethod
    def lacks(names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps a slot that is there from running, now and after a boot, in words."""
        programs, timers = [name for name in names if not _is_timer(name)], [name for name in names if _is_timer(name)]
        found = {name: states.get(name, {}).get("state", "not known to supervisord") for name in programs}
        notes = [f"{name} was {state}" for name, state in found.items() if state != "RUNNING"]
        notes += [f"{name} was not started at boot" for name in programs if not os.path.exists(_file(_ENABLED, name))]
        return notes + SystemdSlots.lacks(timers, states)

    def entries(self, slot: str, parts: list[Part]) -> dict[str, Entry]:
        """The section of a slot, and the units of its schedules, by path."""
        web, schedules = _by_kind(parts)
        texts = [text for part in web for text in part.starters.values()]
        sections = {_file(_ENABLED, self._name(slot)): Entry("file", content=text.encode(), mode=0o644) for text in texts}
        return sections | self._schedules.entries(slot, schedules)

    def install(self, slot: str, parts: list[Part]) -> None:
        """Put the section of a slot in place, which supervisord reads when the slot starts, and the units of its schedules."""
        web, schedules = _by_kind(parts)
        if schedules:
            self._schedules.install(slot, schedules)
        for path, entry in self.entries(slot, web).items():
            write_entry(path if os.path.exists(path) else _file(_TRIAL, self._name(slot)), entry)

    def has(self, slot: str) -> bool:
        """Whether a slot is this manager's."""
        return any(os.path.exists(_file(folder, self._name(slot))) for folder in (_ENABLED, _TRIAL))

    def start(self, slot: str) -> None:
        """Start a slot; that it serves is for the gate to find out.

        :raises CommandError: in supervisor's words.
        """
        self._supervisor.add(self._name(slot), _SERVER)

    def restart(self, slot: str) -> None:
        """Start the server of a slot anew; its socket stays, since the program's other process runs on.

        :raises CommandError: in supervisor's words.
        """
        self._supervisor.start_again(self._name(slot), _SERVER)

    def stop(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take; C(start) starts it again.

        :raises CommandError: when supervisord cannot be asked.
        """
        server = self._server(slot)
        self._supervisor.stop(self._name(slot))
        self._supervisor.wait_for_end(self._name(slot), self._stop_timeout)
        _end_group(server)

    def pause(self, slot: str) -> None:
        """Stop a slot.

        :raises CommandError: when supervisord cannot be asked.
        """
        self.stop(slot)

    def enable(self, slot: str) -> None:
        """Have a slot, if it is one of this manager, start at boot."""
        trial, enabled = (_file(folder, self._name(slot)) for folder in (_TRIAL, _ENABLED))
        section = read_entry(trial)
        if section.kind == "file":
            write_entry(enabled, section)
            os.unlink(trial)

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        """Have the schedules of a slot run, now and after a boot: see C(SystemdSlots)."""
        self._schedules.start_work(slot, after, wait)

    def stop_work(self, slot: str) -> None:
        """Have the schedules of a slot begin no more runs."""
        self._schedules.stop_work(slot)

    def failed_work(self, slot: str) -> list[str]:
        """What of the schedules is not there, in words."""
        return self._schedules.failed_work(slot)

    def finish(self, slot: str) -> None:
        """Wait for the end of the scheduled runs that are under way; C(remove) stops the rest."""
        self._schedules.finish(slot)

    def dead(self, slot: str) -> str:
        """Why the program can no longer become healthy, or an empty text."""
        server = self._server(slot)
        self._pids.update({int(server.get("pid", 0))} - {0})
        if server.get("statename") not in ("STARTING", "RUNNING") or len(self._pids) > 2:
            return f"the program does not stay up ({server.get('spawnerr') or server.get('statename', 'unknown to supervisord')})"
        return ""

    def log(self, slot: str, since: float) -> dict[str, str]:
        """What a slot printed last: the lines of the streams that began with the launcher's."""
        output = run(["journalctl", "--quiet", "--output=json", "--output-fields=_STREAM_ID", f"MESSAGE={self._name(slot)} starts"], check=False).stdout
        streams = [json.loads(line).get("_STREAM_ID") for line in output.splitlines()]
        lines = [f"_STREAM_ID={stream}" for stream in streams] or ["--lines=0"]
        return {self._name(slot): units.printed(self._name(slot), [*lines, f"--since=@{since:.3f}"])}

    def kill(self, slot: str) -> None:
        """End a slot that never served: there is no request to wait for, and an import that hangs would use up the time they get."""
        server = self._server(slot)
        self._supervisor.stop(self._name(slot))
        _end_group(server)

    def remove(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take, and remove its section and its socket."""
        name = self._name(slot)
        files = [path for path in (_file(folder, name) for folder in (_ENABLED, _TRIAL)) if os.path.exists(path)]
        server = self._server(slot) if self._supervisor.is_there() else {}
        for path in files:
            os.unlink(path)
        if server:
            self._supervisor.stop(name)
            self._supervisor.forget(name, self._stop_timeout)
            _end_group(server)
        if server or files:
            for path in (f"{self._run}/{slot}.sock", f"{_TRIAL}/{name}"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def _server(self, slot: str) -> dict[str, t.Any]:
        """What supervisord says of a slot's server; nothing when it does not know the slot."""
        return self._supervisor.processes().get(f"{self._name(slot)}:{_SERVER}", {})

    def _name(self, slot: str) -> str:
        return f"{self._unit}@{slot}"


def _by_kind(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """What supervisor runs, and the schedules, which systemd runs."""
    return [part for part in parts if part.kind == "web"], [part for part in parts if part.kind == "schedule"]


def _is_timer(name: str) -> bool:
    return name.endswith(".timer")


def _file(folder: str, name: str) -> str:
    return f"{folder}/{name}.conf"


def _end_group(server: dict[str, t.Any]) -> None:
    """SIGKILL what is left of a server's process group, which is called after its first process: supervisor looks after that one alone."""
    if server.get("pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server["pid"], signal.SIGKILL)
