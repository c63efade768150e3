# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last declared release of each app, and the one that serves in its place after a rollback."""

from __future__ import annotations

import json
import os
import typing as t

from .._host import paths
from .._host.path_state import PathState, read_json, write_path

#: The keys of an app that the survey needs.
_KEPT = ("name", "user", "paths", "public")


def remember(app: dict[str, t.Any], release: dict[str, t.Any], declared: str | None = None) -> None:
    """Record the C(wish) of an app, and the release that came of it.

    :param declared: id of the declared release, if that is withdrawn and C(release) serves in its place.
    """
    _write(app["name"], {"wish": app["wish"], "release": release, "declared": declared or release["id"], "app": {key: app[key] for key in _KEPT}})


def recall(name: str) -> dict[str, t.Any] | None:
    """What was recorded for an app; None if nothing was. A branch has no record, since each run must ask for its commit."""
    stored: dict[str, t.Any] | None = read_json(_file(name))
    return stored


def put_in_place(name: str, release: dict[str, t.Any]) -> t.Callable[[], None]:
    """Make the same wish lead to another release that is on the host. Returns a function that undoes it."""
    before = recall(name)
    if before is None:
        return lambda: None
    _write(name, {**before, "declared": before.get("declared", before["release"]["id"]), "release": release})
    return lambda: _write(name, before)


def _write(name: str, stored: dict[str, t.Any]) -> None:
    write_path(_file(name), PathState("file", json.dumps(stored, indent=1).encode(), mode=0o600))


def _file(name: str) -> str:
    return os.path.join(paths.APPS, name, "wish.json")
