# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``directory``: an app that is a part of its source, as if that folder were the source."""

from __future__ import annotations

import re
import typing as t

#: Keys of an app that hold a path below its source, or a list of them.
_PATHS = ("requirements", "maintenance_page", "error_page", "persist", "persist_files")


def root_of(name: str) -> str:
    """The folder of an app's releases, and of the link C(current) to the one that serves."""
    return f"/srv/flask/{name}"


def directory_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """Values that lead into the release that is current while the next one starts."""
    current = f"{root_of(app['name'])}/current"
    for name, value in app.get("env", {}).items():
        if re.search(rf"{re.escape(current)}(?![\w.-])", str(value)):
            yield (
                f"env.{name} names {current}, which is still the old release when a slot starts; name paths relative to the release, where the app runs, "
                "and set directory where the code is in a folder of it"
            )


def in_directory(app: dict[str, t.Any]) -> dict[str, t.Any]:
    """An app with every path relative to its source; C(directory) has no slash at its end."""
    if not app.get("directory"):
        return app
    directory = app["directory"].strip("/")

    def below(path: str) -> str:
        return f"{directory}/{path}"

    moved = {key: below(value) if isinstance(value, str) else [*map(below, value)] for key in _PATHS if (value := app.get(key))}
    static = {"static": [{**folder, "path": below(folder["path"])} for folder in app["static"]]} if app.get("static") else {}
    return {**app, **moved, **static, "directory": directory}
