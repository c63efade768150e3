# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as an app runs: its account, environment, sandbox and working directory, in a transient unit of systemd."""

from __future__ import annotations

import time
import typing as t

from .._host import units
from .._host.actor import actor
from .._host.commands import CommandError, run
from .._host.entries import read_entry
from .._host.errors import HostError
from .folder import Folder
from .reasons import headline

#: The file of a slot that holds the properties of its commands.
PROPERTIES = "command.properties"
_FAREWELL_SECONDS = 30


class ReleaseCommandError(HostError):
    """The command of a release did not succeed. The text has what it printed."""


def transient(folder: Folder, arguments: list[str], *options: str) -> list[str]:
    """The command line that runs a command as the app of a slot.

    :param arguments: the program and its arguments, which reach it exactly.
    :param options: of systemd-run(1).
    :raises HostError: the slot was made by a version that had no commands.
    """
    text = read_entry(f"{folder.path}/{PROPERTIES}").text
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    if not lines:
        raise HostError(f"{folder.path} has no {PROPERTIES}; run the playbook site or deploy once, then run the command again")
    # systemd would put the values of variables in.
    words = [argument.replace("$", "$$") for argument in arguments]
    return ["systemd-run", *options, *(f"--property={line}" for line in lines), "--", "/usr/bin/env", "--", *words]


def run_release_command(app: dict[str, t.Any], folder: Folder, ran: t.Callable[[], dict[str, t.Any] | None], repeat: bool) -> None:
    """Run the command of the release that a slot runs, once; systemd records that it succeeded, whatever becomes of this process.

    :param app: the app as the host knows it.
    :param ran: what the record of the release says of this command, once it has succeeded.
    :param repeat: whether one that had succeeded before this call does not count.
    :raises ReleaseCommandError: when it did not succeed.
    """
    unit = f"flaskyard-release-command-{app['name']}.service"
    seconds = app["release_command_timeout_seconds"]
    earlier = ran() if repeat else None
    # One that a killed run began goes on. If it succeeds, this run has what it wants; it may have done so since the survey.
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
