# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests the proxy answered lately, by its access log."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

#: The access logs of the proxies, one JSON object a line.
LOGS = ("/var/log/nginx/access.log", "/var/log/apache2/access.log")
SECONDS = 60
#: What is read of a log from its end: about 60,000 lines, a thousand requests a second.
_MOST_BYTES = 24 * 2**20


def last_minute(apps: dict[str, dict[str, t.Any]], now: float) -> dict[str, int]:
    """Requests of the last minute to the names and paths of apps; empty where no proxy writes a log here.

    :param apps: by name, as their slots have noted them.
    :param now: seconds of the epoch.
    """
    logs = [log for log in LOGS if os.path.exists(log)]
    places = sorted(((app["mount"], name, app.get("domains") or [app["canonical"]]) for name, app in apps.items() if app.get("canonical")), reverse=True)
    found = {name: 0 for dummy, name, dummy in places} if logs else {}
    for log in logs:
        for host, path in _recent(log, now - SECONDS):
            # Of apps that share a domain, that of the longest path.
            owner = next((name for mount, name, domains in places if _is_in(path, mount) and any(_names(domain, host) for domain in domains)), None)
            if owner:
                found[owner] += 1
    return found


def _recent(log: str, since: float) -> t.Iterator[tuple[str, str]]:
    """Host and path of the requests since a moment, the newest first."""
    try:
        with open(log, "rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - _MOST_BYTES))
            lines = handle.read().splitlines()
    except OSError:
        return
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            at = datetime.datetime.fromisoformat(entry["time"]).timestamp()
            host, path = entry["host"], entry["request"].split(" ")[1]
        except (ValueError, KeyError, IndexError, TypeError):
            continue
        if at < since:
            return
        yield host, path


def _names(domain: str, host: str) -> bool:
    return host == domain or (domain.startswith("*.") and host.partition(".")[2] == domain[2:])


def _is_in(path: str, mount: str) -> bool:
    return not mount or path.partition("?")[0] == mount or path.startswith(f"{mount}/")
