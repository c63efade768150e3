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


def rehearse(place: str, states: dict[str, PathState], commands: t.Iterable[str]) -> None:
    """Run commands that see the files as they would be. The host's files stay unchanged.

    A transient unit has the copies in place of the folders, as bind mounts that only it sees (BindPaths in systemd.exec(5)).

    :param place: a folder for the copies, which is removed at the end. Only root may enter it, because the copies have the secrets of the originals.
    :param states: by path, what differs from the host.
    :raises CommandError: if a command fails, or if a path has no folder such as /etc/nginx to copy.
    """
    # A link in the copy may lead to the real folder, so its target is a folder to copy too.
    real = {os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)): state for path, state in states.items()}
    folders = _outermost({_folder(path) for path in real})
    shutil.rmtree(place, ignore_errors=True)
    try:
        os.makedirs(place, mode=0o700)
        for folder in folders:
            os.makedirs(os.path.dirname(place + folder), exist_ok=True)
            run(["cp", "--archive", folder, place + folder])
        write_all({place + path: state for path, state in real.items()})
        for command in commands:
            _run_seeing({place + folder: folder for folder in folders}, command)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _folder(path: str) -> str:
    """What to copy for a file: below /etc the folder that holds everything of one program, elsewhere the folder that the file is in."""
    folder = "/".join(path.split("/")[:3]) if path.startswith("/etc/") else os.path.dirname(path)
    if not os.path.isdir(folder):
        raise CommandError(f"{path} cannot be tried on a copy, since the host has no folder {folder}; install its package first")
    return folder


def _outermost(folders: set[str]) -> list[str]:
    return [folder for folder in sorted(folders) if not any(folder.startswith(f"{other}/") for other in folders)]


def _run_seeing(copies: dict[str, str], command: str) -> None:
    binds = [f"--property=BindPaths={copy}:{folder}" for copy, folder in copies.items()]
    done = run(["systemd-run", "--quiet", "--pipe", "--wait", "--collect", *binds, "--", *shlex.split(command)], check=False)
    if done.returncode:
        raise CommandError(f"{command} ended with {done.returncode}:\n{tail(done.stdout + done.stderr)}")
