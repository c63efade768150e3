# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository, through restic."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import contextlib
import functools
import json
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._host.program import say
from .model import PASSWORD, App, BackupError, Config, fresh
from .pipes import kept_moving
from .places import access, why_refused

TAG = "flask-backup"


def app_tag(app: str) -> str:
    """The tag of a snapshot that holds an app completely."""
    return f"app-{app}"


class UnreachableError(BackupError):
    """The server of the repository cannot be reached, or refuses the connection."""


class Restic:
    """The repository, through restic."""

    def __init__(self, config: Config) -> None:
        self._config = config
        variables, self._options = access(config.repository)
        self._environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": pwd.getpwuid(0).pw_dir,
            "RESTIC_CACHE_DIR": "/var/cache/flask-backup",
            # Read it now: a run of Ansible may change it, and the repository with it, while a backup runs.
            "RESTIC_PASSWORD": PASSWORD.read_text(encoding="utf-8").rstrip("\r\n"),
            "RESTIC_REPOSITORY": config.repository,
            **variables,
            **config.environment,
        }

    def run(self, *arguments: str, check: bool = True, reads: Sequence[App] = ()) -> subprocess.CompletedProcess[str]:
        """Run restic. ``stdout`` has both its output and its errors.

        :param reads: the apps whose state it reads.
        :raises UnreachableError: with the last lines of restic's output and ssh's, if SSH could not connect.
        :raises BackupError: with the last lines of restic's output.
        """
        process = subprocess.Popen(
            ["restic", *self._options, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with process, kept_moving(process, reads) if reads else contextlib.nullcontext():
            output, dummy = process.communicate()
        done = subprocess.CompletedProcess(process.args, process.returncode, output)
        if check and done.returncode:
            words = f"restic {arguments[0]} ended with {done.returncode}:\n{self.words(done.stdout.splitlines())}"
            if refused := why_refused(self._config.repository, output):
                raise UnreachableError(f"{words}\n{refused}")
            raise BackupError(words)
        return done

    def words(self, lines: list[str]) -> str:
        """The end of restic's output, without the repository's address, which may hold a password."""
        return "\n".join(lines[-12:]).replace(self._config.repository, "(the repository)")

    @functools.cached_property
    def keeps_holes(self) -> bool:
        """Whether this restic restores sparse files as sparse files, as it does from 0.15 on."""
        return "--sparse" in self.run("restore", "--help").stdout

    def snapshots(self, tag: str = TAG) -> list[dict[str, Any]]:
        """The snapshots of this host with a tag, oldest first."""
        found = self.run("snapshots", "--json", "--no-lock", "--host", self._config.host, "--tag", tag).stdout
        # restic may first print a line about its new cache.
        listed: list[dict[str, Any]] = json.loads(next((line for line in found.splitlines() if line.startswith("[")), "[]"))
        return sorted(listed, key=lambda snapshot: str(snapshot["time"]))

    def newest(self, tag: str = TAG) -> dict[str, Any]:
        """The newest snapshot with a tag.

        :raises BackupError: if there is none.
        """
        found = self.snapshots(tag)
        if not found:
            raise BackupError(f"the repository holds no snapshot of the host {self._config.host!r} marked {tag!r}; make one: flaskyard backup")
        return found[-1]

    def restore(self, snapshot: str, target: Path, *arguments: str) -> None:
        """Restore into a directory, which is emptied first.

        :raises BackupError: if there is too little space, or restic fails.
        """
        fresh(target)
        # The restore size counts holes as zeros; in the raw data all of them are one blob.
        size = min(self._size(snapshot, mode) for mode in (["restore-size", "raw-data"] if self.keeps_holes else ["restore-size"]))
        free = shutil.disk_usage(target).free
        if size > free * 0.95:
            raise BackupError(
                f"the snapshot needs {size / 1e6:.0f} MB below {target} and {free / 1e6:.0f} MB are free; free some, or mount a larger disk there"
            )
        self.run("restore", snapshot, "--target", str(target), "--verify", *(["--sparse"] if self.keeps_holes else []), *arguments)

    def _size(self, snapshot: str, mode: str) -> int:
        done = self.run("stats", "--json", "--no-lock", "--mode", mode, snapshot).stdout
        found = json.loads(next(line for line in done.splitlines() if line.startswith("{")))
        return int(found.get("total_uncompressed_size") or found["total_size"])


def init(config: Config) -> bool:
    """Make the password and the repository, if they are missing. This need not wait for a backup that runs with older settings.

    :returns: whether the repository is new.
    """
    made = not PASSWORD.exists()
    if made:
        with open(os.open(PASSWORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32) + "\n")
    restic = Restic(config)
    if restic.run("cat", "config", "--no-lock", check=False).returncode == 0:
        return False
    try:
        restic.run("init")
    except BackupError as error:
        if made:
            PASSWORD.unlink()
        if isinstance(error, UnreachableError):
            raise UnreachableError(f"the repository cannot be reached: {error}") from error
        raise BackupError(
            f"the repository can neither be opened nor made: {error}\nIf it exists, its password is not the one in {PASSWORD}: "
            "give the right one as backup_password. If not, look at backup_repository and backup_environment."
        ) from error
    say(f"made the repository; copy {PASSWORD} to a safe place, without it no backup can be read")
    return True


def forget(restic: Restic, config: Config) -> None:
    """Remove the snapshots that are past their time, and the data that only they used."""
    keep = [argument for period, count in config.keep.items() if count for argument in (f"--keep-{period}", str(count))]
    restic.run("forget", "--prune", "--quiet", "--host", config.host, "--tag", TAG, "--group-by", "host", *keep)
