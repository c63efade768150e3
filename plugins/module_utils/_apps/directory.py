# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``directory``: an app in a folder of its source. All paths are rewritten as if that folder were the source."""

from __future__ import annotations

import re
import typing as t

#: Keys whose values are paths below the source, or lists of them.
_PATHS = ("requirements", "maintenance_page", "error_page", "persist", "persist_files")


def root_of(name: str) -> str:
    """The folder with an app's releases, and with the link C(current) to the one that serves."""
    return f"/srv/flask/{name}"


def directory_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """Values that point into the current release, which is still the old one while the next slot starts."""
    current = f"{root_of(app['name'])}/current"
    for name, value in app.get("env", {}).items():
        if re.search(rf"{re.escape(current)}(?![\w.-])", str(value)):
            yield (
                f"env.{name} names {current}, which is still the old release when a slot starts; use paths relative to the release, "
                "which is the app's working directory, and set directory if the code is in a folder of it"
            )


def in_directory(app: dict[str, t.Any]) -> dict[str, t.Any]:
    """An app with every path relative to its source; C(directory) has no trailing slash."""
    if not app.get("directory"):
        return app
    directory = app["directory"].strip("/")

    def below(path: str) -> str:
        return f"{directory}/{path}"

    moved = {key: below(value) if isinstance(value, str) else [*map(below, value)] for key in _PATHS if (value := app.get(key))}
    static = {"static": [{**folder, "path": below(folder["path"])} for folder in app["static"]]} if app.get("static") else {}
    return {**app, **moved, **static, "directory": directory}
