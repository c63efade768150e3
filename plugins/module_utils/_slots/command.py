# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as an app runs: with its account, environment, sandbox and working directory, in a transient systemd unit."""

from __future__ import annotations

import time
import typing as t

from .._host import units
from .._host.actor import actor
from .._host.commands import CommandError, run
from .._host.errors import HostError
from .._host.path_state import read_path
from .folder import Folder
from .reasons import headline

#: The file of a slot with the unit properties for its commands.
PROPERTIES = "command.properties"
_FAREWELL_SECONDS = 30


class ReleaseCommandError(HostError):
    """The release command failed. The text has its output."""


def transient(folder: Folder, arguments: list[str], *options: str) -> list[str]:
    """The command line that runs a command as the app of a slot.

    :param arguments: the program and its arguments, passed on unchanged.
    :param options: options of systemd-run(1).
    :raises HostError: if the slot was made by a version without commands.
    """
    text = read_path(f"{folder.path}/{PROPERTIES}").text
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    if not lines:
        raise HostError(f"{folder.path} has no {PROPERTIES}; run the playbook site or deploy once, then run the command again")
    # systemd would replace variables by their values.
    words = [argument.replace("$", "$$") for argument in arguments]
    return ["systemd-run", *options, *(f"--property={line}" for line in lines), "--", "/usr/bin/env", "--", *words]


def run_release_command(app: dict[str, t.Any], folder: Folder, ran: t.Callable[[], dict[str, t.Any] | None], repeat: bool) -> None:
    """Run the release command of a slot's release once. systemd records its success, even if this process is killed.

    :param app: the app as the host knows it.
    :param ran: returns the entry about this command in the release's record, once it has succeeded.
    :param repeat: run it again even if it succeeded before this call.
    :raises ReleaseCommandError: if it failed.
    """
    unit = f"flaskyard-release-command-{app['name']}.service"
    seconds = app["release_command_timeout_seconds"]
    earlier = ran() if repeat else None
    # The command of a killed run may still be running, or may have succeeded since the survey. Then it need not run again.
    units.wait_while_active(unit, seconds + _FAREWELL_SECONDS)
    if ran() not in (None, earlier):
        return
    slot = folder.path.rpartition("/")[2]
    recorder = f"+/usr/bin/python3 -IB /usr/local/lib/flaskyard _slots.commanded {app['name']} {slot} {actor().by}"
    options = ["--quiet", "--wait", "--collect", f"--unit={unit}", f"--description=Release command of Flask app {app['name']}"]
    options += [f"--property={line}" for line in ("Type=oneshot", f"TimeoutStartSec={seconds}", f"ExecStartPost={recorder}")]
    begin = time.time()
    try:
        run(transient(folder, app["release_command"]["arguments"], *options), timeout=seconds + _FAREWELL_SECONDS)
    except CommandError as error:
        command = app["release_command"]["command"]
        log = units.printed(unit, [f"--unit={unit}", f"--since=@{begin:.3f}"])
        raise ReleaseCommandError(f"{headline('release_command', f'{command} failed', log)}\n{units.journal_of(unit, log)}") from error
