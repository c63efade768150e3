# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives an app's releases: the folders and files in its state, to which each release has links."""

from __future__ import annotations

import posixpath
import typing as t

#: Flask's folder for an app's data, beside the app's code.
_INSTANCE = "instance"
#: The folder in the virtualenv where an installed package has it: var/NAME-instance.
_OF_PACKAGES = "var"


def state_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems that the patterns of single keys cannot find."""
    folders, files = _named(app, "persist"), _named(app, "persist_files")
    for name in sorted({*folders, _INSTANCE} & {*files}):
        yield f"persist_files: {name!r} is a persisted folder; remove it from persist_files"
    for name in sorted({*folders, *files}):
        if above := next((file for file in files if name != file and is_below(name, file)), None):
            yield f"{name!r} is below {above!r}, which persist_files says is a file; take one of them out"
    for static in app.get("static", []):
        shown = static["path"].strip("/")
        for name in [file for file in files if is_below(file, shown)]:
            yield f"persist_files: {name!r} is in the static folder {shown!r}, where no proxy follows links; list its folder in persist instead"


def complete_state(app: dict[str, t.Any]) -> dict[str, list[str]]:
    """The paths of an app's state, relative to the release and to the state: C(persist) and C(persist_files), where releases have links; C(seeded), which the
    source may fill; and C(state_folders), which must exist before the app runs.
    """
    if "in_place" in app["source"]:
        return {"persist": [], "persist_files": [], "seeded": [], "state_folders": []}
    folders, files = _named(app, "persist"), _named(app, "persist_files")
    instance = posixpath.join(app.get("directory", ""), _INSTANCE)
    links = _topmost({instance, *folders})
    return {
        "persist": links,
        "persist_files": sorted(file for file in files if not any(is_below(file, folder) for folder in links)),
        "seeded": sorted({*folders, *files}),
        "state_folders": sorted({instance, _OF_PACKAGES, *folders, *(folder for file in files if (folder := posixpath.dirname(file)))}),
    }


def _named(app: dict[str, t.Any], key: str) -> list[str]:
    return [path.strip("/") for path in app.get(key, [])]


def _topmost(paths: t.Collection[str]) -> list[str]:
    return sorted(path for path in paths if not any(is_below(path, other) for other in paths if other != path))


def is_below(path: str, top: str) -> bool:
    """Whether a path is another one, or below it."""
    return path == top or path.startswith(f"{top}/")
