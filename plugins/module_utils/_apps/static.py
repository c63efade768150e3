# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy serves without the app: folders, single files, and single-page apps with a fallback page for their routes."""

from __future__ import annotations

import typing as t

from .state import is_below
from .web import repeated


def static_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems that the patterns of single keys cannot find."""
    static = app.get("static", [])
    for url in repeated([folder["url"].rstrip("/") for folder in static]):
        yield f"static: the URL {url or '/'!r} is listed twice; each URL maps to exactly one folder"
    mounted = app.get("path", "/") != "/"
    for folder in static:
        url, paths = folder["url"].rstrip("/"), folder.get("app_paths", [])
        if is_file(url) and "fallback" in folder:
            yield f"static: url {folder['url']!r} is that of a single file, which has no fallback; remove fallback, or the dot from the URL"
        if is_file(url) and any(is_below(folder["path"].strip("/"), name.strip("/")) for name in app.get("persist", [])):
            yield (
                f"static: url {folder['url']!r} is that of a single file, and {folder['path']!r} is persisted; the proxy can serve only whole folders "
                "of the state, so list its folder"
            )
        if paths and (url or mounted):
            yield f"static: app_paths of url {folder['url']!r} has no effect; it goes with url '/' of an app whose path is '/'"
        asked = app.get("healthcheck", {}).get("path")
        if paths and asked and not any(is_below(asked.partition("?")[0], path.rstrip("/")) for path in paths):
            yield f"healthcheck: path {asked!r} belongs to url {folder['url']!r} of static, not to the app; use one below a path of app_paths"
        if not url and "fallback" not in folder:
            yield "static: url '/' needs fallback, the page to serve where no file matches, such as index.html; or give the folder its own URL"
        if not (url or mounted or paths):
            yield "static: url '/' leaves nothing to the app; list the app's paths in app_paths, such as [/api], or give the app a path, such as /api"


def first_path(static: list[dict[str, t.Any]]) -> str:
    """A path that the proxy passes to the app: the default for health checks."""
    return next((path for folder in static for path in folder["app_paths"]), "/")


def is_file(url: str) -> bool:
    """Whether a URL is that of a single file."""
    return "." in url.rpartition("/")[2] or url.startswith("/.well-known/")


def served(static: list[dict[str, t.Any]], persist: list[str]) -> list[dict[str, t.Any]]:
    """The static folders, each with its C(base): C(state) if it is persisted, otherwise C(current). Persisted folders inside a static folder are added, each
    with the URL that it would have in the release.
    """
    declared = [
        {**given, "url": given["url"].rstrip("/"), "path": given["path"].strip("/"), "app_paths": [*map(_bare, given["app_paths"])]} for given in static
    ]
    inner = [
        {**folder, "fallback": None, "app_paths": [], "url": f"{folder['url']}{name.removeprefix(folder['path'])}", "path": name}
        for folder in declared
        for name in persist
        if is_below(name, folder["path"]) and name != folder["path"]
    ]
    urls = {folder["url"] for folder in declared}
    return [
        {**folder, "base": "state" if any(is_below(folder["path"], name) for name in persist) else "current"}
        for folder in [*declared, *(folder for folder in inner if folder["url"] not in urls)]
    ]


def served_of_release(static: list[dict[str, t.Any]], pages: dict[str, str | None]) -> dict[str, dict[str, str]]:
    """What the proxy serves from a release: by path, the C(kind) that must be there, and the C(key) that names it.

    :param static: the folders as C(served) returns them.
    :param pages: paths of single pages, by key.
    """
    wanted = {}
    for folder in static:
        if folder["base"] == "current":
            key = f"static, URL {folder['url'] or '/'!r}"
            wanted[folder["path"]] = {"kind": "file" if is_file(folder["url"]) else "folder", "key": key}
            if folder["fallback"]:
                wanted[f"{folder['path']}/{folder['fallback']}"] = {"kind": "file", "key": f"{key}, fallback"}
    return wanted | {path: {"kind": "file", "key": key} for key, path in pages.items() if path}


def _bare(path: str) -> str:
    return path.rstrip("/")
