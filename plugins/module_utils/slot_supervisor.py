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

from . import units
from .commands import run
from .entries import Entry, read_entry, write_entry
from .supervisor_client import Supervisor

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
        self._pids: set[int] = set()

    @staticmethod
    def states(names: list[str]) -> dict[str, dict[str, str]]:
        """State of several programs in one call, by name; what supervisord does not know is left out."""
        supervisor = Supervisor()
        processes = supervisor.processes() if names and supervisor.is_there() else {}
        servers = {name: processes.get(f"{name}:{_SERVER}") for name in names}
        return {name: {"state": str(info["statename"])} for name, info in servers.items() if info}

    def takes(self, name: str) -> bool:
        """Whether a rendered file of a slot is this manager's and not the server's."""
        return name == "program"

    def names(self, slot: str, files: t.Iterable[str] = ("program",)) -> list[str]:
        """The program of a slot with these files."""
        return [self._name(slot) for name in files if self.takes(name)]

    def lacks(self, names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps a slot that is there from running, now and after a boot, in words."""
        notes = [f"start {name}" for name in names if states.get(name, {}).get("state") not in ("RUNNING", "STARTING", "BACKOFF")]
        return notes + [f"enable {name}" for name in names if not os.path.exists(_file(_ENABLED, name))]

    def install(self, slot: str, texts: dict[str, str]) -> None:
        """Put the section of a slot in place; supervisord reads it when the slot starts."""
        name = self._name(slot)
        folder = _ENABLED if os.path.exists(_file(_ENABLED, name)) else _TRIAL
        for text in texts.values():
            write_entry(_file(folder, name), Entry("file", content=text.encode(), mode=0o644))

    def start(self, slot: str) -> None:
        """Start a slot; that it serves is for the gate to find out.

        :raises CommandError: in supervisor's words.
        """
        self._supervisor.add(self._name(slot), _SERVER)

    def enable(self, slot: str) -> None:
        """Have a slot, if it is one of this manager, start at boot."""
        trial, enabled = (_file(folder, self._name(slot)) for folder in (_TRIAL, _ENABLED))
        section = read_entry(trial)
        if section.kind == "file":
            write_entry(enabled, section)
            os.unlink(trial)

    def dead(self, slot: str) -> str:
        """Why the program can no longer become healthy, or an empty text."""
        server = self._server(slot)
        self._pids.update({int(server.get("pid", 0))} - {0})
        if server.get("statename") not in ("STARTING", "RUNNING") or len(self._pids) > 2:
            return f"the program does not stay up ({server.get('spawnerr') or server.get('statename', 'unknown to supervisord')})"
        return ""

    def log(self, slot: str) -> str:
        """The last lines that a slot printed: those of the streams that began with the launcher's line."""
        output = run(["journalctl", "--quiet", "--output=json", "--output-fields=_STREAM_ID", f"MESSAGE={self._name(slot)} starts"], check=False).stdout
        streams = [json.loads(line).get("_STREAM_ID") for line in output.splitlines()]
        return units.journal(self._name(slot), match=[f"_STREAM_ID={stream}" for stream in streams] or ["--lines=0"])

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


def _file(folder: str, name: str) -> str:
    return f"{folder}/{name}.conf"


def _end_group(server: dict[str, t.Any]) -> None:
    """SIGKILL what is left of a server's process group, which is called after its first process: supervisor looks after that one alone."""
    if server.get("pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server["pid"], signal.SIGKILL)
