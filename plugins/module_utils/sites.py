# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites as proxies serve them: the apps under one canonical domain, each at its path, and what holds where below it."""

from __future__ import annotations

import hashlib
import typing as t

App = dict[str, t.Any]


def sites(apps: list[App]) -> list[dict[str, t.Any]]:
    """The sites of completed apps.

    :returns: mappings with C(name), C(canonical), C(domains), C(owner) (the app at the root, or the first; it has the certificate)
        and C(apps), each with its C(locations) and the places of its C(static) files.
    """
    by_domain: dict[str, list[App]] = {}
    for app in apps:
        if app["canonical"]:
            by_domain.setdefault(app["canonical"], []).append(app)
    return [_site(members) for members in by_domain.values()]


def _site(members: list[App]) -> dict[str, t.Any]:
    owner = next((app for app in members if not app["mount"]), members[0])
    domains = list(dict.fromkeys(domain for app in (owner, *members) for domain in app["domains"]))
    return {
        "name": owner["name"],
        "canonical": owner["canonical"],
        "domains": domains,
        "owner": {**owner, "domains": domains},
        "apps": [{**app, "locations": locations(app), "static": _static(app)} for app in members],
    }


def locations(app: App) -> list[dict[str, t.Any]]:
    """Every path of an app below which something holds, the app's own first: whether it streams, is limited, who may come in.

    What lies below a static folder is not the app's. The folder's own path without a slash at its end is: C(bare).
    """
    return [{**_rules(app, path), "bare": folder is not None} for path, folder in _ruled(app) if folder is None or folder["url"] == path]


def _static(app: App) -> list[dict[str, t.Any]]:
    """The static folders, and what lies below one and has rules of its own, which may be a file: not C(declared).

    Each has the C(base) from which on the proxy follows no link, since builds or the app can make them, and its C(path) below that.
    """
    folders = [(folder["url"], folder) for folder in app["static"]]
    inner = [(path, folder) for path, folder in _ruled(app) if folder and folder["url"] != path]
    return [
        {
            **_rules(app, path),
            "base": app["paths"][folder["base"]],
            "path": folder["path"] + path.removeprefix(folder["url"]),
            "declared": path == folder["url"],
        }
        for path, folder in folders + inner
    ]


def _ruled(app: App) -> list[tuple[str, dict[str, t.Any] | None]]:
    """The root and every path that a rule names, each with the static folder that it is or lies below, if any."""
    limited = app["rate_limit"]["paths"] if app["rate_limit"] else []
    paths = {"/", *app["streaming"], *(_bare(path) for path in limited), *(_bare(item["path"]) for item in app["access"])}
    folders = sorted(app["static"], key=lambda folder: len(folder["url"]), reverse=True)
    return [(path, next((folder for folder in folders if _below(path, folder["url"])), None)) for path in sorted(paths)]


def _rules(app: App, path: str) -> dict[str, t.Any]:
    """What holds at a path; of several access rules, that of the longest path."""
    limit = app["rate_limit"]
    rules = [item for item in app["access"] if _below(path, item["path"])]
    access = max(rules, key=lambda item: len(_bare(item["path"])), default=None)
    return {
        "url": f"{app['mount']}{'' if path == '/' else path}",
        "streaming": any(_below(path, item) for item in app["streaming"]),
        "limited": bool(limit) and (not limit["paths"] or any(_below(path, item) for item in limit["paths"])),
        "allow": access["allow"] if access else [],
        "users": f"{app['name']}-{app['access'].index(access)}" if access and access["users"] else None,
    }


def user_files(apps: list[App]) -> list[dict[str, str]]:
    """The password files of all apps: C(name), C(text) in the format of htpasswd(1), and C(digest), which nobody knows who does not know the text."""
    return [
        {"name": f"{app['name']}-{number}", "text": text, "digest": hashlib.sha256(text.encode()).hexdigest()}
        for app in apps
        for number, item in enumerate(app["access"])
        if (text := "".join(f"{user}:{digest}\n" for user, digest in sorted(item["users"].items())))
    ]


def _bare(path: str) -> str:
    return path.rstrip("/") or "/"


def _below(path: str, prefix: str) -> bool:
    prefix = _bare(prefix)
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")
