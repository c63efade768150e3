# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites as proxies serve them: the apps under one canonical domain, each at its path, and the rules for each path below it."""

from __future__ import annotations

import hashlib
import re
import typing as t

from .names import is_wildcard
from .static import is_file
from .web import LONGER_SECONDS, static_url

App = dict[str, t.Any]
#: The keys of a place that the proxy and its certificate need.
_PLACE = (
    *("name", "unit", "canonical", "domains", "port_suffix", "mount", "tls", "paths", "protocol", "reads_chunks", "upstream", "headers", "access"),
    *("rate_limit", "maintenance", "max_body_mb", "max_body_bytes", "nginx_extra", "apache_extra"),
)
#: The URL path of the proxies' own pages.
_PAGES = r"/\.flaskyard"


def sites(apps: list[App]) -> list[dict[str, t.Any]]:
    """The sites of completed apps.

    :returns: mappings with C(name), C(file), C(canonical), C(domains), C(port_suffix) (of the URLs), C(served) and C(redirected) (the domains that are served,
        and those that are redirected to the canonical one), C(owner) (the app at the root, or the first app; its certificate is used) and C(apps). Each
        app has C(locations), C(static) and C(patterns).
    """
    by_domain: dict[str, list[App]] = {}
    for app in apps:
        if app["canonical"]:
            by_domain.setdefault(app["canonical"], []).append(app)
    return [_site(members) for members in by_domain.values()]


def _site(members: list[App]) -> dict[str, t.Any]:
    owner = next((app for app in members if not app["mount"]), members[0])
    domains = list(dict.fromkeys(domain for app in (owner, *members) for domain in app["domains"]))
    apps = [{**_place(app), "locations": locations(app), "static": _static(app)} for app in members]
    return {
        "name": owner["name"],
        # Apache takes the first site that matches, so a site with a wildcard must be read last.
        "file": f"~{owner['name']}" if any(map(is_wildcard, domains)) else owner["name"],
        "canonical": owner["canonical"],
        "domains": domains,
        "port_suffix": owner["port_suffix"],
        "served": [name for name in domains if name == domains[0] or is_wildcard(name) or not owner["redirect"]],
        "redirected": [name for name in domains[1:] if owner["redirect"] and not is_wildcard(name)],
        "owner": {**_place(owner), "domains": domains},
        "apps": [{**app, "patterns": patterns(app, apps)} for app in apps],
    }


def _place(app: App) -> App:
    return {**{key: app[key] for key in _PLACE}, "page": app["maintenance_page" if app["maintenance"] else "error_page"]}


def locations(app: App) -> list[dict[str, t.Any]]:
    """Every path of an app that has rules, the app's own path first: whether it streams, whether it is limited, who may come in.

    Paths below a static folder do not belong to the app. The folder's path without a trailing slash does: C(bare).
    """
    return [
        {**_rules(app, path), "bare": folder is not None}
        for path, folder in _ruled(app)
        if folder is None or (folder["url"] == path and not is_file(path) and not folder["fallback"])
    ]


def _static(app: App) -> list[dict[str, t.Any]]:
    """The static folders, and files or folders below them with separate rules, which are not C(declared).

    Each has a C(base) and its C(path) below that. Below the base the proxy follows no link, since builds or the app can make links there. C(single) says
    that it is a file, and C(page) that it is the fallback itself. C(fallback) is the file to serve if no file matches.
    """
    folders = [(folder["url"], folder) for folder in app["static"]]
    inner = [(path, folder) for path, folder in _ruled(app) if folder and (folder["url"] or "/") != path]
    inner += [(_page(folder), folder) for folder in app["static"] if folder["fallback"] and _page(folder) not in dict(inner)]
    return [
        {
            **_rules(app, path),
            "url": f"{static_url(app, folder)}{path.removeprefix(folder['url'])}",
            "base": app["paths"][folder["base"]],
            "path": folder["path"] + path.removeprefix(folder["url"]),
            "declared": path == folder["url"],
            "single": path == folder["url"] and is_file(path),
            "page": bool(folder["fallback"]) and path == _page(folder),
            "own": folder["app_paths"],
            "fallback": folder["fallback"] and f"{static_url(app, folder)}/{folder['fallback']}",
            "fallback_file": folder["fallback"] and f"{folder['path']}/{folder['fallback']}",
        }
        for path, folder in folders + inner
    ]


def patterns(app: App, members: list[App]) -> dict[str, t.Any]:
    """Regular expressions of a site's paths, for Apache: its sections also match paths that only begin with the same letters.

    None of them matches the proxy's own pages, or the paths of other apps below this one.

    :returns: C(app), all paths of the app; C(maintenance), the same without its static folders; C(places), by URL; C(fallbacks), by URL the paths that may be
        routes of a single-page app, with the path below the URL as the first group.
    """
    root = next((folder for folder in app["static"] if not folder["url"]), None)
    top = "" if root else app["mount"]
    others = [other["mount"] for other in members if other["mount"].startswith(f"{top}/") and other["mount"] != app["mount"]]
    own = ([app["mount"]] if app["mount"] else root["own"]) if root else []
    begin = _begin(others)
    whole = f"{begin}{re.escape(top)}(?:/|$)"
    of_app = f"{begin}(?:{'|'.join(map(re.escape, own))})(?:/|$)" if root else whole
    places = {place["url"]: f"{begin}{re.escape(place['url'])}(?:/|$)" for place in [*app["locations"], *app["static"]]}
    return {
        "app": whole,
        "maintenance": f"{_not_static(app)}{of_app}",
        "places": places,
        "fallbacks": {
            folder["url"]: f"{_not_static(app, folder)}{_begin([*others, *own, '/.well-known/acme-challenge'])}{re.escape(folder['url'])}(/.*)?$"
            for folder in app["static"]
            if folder["declared"] and folder["fallback"]
        },
    }


def _not_static(app: App, top: App | None = None) -> str:
    """A lookahead that excludes the static folders of an app, or those inside one folder."""
    urls = [folder for folder in app["static"] if folder["declared"] and folder["url"].startswith(f"{top['url']}/" if top else "/")]
    patterns = [f"{re.escape(folder['url'])}{'(?:/|$)' if folder['single'] else '/'}" for folder in urls]
    return f"(?!{'|'.join(patterns)})" if patterns else ""


def _begin(others: t.Iterable[str]) -> str:
    """The beginning of a pattern for paths that are neither a proxy's own page nor below one of these."""
    return f"(?!(?:{'|'.join([*map(re.escape, others), _PAGES])})(?:/|$))^"


def _page(folder: dict[str, t.Any]) -> str:
    return f"{folder['url']}/{folder['fallback']}"


def _ruled(app: App) -> list[tuple[str, dict[str, t.Any] | None]]:
    """The root and every path that a rule names, each with the static folder that contains it, if any."""
    limited = app["rate_limit"]["paths"] if app["rate_limit"] else []
    own = {path for folder in app["static"] for path in folder["app_paths"]}
    paths = {"/", *own, *app["streaming"], *(_bare(path) for path in limited), *(_bare(item["path"]) for item in app["access"])}
    folders = sorted(app["static"], key=lambda folder: len(folder["url"]), reverse=True)
    return [(path, next((folder for folder in folders if _holds(app, folder, path)), None)) for path in sorted(paths)]


def _holds(app: App, folder: dict[str, t.Any], path: str) -> bool:
    """Whether a path of an app is in a static folder. A folder at the root has every path that is not among the app's own."""
    if folder["url"]:
        return _below(path, folder["url"])
    return not app["mount"] and not any(_below(path, own) for own in folder["app_paths"])


def _rules(app: App, path: str) -> dict[str, t.Any]:
    """The rules for a path. Of several access rules, the one with the longest path applies."""
    limit = app["rate_limit"]
    rules = [item for item in app["access"] if _below(path, item["path"])]
    streaming = any(_below(path, item) for item in app["streaming"])
    access = max(rules, key=lambda item: len(_bare(item["path"])), default=None)
    return {
        "url": f"{app['mount']}{'' if path == '/' else path}",
        "streaming": streaming,
        "timeout_seconds": app["longest_request_seconds"] if streaming else app["timeout_seconds"] + LONGER_SECONDS,
        "limited": bool(limit) and (not limit["paths"] or any(_below(path, item) for item in limit["paths"])),
        "allow": access["allow"] if access else [],
        "users": f"{app['name']}-{app['access'].index(access)}" if access and access["users"] else None,
    }


def user_files(apps: list[App]) -> list[dict[str, str]]:
    """The password files of all apps: C(name), C(text) in the format of htpasswd(1), and C(digest), which only somebody who has the text can compute."""
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
