# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a release brings for the app's state. They are copied there once, and never again."""

from __future__ import annotations

import json
import os
import typing as t

from .._host.path_state import PathState, read_json, write_path
from .records import Records
from .sandbox import Sandbox
from .settings import Settings


class Seeds:
    """The files that the releases of one app bring for its state.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any], records: Records) -> None:
        self._app, self._records = app, records
        self._file = os.path.join(records.folder, "seeded.json")

    def missing(self, release: str | None) -> list[str]:
        """The changes to make for a release, in words."""
        brought, seeded = self._brought(release), self._seeded()
        return [f"put what the release has in {name} into the app's state" for name in brought if name not in seeded]

    def apply(self, settings: Settings, release: str) -> list[str]:
        """Copy the files as the app's account, which then owns them.

        :returns: notices about files that differ from those that an earlier release brought.
        """
        brought, seeded = self._brought(release), self._seeded()
        new = [name for name in brought if name not in seeded]
        changed = [name for name in brought if seeded.get(name, brought[name]) != brought[name]]
        if new:
            state = self._app["paths"]["state"]
            arguments = {"tree": self._records.tree("releases", release), "state": state, "names": new}
            Sandbox(self._app, settings, self._app["user"]).run("state.seed", arguments, [state], settings.build_timeout_seconds)
        if new or changed:
            write_path(self._file, PathState("file", json.dumps({**seeded, **brought}).encode(), mode=0o600))
        return [f"the source has another {name} than the one that was put into the app's state; what is there stays as it is" for name in changed]

    def _brought(self, release: str | None) -> dict[str, str]:
        return dict((self._records.get("releases", release) or {}).get("seeds", {})) if release else {}

    def _seeded(self) -> dict[str, str]:
        return dict(read_json(self._file) or {})
