# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up this Flask server with restic, verify the backups, restore an app's state from one.

Root runs this, and never writes to or follows a path that an app can change. The agent works there, as the app's account.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import argparse
import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from .._host import units
from .._host.actor import act
from .._host.errors import HostError
from .._host.program import complain, say
from .model import STATE, BackupError, Config
from .mounts import guard
from .repository import TAG, Restic, init
from .restore import restore
from .save import run
from .verify import verify

STATUS = STATE / "status.json"
UNITS = {"run": "flask-backup.service", "verify": "flask-backup-verify.service"}


@contextlib.contextmanager
def locked(wait: bool) -> Iterator[None]:
    """Allow one backup, verification or restore at a time.

    :param wait: whether to wait for another one to end, which may take hours.
    :raises BackupError: if another one runs and there is no waiting.
    """
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(STATE / "lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise BackupError(
                    "a backup, verification or restore runs at this moment, and nothing has changed; wait for its end, or stop it: "
                    "systemctl stop flask-backup.service flask-backup-verify.service"
                ) from None
            say("waiting for another flask-backup to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def record(what: str, values: dict[str, Any]) -> None:
    """Record the outcome in ``status.json``, for monitoring."""
    known = json.loads(status())
    known[what] = {"time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), **values}
    temporary = STATUS.with_suffix(".new")
    temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    temporary.replace(STATUS)


def noted(what: str, work: Callable[[], dict[str, Any]]) -> None:
    """Do the work, and record its outcome."""
    started = time.monotonic()
    try:
        values = work()
    except (HostError, OSError) as error:
        record(what, {"ok": False, "error": str(error)})
        raise
    record(what, {"ok": True, "seconds": round(time.monotonic() - started, 1), **values})


def status() -> str:
    """The time and outcome of the last backup, verification and restore, in JSON."""
    return STATUS.read_text(encoding="utf-8") if STATUS.exists() else "{}\n"


def start(unit: str) -> int:
    """Start a unit and wait for its end. If it fails, print what it printed in this run."""
    say(f"starting {unit} and waiting for its end; journalctl -u {unit} says more")
    done = subprocess.run(["systemctl", "start", unit], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        subprocess.run(["journalctl", "--sync"], check=False)
        invocation = subprocess.run(["systemctl", "show", "--value", "--property=InvocationID", unit], stdout=subprocess.PIPE, text=True, check=False).stdout
        complain(units.printed(unit, [f"_SYSTEMD_INVOCATION_ID={invocation.strip()}"]).strip() or done.stderr.strip())
    return done.returncode


def main() -> int:
    """Parse the command line and run the verb."""
    parser = argparse.ArgumentParser(prog="flask-backup", description="Back up this Flask server with restic.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("init", help="make the password and the repository, if they are not there")
    verbs.add_parser("run", help="make a snapshot, in the unit flask-backup.service")
    verbs.add_parser("verify", help="restore the newest snapshot and compare, in the unit flask-backup-verify.service")
    verbs.add_parser("snapshots", help="list the snapshots of this host, and the apps that each holds completely")
    verbs.add_parser("status", help="how the last backup, verification and restore went, in JSON")
    verb = verbs.add_parser("restore", help="put an app's state back as a snapshot has it")
    verb.add_argument("app", help="name of the app")
    verb.add_argument("snapshot", nargs="?", default="latest", help="id of the snapshot; the newest by default")
    verb.add_argument("--secret-key", action="store_true", help="take the snapshot's SECRET_KEY too, which a restore on another machine does anyway")
    verb.add_argument("--host", help="name in the repository of the host that made the snapshot; backup_host by default")
    verb.add_argument("--by", default="", help=argparse.SUPPRESS)  # who runs the playbook
    verb = verbs.add_parser("guard", help="have a process follow no links in what it saves (the unit flask-backup-guard@PID.service does)")
    verb.add_argument("process", type=int, help="number of the process")
    arguments = parser.parse_args()
    if (unit := UNITS.get(arguments.verb)) and os.environ.get("SYSTEMD_EXEC_PID") != str(os.getpid()):
        return start(unit)
    os.umask(0o077)
    act(arguments.verb, getattr(arguments, "by", ""))
    try:
        config = Config.read()
        if arguments.verb == "status":
            say(status().rstrip())
        elif arguments.verb == "snapshots":
            for snapshot in Restic(config).snapshots():
                say(f"{snapshot['id'][:8]}  {snapshot['time'][:19]}  {' '.join(sorted(set(snapshot['tags']) - {TAG}))}")
        elif arguments.verb == "guard":
            guard(config, arguments.process)
        elif arguments.verb == "init":
            if init(config):
                STATUS.unlink(missing_ok=True)  # it is about the repository of before
        else:
            work: dict[str, Callable[[], dict[str, Any]]] = {
                "run": lambda: run(config),
                "verify": lambda: verify(config),
                "restore": lambda: restore(
                    dataclasses.replace(config, host=arguments.host or config.host), arguments.app, arguments.snapshot, arguments.secret_key
                ),
            }
            with locked(wait=arguments.verb != "restore"):
                noted(arguments.verb, work[arguments.verb])
    except (HostError, OSError, tomllib.TOMLDecodeError) as error:
        complain(f"flask-backup: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
