# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of supervisord over its unix socket. XML-RPC can change one program at a time; C(supervisorctl update) changes all."""

from __future__ import annotations

import http.client
import socket
import time
import typing as t
import xmlrpc.client

from .._host.commands import CommandError

#: As in supervisord.conf of the role supervisor.
SOCKET = "/run/supervisor.sock"
#: supervisor's fault codes that mean that there is nothing to do.
_UNKNOWN, _STARTED, _NOT_RUNNING, _ADDED = 10, 60, 70, 90
_STOPPED = ("STOPPED", "EXITED", "FATAL")


class Supervisor:
    """The calls to supervisord that slots need.

    :param path: its socket.
    """

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def is_there(self) -> bool:
        """Whether supervisord runs. A killed supervisord leaves its socket behind."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._path) == 0

    def processes(self) -> dict[str, dict[str, t.Any]]:
        """The state of every process by C(program:process).

        :raises CommandError: if supervisord cannot be asked.
        """
        return {f"{info['group']}:{info['name']}": info for info in self._call("getAllProcessInfo")}

    def add(self, name: str, process: str) -> None:
        """Read the configuration and start a program, this process first. Running programs are not touched.

        :param process: as C(processes) names it.
        :raises CommandError: if it does not start, or the configuration is wrong.
        """
        self._call("reloadConfig")
        self._call("addProcessGroup", name, fine={_ADDED})
        if self.processes().get(process, {}).get("statename") == "BACKOFF":
            # supervisord would try again, but it waits longer after each failure.
            self._call("stopProcess", process, True, fine={_NOT_RUNNING})
        # Without this, it would start only in the next turn of supervisord's loop, and count as stopped until then.
        self._call("startProcess", process, False, fine={_STARTED})
        # Start the other processes, if the program was stopped before.
        self._call("startProcessGroup", name, False)

    def start_again(self, process: str) -> None:
        """Stop a process, and start it again.

        :param process: as C(processes) names it.
        :raises CommandError: if it does not start.
        """
        self._call("stopProcess", process, True, fine={_NOT_RUNNING})
        self._call("startProcess", process, True, fine={_STARTED})

    def stop(self, name: str) -> None:
        """Tell a program to stop for good, without waiting for it."""
        self._call("stopProcessGroup", name, False, fine={_UNKNOWN})

    def wait_for_end(self, name: str, seconds: float) -> None:
        """Wait up to this many seconds for a program to end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(info["group"] == name and info["statename"] not in _STOPPED for info in self.processes().values()):
            time.sleep(0.1)

    def forget(self, name: str, seconds: float) -> None:
        """Remove a program whose configuration is gone, as soon as it has ended.

        :param seconds: how long to wait.
        :raises CommandError: if it still runs after that.
        """
        self.wait_for_end(name, seconds)
        self._call("removeProcessGroup", name, fine={_UNKNOWN})
        self._call("reloadConfig")

    def _call(self, method: str, *arguments: t.Any, fine: t.Collection[int] = ()) -> t.Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self._path))
        try:
            with proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as error:
            if error.faultCode in fine:
                return None
            raise CommandError(f"supervisor: {method} {' '.join(map(str, arguments))}: {error.faultString}") from error
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise CommandError(
                f"supervisord did not answer {method} on {self._path}: {error or type(error).__name__}; check: systemctl status supervisor"
            ) from error


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: t.Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
