# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lend the forwarded SSH agent of the person who runs Ansible to one command of another account."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import stat
import tempfile
import threading
import typing as t

#: The folder with lent agents. Steps that run an app's code cannot see it.
AGENTS = "/run/flaskyard-agents"


def forwarded_agent() -> str | None:
    """The path of this login's agent socket; None if no agent was forwarded.

    sudo strips the variable, so the environments of the parent processes are searched too.
    """
    pid = os.getpid()
    while pid > 1:
        try:
            with open(f"/proc/{pid}/environ", "rb") as handle:
                variables = dict(item.partition(b"=")[::2] for item in handle.read().split(b"\0"))
            with open(f"/proc/{pid}/stat", "rb") as handle:
                parent = int(handle.read().rpartition(b")")[2].split()[1])
        except OSError:
            return None
        path = variables.get(b"SSH_AUTH_SOCK", b"").decode()
        if path and _is_socket(path):
            return path
        pid = parent
    return None


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


@contextlib.contextmanager
def lent_agent(agent: str, uid: int, gid: int) -> t.Iterator[str]:
    """A socket that only C(uid) can open and that forwards to C(agent), while the context lasts."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as upstream:
                upstream.connect(agent)
                back = threading.Thread(target=_copy, args=(upstream, self.request), daemon=True)
                back.start()
                _copy(self.request, upstream)
                back.join()

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    os.makedirs(AGENTS, mode=0o711, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=AGENTS) as folder:
        path = os.path.join(folder, "agent.sock")
        with Server(path, Handler) as server:
            os.chown(path, uid, gid)
            os.chmod(path, 0o600)
            os.chown(folder, 0, gid)
            os.chmod(folder, 0o710)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            try:
                yield path
            finally:
                server.shutdown()


def _copy(source: socket.socket, destination: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either side may hang up; ssh itself reports a missing answer
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
