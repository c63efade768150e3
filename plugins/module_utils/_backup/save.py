# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a snapshot."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from .._host.program import say
from .dumps import directory_of, stage
from .model import OPTIONAL_PATHS, STAGING, BackupError, Config, Problems
from .mounts import ask_for_guard
from .repository import TAG, Restic, app_tag, forget
from .servers import FOLDER


def run(config: Config) -> dict[str, Any]:
    """Dump, save, and remove snapshots that are too old.

    :returns: the entry for ``status.json``.
    :raises BackupError: with everything that is missing from the backup. Everything else was saved.
    """
    ask_for_guard(config)
    restic = Restic(config)
    restic.run("unlock")
    problems = Problems()
    try:
        manifest = stage(config, problems)
        summary = save(restic, config, [str(STAGING), *sources(config, problems)], problems)
    finally:
        shutil.rmtree(STAGING)
    if config.prune:
        with problems.collecting("dropping old snapshots"):
            forget(restic, config)
    databases = sum(map(len, manifest["databases"].values())) + len(manifest[FOLDER])
    say(
        f"snapshot {summary['snapshot_id'][:8]}: {summary['total_files_processed']} files, {databases} databases, "
        f"{len(manifest['commands'])} dumps, {summary['data_added'] / 1e6:.1f} MB new"
    )
    if config.repository.startswith("/"):
        say("the repository is on this host, so it is lost if the host is lost. It is not a backup yet. Set backup_repository to another place.")
    if problems:
        raise BackupError(f"the backup is not complete:\n{problems}")
    apps = [app.name for app in config.apps]
    return {"snapshot": summary["snapshot_id"], "files": summary["total_files_processed"], "databases": databases, "apps": apps}


def sources(config: Config, problems: Problems) -> Iterator[str]:
    """The paths to save. A missing one becomes a problem."""
    yield from filter(os.path.exists, OPTIONAL_PATHS)
    for app in config.apps:
        with problems.collecting(f"state of app {app.name!r}", app.name):
            yield directory_of(app)
    for path in config.paths:
        if os.path.lexists(path):
            yield path
        else:
            problems.add(f"{path} of backup_paths is not there; remove it from the list, or bring it back")


def save(restic: Restic, config: Config, paths: list[str], problems: Problems) -> dict[str, Any]:
    """Make the snapshot. Files that vanish meanwhile are not an error.

    :raises BackupError: if there is no snapshot.
    """
    whole = {app_tag(app.name) for app in config.apps if not problems.of(app.name)}
    tags = [argument for tag in (TAG, *sorted(whole)) for argument in ("--tag", tag)]
    exclude = [argument for pattern in config.exclude for argument in ("--exclude", pattern)]
    done = restic.run("backup", "--json", "--host", config.host, *tags, "--exclude-caches", *exclude, "--", *paths, check=False, reads=config.apps)
    summary: dict[str, Any] = {}
    other: list[str] = []
    for line in done.stdout.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            other.append(line)
            continue
        if message.get("message_type") == "summary":
            summary = message
        elif message.get("message_type") == "error" and not vanished(message["error"]):
            item = str(message.get("item"))
            owner = next((app.name for app in config.apps if f"{item}/".startswith(f"{app.state}/")), "")
            problems.add(f"{item} could not be read: {message['error'].get('message') or message['error']}", owner)
    if done.returncode not in (0, 3) or not summary:
        raise BackupError(f"restic backup ended with {done.returncode}:\n{restic.words(other)}")
    broken = sorted(whole & {app_tag(app.name) for app in config.apps if problems.of(app.name)})
    if broken:
        with problems.collecting("marking the snapshot as incomplete"):
            restic.run("tag", *(argument for tag in broken for argument in ("--remove", tag)), str(summary["snapshot_id"]))
    return summary


def vanished(error: dict[str, Any]) -> bool:
    """Whether an error of restic is about a file that vanished before restic read it. restic's releases report this in two ways."""
    return error.get("Err") == 2 or "no such file or directory" in str(error.get("message", ""))
