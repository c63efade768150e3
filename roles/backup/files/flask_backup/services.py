# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:backup
"""The units of an app, and whether it works."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .model import App, BackupError

SETTLE_SECONDS = 2
#: Where slots are that supervisor runs. The processes of such a program are a unit here too; it has no suffix.
PROGRAMS = "/etc/supervisor/conf.d"


def units_of(app: App) -> list[str]:
    """The current slot of an app and every other unit that runs as its account, with what would start those again; in order of start."""
    output = subprocess.run(["systemctl", "show", "--property=Id,User,ActiveState,TriggeredBy", "*.service"], capture_output=True, text=True, check=True).stdout
    triggers: set[str] = set()
    services: set[str] = set()
    if os.path.islink(app.socket):
        slot = f"{app.unit}@{Path(os.readlink(app.socket)).stem}"
        triggers, services = (set(), {f"{slot}:*"}) if os.path.exists(f"{PROGRAMS}/{slot}.conf") else ({f"{slot}.socket"}, {f"{slot}.service"})
    for block in output.split("\n\n"):
        unit = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if unit.get("User") == app.user:
            triggers.update(filter(is_active, unit.get("TriggeredBy", "").split()))
            if unit["ActiveState"] in ("active", "activating", "reloading"):
                services.add(unit["Id"])
    return [*sorted(triggers), *sorted(services)]


def is_active(unit: str) -> bool:
    """Whether systemd runs, or listens for, a unit; or supervisor runs a program."""
    command = ["systemctl", "--quiet", "is-active", unit] if "." in unit else ["supervisorctl", "status", unit]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def control(verb: str, units: Sequence[str]) -> None:
    """Start or stop units.

    :raises BackupError: in the words of what runs them.
    """
    for tool in ("systemctl", "supervisorctl"):
        if names := [unit for unit in units if ("." in unit) == (tool == "systemctl")]:
            done = subprocess.run([tool, verb, *names], capture_output=True, text=True, check=False)
            if done.returncode:
                raise BackupError(f"{tool} {verb} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")


def prove(app: App, units: list[str]) -> None:
    """Wait until the app answers and see that all its units stay up.

    :raises BackupError: they do not, or it does not within the time of its health check.
    """
    deadline = time.monotonic() + app.timeout_seconds
    while os.path.exists(app.socket) and (answer := asked(app)):
        if time.monotonic() > deadline:
            raise BackupError(f"with the restored state the app does not work: {app.path} gave {answer}")
        time.sleep(0.5)
    time.sleep(SETTLE_SECONDS if units else 0)
    if dead := [unit for unit in units if not is_active(unit)]:
        raise BackupError(f"with the restored state {', '.join(dead)} did not stay up; journalctl -u {dead[0]} says why")


def asked(app: App) -> str | None:
    """Ask the app for its health over its own socket, as the proxy would; what was wrong, None when it is well."""
    connection = http.client.HTTPConnection(app.host or "localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    try:
        with contextlib.closing(connection):
            connection.sock.connect(app.socket)
            connection.request("GET", app.path, headers={"X-Forwarded-Proto": "https"})
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return None if (status == app.status if app.status else status < 500) else str(status)
