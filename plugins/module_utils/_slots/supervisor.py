# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app under supervisor. The web server is an fcgi-program, whose socket supervisord opens. Each instance of a process is a program.

Process 0 of the fcgi-program is the server. Process 1 only sleeps: supervisord closes the socket when no process of the program is left, and
reopens it a second later.

A slot on trial has its section below /run, so that no boot starts it. C(enable) moves it to /etc. supervisord reads both, and sees no change.
It would start every section that it reads, so the sections of processes that must not run have a suffix there that it does not read.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import signal
import time
import typing as t
from pathlib import Path

from .._host import units
from .._host.accounts import user_id
from .._host.commands import CommandError, run
from .._host.path_state import PathState, read_path, write_path
from .background import in_background
from .parts import Part, kind_of, times
from .supervisor_client import Supervisor
from .systemd import SystemdSlots

#: The folders that supervisord.conf of the role supervisor includes: for sections that start at boot, and for those on trial.
_ENABLED, _TRIAL = "/etc/supervisor/conf.d", "/run/flask-supervisor"
#: The suffix of sections that supervisord must not read.
_WAITS = "waits"
_SERVER = "0"
_INTERVAL_SECONDS = 0.5


class SupervisorSlots:
    """Programs of one app's slots.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._unit: str = app["unit"]
        self._user: str = app["user"]
        self._run: str = app["paths"]["run"]
        self._stop_timeout: float = max(app["graceful_timeout_seconds"], times(app)["stop_seconds"]) + 60
        self._supervisor = Supervisor()
        self._schedules = SystemdSlots(app)
        self._pids: set[int] = set()

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """The states of several programs by name, in one call. Programs that supervisord does not know are left out."""
        supervisor = Supervisor()
        processes = supervisor.processes() if names and supervisor.is_there() else {}
        found = {name: processes.get(_process(name)) for name in names}
        timers = SystemdSlots.states([name for name in names if _is_timer(name)])
        return {name: {"state": str(info["statename"]), "restarts": _noted(name)[1]} for name, info in found.items() if info} | timers

    @staticmethod
    def is_starter(name: str) -> bool:
        """Whether a rendered file is a section of supervisor's configuration, or a unit of a schedule, which systemd runs."""
        return name.rpartition(".")[2] == "program" or (kind_of(name) == "schedule" and SystemdSlots.is_starter(name))

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        """The programs of a slot with these parts, and the timers of its schedules."""
        programs, schedules = _by_manager(parts)
        return [self._name(slot, file) for part in programs for file in part.starters] + self._schedules.names(slot, schedules)

    @staticmethod
    def differences(names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps an installed slot from running, now and after a boot, in words."""
        programs, timers = [name for name in names if not _is_timer(name)], [name for name in names if _is_timer(name)]
        found = {name: states.get(name, {}).get("state", "not known to supervisord") for name in programs}
        notes = [f"{name} was {state}" for name, state in found.items() if state != "RUNNING"]
        notes += [f"{name} was not started at boot" for name in programs if not os.path.exists(_enabled(name))]
        return notes + SystemdSlots.differences(timers, states)

    def path_states(self, slot: str, parts: list[Part]) -> dict[str, PathState]:
        """The sections of a slot, and the units of its schedules, by path."""
        programs, schedules = _by_manager(parts)
        texts = {self._name(slot, file): text for part in programs for file, text in part.starters.items()}
        sections = {_enabled(name): PathState("file", content=text.encode(), mode=0o644) for name, text in texts.items()}
        return sections | self._schedules.path_states(slot, schedules)

    def install(self, slot: str, parts: list[Part]) -> None:
        """Write the sections of a slot, which supervisord reads when one of its programs starts, and the units of its schedules."""
        programs, schedules = _by_manager(parts)
        if schedules:
            self._schedules.install(slot, schedules)
        for path, state in self.path_states(slot, programs).items():
            write_path(path if os.path.exists(path) else _aside(os.path.basename(path).removesuffix(".conf")), state)

    def has(self, slot: str) -> bool:
        """Whether a slot is this manager's."""
        return any(os.path.exists(path) for path in _sections(self._name(slot)))

    def start(self, slot: str) -> None:
        """Start the web server of a slot. The gate finds out whether it serves.

        :raises CommandError: in supervisor's words.
        """
        _start(self._supervisor, self._name(slot))

    def restart(self, slot: str) -> None:
        """Restart the server of a slot. Its socket stays, since the program's other process keeps running.

        :raises CommandError: in supervisor's words.
        """
        self._supervisor.start_again(_process(self._name(slot)))

    def stop(self, slot: str) -> None:
        """Stop a slot after its requests have finished, or their time is up. C(start) starts it again.

        :raises CommandError: if supervisord cannot be asked.
        """
        self._schedules.stop(slot)
        self.pause(slot)

    def pause(self, slot: str) -> None:
        """Stop the web server and the processes of a slot. Scheduled runs that have begun go on.

        :raises CommandError: if supervisord cannot be asked.
        """
        names = self._programs(slot)
        for name in names:
            self._supervisor.stop(name)
        for name in names:
            self._supervisor.wait_for_end(name, self._stop_timeout)
            self._end_group(name)

    def enable(self, slot: str) -> None:
        """Enable the web server of a slot at boot, if the slot is this manager's."""
        _move(_aside(self._name(slot)), _enabled(self._name(slot)))

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        """Start the processes and schedules of a slot, now and at boot.

        :param after: the slot whose schedules these continue: see C(SystemdSlots).
        :param wait: whether to wait until they have started. A process that is stopping must finish first, which may take hours.
        :raises CommandError: in supervisor's words, or with the journal.
        """
        self._schedules.start_work(slot, after, wait)
        names = self._work_of(slot)
        for name in names:
            _move(_aside(name), _enabled(name))
        states = self.states(names)
        stopping = [name for name in names if states.get(name, {}).get("state") == "STOPPING"]
        for name in names:
            if name not in stopping:
                _start(self._supervisor, name)
        for name in stopping:
            if wait:
                resume(name, self._stop_timeout)
            else:
                _resume_later(name)

    def stop_work(self, slot: str) -> None:
        """Tell the processes of a slot to finish their jobs and stop, and its schedules to begin no more runs, without waiting for either."""
        self._schedules.stop_work(slot)
        names = self._work_of(slot)
        for name in names:
            _move(_enabled(name), _aside(name))
        for name in names if self._supervisor.is_there() else ():
            self._supervisor.stop(name)

    def failed_work(self, slot: str) -> list[str]:
        """The processes that do not stay up, in words. supervisord reports C(RUNNING) once a process has been up for as long as its app says."""
        names = self._work_of(slot)
        while True:
            states = self.states(names)
            found = {name: states.get(name, {}).get("state") for name in names}
            failed = [name for name, state in found.items() if state not in ("STARTING", "RUNNING")]
            if failed or "STARTING" not in found.values():
                return [f"{name} does not stay up" for name in failed] + self._schedules.failed_work(slot)
            time.sleep(_INTERVAL_SECONDS)

    def finish(self, slot: str) -> None:
        """Stop a slot, and wait for the end of scheduled runs that have begun."""
        with contextlib.suppress(CommandError):
            self.pause(slot)
        self._schedules.finish(slot)

    def dead(self, slot: str) -> str:
        """Why the program can no longer become healthy, or an empty text."""
        server = self._supervisor.processes().get(_process(self._name(slot)), {})
        self._pids.update({int(server.get("pid", 0))} - {0})
        if server.get("statename") not in ("STARTING", "RUNNING") or len(self._pids) > 2:
            return f"the program does not stay up ({server.get('spawnerr') or server.get('statename', 'unknown to supervisord')})"
        return ""

    def log(self, slot: str, since: float) -> dict[str, str]:
        """The last output of a slot's programs by their names, the server first, and how a stopped one ended."""
        processes = self._supervisor.processes() if self._supervisor.is_there() else {}
        return {name: _printed(name, since) + _end(name, processes.get(_process(name), {})) for name in self._programs(slot)}

    def kill(self, slot: str) -> None:
        """Kill a slot that never served. It has no requests to wait for, and an import that hangs would use up their time."""
        self._supervisor.stop(self._name(slot))
        self._end_group(self._name(slot))

    def remove(self, slot: str) -> None:
        """Stop a slot after its requests and jobs have finished, or their time is up, and remove its sections and its socket."""
        known = self._supervisor.processes() if self._supervisor.is_there() else {}
        server = self._name(slot)
        running = {info["group"] for info in known.values() if info["group"] == server or info["group"].startswith(f"{server}-")}
        names = sorted({*self._programs(slot), *running})
        for path in (path for name in names for path in _sections(name)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        for name in running:
            self._supervisor.stop(name)
        for name in running:
            self._supervisor.forget(name, self._stop_timeout)
        for name in names:
            self._end_group(name)
        for path in [f"{self._run}/{slot}.sock", *map(_note, names)] if names else ():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _end_group(self, program: str) -> None:
        """SIGKILL what is left of a program's process group, because supervisor controls only its first process.

        If the group does not belong to the app, the kernel has reused its number.
        """
        group, account = _noted(program)[0], str(user_id(self._user))
        for file in Path("/proc").glob("[0-9]*/status") if group else ():
            with contextlib.suppress(OSError):  # it has ended
                status = dict(line.split(":", 1) for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
                if (status["NSpgid"].split()[0], status["Uid"].split()[0]) == (group, account):
                    os.kill(int(status["Pid"]), signal.SIGKILL)

    def _name(self, slot: str, file: str = "program") -> str:
        further = file.rpartition(".")[0]
        return f"{self._unit}@{slot}{'-' if further else ''}{further}"

    def _programs(self, slot: str) -> list[str]:
        """The programs that have a section, the server first."""
        files = [os.path.basename(path) for folder in (_ENABLED, _TRIAL) for path in glob.glob(f"{folder}/{self._name(slot)}*")]
        return sorted({name for name, dummy, suffix in (file.rpartition(".") for file in files) if suffix in ("conf", _WAITS)})

    def _work_of(self, slot: str) -> list[str]:
        return [name for name in self._programs(slot) if _is_work(name)]


def resume(program: str, seconds: float) -> None:
    """Wait until a stopping program has ended, and start it again, unless somebody has stopped it once more.

    :param seconds: how long to wait.
    :raises CommandError: in supervisor's words.
    """
    supervisor = Supervisor()
    supervisor.wait_for_end(program, seconds)
    if os.path.exists(_enabled(program)):
        _start(supervisor, program)


def _resume_later(program: str) -> None:
    unit = f"flaskyard-resume-{program.replace('@', ':')}.service"
    # The unit of an earlier change that was undone may be waiting already.
    if not units.is_active(units.states([unit])[unit]):
        in_background("resume", unit, program)


def _by_manager(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """The parts that supervisor runs, and the schedules, which systemd runs."""
    return [part for part in parts if part.kind != "schedule"], [part for part in parts if part.kind == "schedule"]


def _is_timer(name: str) -> bool:
    return name.endswith(".timer")


def _is_work(program: str) -> bool:
    return kind_of(program.partition("@")[2].partition("-")[2]) == "process"


def _process(program: str) -> str:
    """supervisord's name of a program's process. A server's program has two, and this is the server."""
    return f"{program}:{program if _is_work(program) else _SERVER}"


def _enabled(program: str) -> str:
    """The path of a program's section, if it starts at boot."""
    return f"{_ENABLED}/{program}.conf"


def _aside(program: str) -> str:
    """The path of a program's section, if it does not start at boot."""
    return f"{_TRIAL}/{program}.{_WAITS if _is_work(program) else 'conf'}"


def _sections(program: str) -> tuple[str, str]:
    return _enabled(program), _aside(program)


def _move(source: str, target: str) -> None:
    section = read_path(source)
    if section.kind == "file":
        write_path(target, section)
        os.unlink(source)


def _note(program: str) -> str:
    """The file where the launcher notes a program's last start since the boot: its process group, and the number of starts before it."""
    return f"{_TRIAL}/{program}"


def _noted(program: str) -> tuple[str, str]:
    group, dummy, restarts = read_path(_note(program)).text.partition(" ")
    return group, restarts or "0"


def _start(supervisor: Supervisor, program: str) -> None:
    supervisor.add(program, _process(program))


def _printed(program: str, since: float) -> str:
    """The output of the streams that began with the launcher's line."""
    output = run(["journalctl", "--quiet", "--output=json", "--output-fields=_STREAM_ID", f"MESSAGE={program} starts"], check=False).stdout
    streams = [json.loads(line).get("_STREAM_ID") for line in output.splitlines()]
    lines = [f"_STREAM_ID={stream}" for stream in streams] or ["--lines=0"]
    return units.printed(program, [*lines, f"--since=@{since:.3f}"])


def _end(program: str, process: dict[str, t.Any]) -> str:
    up = process.get("statename", "STARTING") in ("STARTING", "RUNNING")
    return "" if up else f"{program} has ended: {process['spawnerr'] or process['statename']}\n"
