# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consistent copies: of SQLite databases through the agent, and the output of commands such as pg_dump."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import IO, Any, cast

from .._host.disk import naming
from .._host.program import say
from . import servers
from .accounts import agent, as_account, finished
from .manifest import manifest_in, unchanged
from .model import STAGING, App, BackupError, Command, Config, Problems, below, digest, fresh, inside
from .secret_key import machine


def stage(config: Config, problems: Problems) -> dict[str, Any]:
    """Fill the staging directory.

    :param problems: collects what could not be copied.
    :returns: the manifest, with the hash of every copy. It is saved beside them.
    """
    fresh(STAGING)
    manifest: dict[str, Any] = {"machine": machine(), "databases": {app.name: {} for app in config.apps}, "commands": {}}
    manifest[servers.FOLDER] = {}
    for app in config.apps:
        with problems.collecting(f"databases of app {app.name!r}", app.name):
            dump_databases(app, manifest["databases"][app.name])
        if app.database:
            with problems.collecting(f"database of app {app.name!r} in {app.database}", app.name):
                manifest[servers.FOLDER][app.name] = servers.dump(app)
    for command in config.commands:
        with problems.collecting(f"command {command.name!r}"):
            manifest["commands"][command.name] = dump_command(command, config.command_environment.get(command.name, {}))
    (STAGING / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def dump_databases(app: App, found: dict[str, Any]) -> None:
    """Copy an app's SQLite databases consistently to the staging directory.

    :param found: collects the hash and the mode of each, by its path below the state directory.
    :raises BackupError: if a database could not be copied.
    """
    with agent(app.user, "dump", directory_of(app), stdout=subprocess.PIPE) as process:
        allowed = int(shutil.disk_usage(STAGING).free * 0.9)
        try:
            with tarfile.open(fileobj=cast(IO[bytes], process.stdout), mode="r|") as stream:
                for member in stream:
                    allowed -= member.size
                    if allowed < 0:
                        raise BackupError(f"the copies do not fit below {STAGING}; free some space")
                    target = inside(STAGING / "databases" / app.name, member.name)
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    content = stream.extractfile(member)
                    if content is None:
                        raise BackupError(f"the stream of copies holds {member.name!r}, which is not a file")
                    with naming(str(target)), open(target, "xb") as handle:
                        shutil.copyfileobj(content, handle)
                    found[member.name] = {"sha256": digest(target), "mode": member.mode & 0o777}
        except tarfile.TarError as error:
            finished(process)
            raise BackupError(f"the stream of copies is broken: {error}") from error
        if words := finished(process):
            say(f"databases of app {app.name!r} that are damaged, saved as they are: {words}")


def directory_of(app: App) -> str:
    """The state directory of an app.

    :raises BackupError: if it is not a directory.
    """
    if os.path.islink(app.state) or not os.path.isdir(app.state):
        raise BackupError(f"{app.state} is not a directory; if the app was never deployed, deploy it; if it was moved, use a mount in place of a link")
    return app.state


def dump_command(command: Command, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command and keep its output.

    :raises BackupError: if it failed, or printed nothing.
    """
    target = STAGING / "commands" / command.name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    options = as_account(command.user)
    options["env"].update(environment)
    with open(target, "xb") as output:
        process = subprocess.Popen(shlex.split(command.command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, cwd="/", **options)
        finished(process)
    if target.stat().st_size == 0:
        raise BackupError("it succeeded and printed nothing; an empty dump is not a backup")
    return {"sha256": digest(target), "size": target.stat().st_size}


def prove_dumps(config: Config, root: Path, problems: Problems) -> None:
    """Compare the dumps of a restored snapshot with the manifest, and check the databases.

    :param problems: collects what is wrong.
    """
    staging = below(root, STAGING)
    manifest = manifest_in(staging)
    users = {app.name: app.user for app in config.apps}
    for name, databases in manifest["databases"].items():
        for relative, expected in databases.items():
            with problems.collecting(f"database {relative!r} of app {name!r}", name):
                dump = unchanged(staging / "databases" / name / relative, expected)
                with open(dump, "rb") as handle, agent(users.get(name, "nobody"), "check", "/", stdin=handle) as process:
                    finished(process)
    for name, expected in manifest.get(servers.FOLDER, {}).items():
        with problems.collecting(f"dump of the database of app {name!r}", name):
            servers.prove(users.get(name, "nobody"), staging, name, expected)
    for name, expected in manifest["commands"].items():
        with problems.collecting(f"output of command {name!r}"):
            unchanged(staging / "commands" / name, expected)


def overlay(app: App, tree: Path, staging: Path) -> None:
    """Replace the database files, which were saved while in use, by the consistent copies.

    :raises BackupError: if a copy differs from what was saved, or cannot be written.
    """
    manifest = manifest_in(staging)
    with agent(app.user, "write", tree, stdin=subprocess.PIPE) as process:
        stdin = cast(IO[bytes], process.stdin)
        with contextlib.suppress(BrokenPipeError), stdin, tarfile.open(fileobj=stdin, mode="w|") as stream:
            for relative, expected in manifest["databases"].get(app.name, {}).items():
                dump = unchanged(staging / "databases" / app.name / relative, expected)
                member = tarfile.TarInfo(relative)
                member.size, member.mode = dump.stat().st_size, expected["mode"]
                with open(dump, "rb") as handle:
                    stream.addfile(member, handle)
        process.stdin = None
        finished(process)
