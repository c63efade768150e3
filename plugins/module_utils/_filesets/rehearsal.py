# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""New files on trial: the validating commands see a copy of the folders with the new files in it, and nothing else does."""

from __future__ import annotations

import os
import shlex
import shutil
import typing as t

from .._host.commands import CommandError, run, tail
from .._host.path_state import PathState, write_all

#: In memory, and for root alone: the copies have the secrets of the originals.
COPIES = "/run/flaskyard-rehearsal"


def rehearse(name: str, states: dict[str, PathState], commands: t.Iterable[str]) -> None:
    """Run commands that see the files as they would be. The host's files stay unchanged.

    A transient unit has the copies in place of the folders, as bind mounts that only it sees (BindPaths in systemd.exec(5)).

    :param name: of the set.
    :param states: by path, what differs from the host.
    :raises CommandError: if a command fails, or if a path has no folder such as /etc/nginx to copy.
    """
    place = os.path.join(COPIES, name)
    folders = sorted({_folder(path) for path in states})
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(COPIES, mode=0o700, exist_ok=True)
    try:
        for folder in folders:
            os.makedirs(os.path.dirname(place + folder), exist_ok=True)
            run(["cp", "--archive", folder, place + folder])
        write_all({place + path: state for path, state in states.items()})
        for command in commands:
            _run_seeing({place + folder: folder for folder in folders}, command)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _folder(path: str) -> str:
    """The folder below /etc that holds everything of one program."""
    folder = "/".join(path.split("/")[:3])
    if not os.path.isdir(folder) or folder == path:
        raise CommandError(f"{path} cannot be tried on a copy, since the host has no folder {folder}; install its package first")
    return folder


def _run_seeing(copies: dict[str, str], command: str) -> None:
    binds = [f"--property=BindPaths={copy}:{folder}" for copy, folder in copies.items()]
    done = run(["systemd-run", "--quiet", "--pipe", "--wait", "--collect", *binds, "--", *shlex.split(command)], check=False)
    if done.returncode:
        raise CommandError(f"{command} ended with {done.returncode}:\n{tail(done.stdout + done.stderr)}")
