# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of code that is on the host already: a link to its folder, with a name that follows from the folder's content.

Nothing is built, copied or kept. A change in the folder gives another name, and so another slot. An earlier version of the code cannot be restored.
"""

from __future__ import annotations

import os
import typing as t

from .public import Publication, assert_readable, assert_served
from .records import Outcome, Records, ReleaseError, assert_account, short_hash
from .sandbox import Sandbox
from .settings import Settings


class InPlace:
    """Makes the release of one app from the folder that its source names.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any], settings: Settings) -> None:
        self.app = app
        self.folder: str = app["source"]["location"]
        self.records = Records(app)
        self.settings = settings
        self.sandbox = Sandbox(app, settings)
        self.publication = Publication(app, self.records)

    def run(self, check: bool) -> Outcome:
        """Find the release, or make it.

        :raises ReleaseError: if the app's accounts cannot run the code in the folder.
        """
        try:
            assert_account(self.app["build_user"])
        except ReleaseError:
            if check:
                return Outcome(self._facts(None, ""), to_build=True).also([f"use the code in {self.folder}"])
            raise
        arguments = {"folder": self.folder, "packages": self.app["server_requirements"]}
        seen = self.sandbox.run("in_place.look", arguments, [], self.settings.build_timeout_seconds)
        self._assert_runs(seen["python"])
        assert_served(self.folder, self.app["served"])
        assert_readable(self.folder, self.app["public"]["release"])
        inputs = {"source": self.folder, "content": seen["digest"], "python": seen["python"]}
        identity = short_hash(inputs)
        outcome = Outcome(self._facts(identity, seen["python"]))
        if not self.records.get("releases", identity):
            outcome.to_build, outcome.diff = True, [self.records.difference(identity, inputs)]
        outcome.also(self.publication.missing())
        if outcome.changed and not check:
            with self.records.lock():
                self.publication.apply(self.settings)
                self.records.link("releases", identity, self.folder)
                record = {"id": identity, "inputs": inputs, "source": outcome.release["source"], "venv": None, "python": seen["python"]}
                self.records.put("releases", {**record, "status": "built"})
        return outcome

    def _assert_runs(self, python: str) -> None:
        if not self.app["embeds_python"]:
            return
        own, interpreter = self.settings.choose_python(None)
        if python != own:
            raise ReleaseError(
                f"{self.folder}/.venv has Python {python}, and server {self.app['server']!r} of Debian runs only Debian's own, {own}; "
                f"make the virtualenv with {interpreter}, or choose another server"
            )

    def _facts(self, identity: str | None, python: str) -> dict[str, t.Any]:
        return {
            "id": identity,
            "dir": self.records.tree("releases", identity) if identity else None,
            "venv": os.path.join(self.folder, ".venv"),
            "python": python,
            "source": {"kind": "in_place", "location": self.folder, "version": None, "revision": identity},
        }
