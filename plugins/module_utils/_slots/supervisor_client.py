# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask supervisord over its unix socket. Its XML-RPC does one thing at a time, which C(supervisorctl update) does not."""

from __future__ import annotations

import http.client
import socket
import time
import typing as t
import xmlrpc.client

from .._host.commands import CommandError

#: Of supervisord.conf in the role supervisor.
SOCKET = "/run/supervisor.sock"
#: supervisor's numbers of the faults that say that there is nothing to do, for the one call or the other.
_UNKNOWN, _STARTED, _NOT_RUNNING, _ADDED = 10, 60, 70, 90
_STOPPED = ("STOPPED", "EXITED", "FATAL")


class Supervisor:
    """What is asked of supervisord here.

    :param path: its socket.
    """

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def is_there(self) -> bool:
        """Whether supervisord runs; a socket without anybody behind it is what a killed one leaves."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._path) == 0

    def processes(self) -> dict[str, dict[str, t.Any]]:
        """State of everything that supervisord knows, by the names of program and process: C(program:process).

        :raises CommandError: when it cannot be asked.
        """
        return {f"{info['group']}:{info['name']}": info for info in self._call("getAllProcessInfo")}

    def add(self, name: str, process: str) -> None:
        """Read the configuration and start a program of it, this process of it at once; programs that run are left as they are.

        :param process: as C(processes) names it.
        :raises CommandError: when it does not start, or the configuration is wrong.
        """
        self._call("reloadConfig")
        self._call("addProcessGroup", name, fine={_ADDED})
        if self.processes().get(process, {}).get("statename") == "BACKOFF":
            # It would be tried again, but as late as it failed often.
            self._call("stopProcess", process, True, fine={_NOT_RUNNING})
        # Without this, it would start at the next turn of supervisord's loop, and be "stopped" until then.
        self._call("startProcess", process, False, fine={_STARTED})
        # The others of a program that was stopped before.
        self._call("startProcessGroup", name, False)

    def start_again(self, process: str) -> None:
        """End a process, and start it anew.

        :param process: as C(processes) names it.
        :raises CommandError: when it does not start.
        """
        self._call("stopProcess", process, True, fine={_NOT_RUNNING})
        self._call("startProcess", process, True, fine={_STARTED})

    def stop(self, name: str) -> None:
        """Have a program end, and not come back; does not wait for it."""
        self._call("stopProcessGroup", name, False, fine={_UNKNOWN})

    def wait_for_end(self, name: str, seconds: float) -> None:
        """Wait so long for a program to end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(info["group"] == name and info["statename"] not in _STOPPED for info in self.processes().values()):
            time.sleep(0.1)

    def forget(self, name: str, seconds: float) -> None:
        """Drop a program whose configuration is gone, as soon as it has ended.

        :param seconds: how long to wait for that.
        :raises CommandError: when it still runs then.
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
            raise CommandError(f"supervisord did not answer {method} on {self._path}: {error or type(error).__name__}; systemctl status supervisor") from error


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
