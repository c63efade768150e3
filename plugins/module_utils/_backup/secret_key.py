# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SECRET_KEY of an app in a restore. Without it, everything that the app signed or encrypted, also in its state, is useless.

On the machine that made a snapshot, the host's key is at least as new as the snapshot's, and somebody may have changed it for a reason. So it stays.
On another machine, the key has just been made and does not fit the state. So the snapshot's key replaces it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from .._host.environment_file import environment_file, parse_environment_file
from .._host.path_state import PathState, read_path, write_path
from .._slots.secret_keys import VARIABLE, SecretKeys, without_keys
from .model import App, below


def machine() -> str:
    """The identity of this machine: see machine-id(5)."""
    return Path("/etc/machine-id").read_text(encoding="ascii").strip()


class SecretKey:
    """The key of an app on this host, and the one in a restored snapshot, each with its previous key.

    :param root: the folder where the snapshot was restored.
    """

    def __init__(self, app: App, root: Path) -> None:
        self._slots: str = app.model["paths"]["slots"]
        self._path: str = app.model["paths"]["secret_key"]
        self._before = {self._path: read_path(self._path)}
        self._saved = read_path(str(below(root, self._path))).content

    @property
    def differs(self) -> bool:
        """Whether the snapshot has a key that differs from the host's."""
        return self._saved not in (b"", self._before[self._path].content)

    def replace(self, slot: str) -> None:
        """Use the snapshot's key, also for a stopped slot."""
        key = self._before[self._path]
        write_path(self._path, PathState("file", content=self._saved, mode=0o600))
        path = f"{self._slots}/{slot}/env"
        state = read_path(path)
        variables = parse_environment_file(state.text)
        # The app may declare its own key in env.
        if state.kind == "file" and variables.get(VARIABLE) == SecretKeys.read(key.text).current:
            self._before[path] = state
            content = environment_file({**without_keys(variables), **SecretKeys.read(self._saved.decode()).variables}).encode()
            write_path(path, dataclasses.replace(state, content=content))

    def put_back(self) -> None:
        """Restore the previous key everywhere."""
        for path, state in self._before.items():
            write_path(path, state)
