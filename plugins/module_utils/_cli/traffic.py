# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of requests that the proxy answered lately, from its access log."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

#: The access logs of the proxies, with one JSON object in each line.
LOGS = ("/var/log/nginx/access.log", "/var/log/apache2/access.log")
SECONDS = 60
#: How much of a log's end is read: about 60,000 lines, or a thousand requests in each second of a minute.
_MOST_BYTES = 24 * 2**20


def last_minute(apps: dict[str, dict[str, t.Any]], now: float) -> dict[str, int]:
    """The number of requests in the last minute to each app's names and paths; empty if no proxy writes a log here.

    :param apps: by name, as recorded in their slots.
    :param now: seconds since the epoch.
    """
    logs = [log for log in LOGS if os.path.exists(log)]
    places = sorted(((app["mount"], name, app.get("domains") or [app["canonical"]]) for name, app in apps.items() if app.get("canonical")), reverse=True)
    found = {name: 0 for dummy, name, dummy in places} if logs else {}
    for log in logs:
        for host, path in _recent(log, now - SECONDS):
            # If apps share a domain, the one with the longest matching path counts.
            owner = next((name for mount, name, domains in places if _is_in(path, mount) and any(_names(domain, host) for domain in domains)), None)
            if owner:
                found[owner] += 1
    return found


def _recent(log: str, since: float) -> t.Iterator[tuple[str, str]]:
    """The host and path of the requests since a moment, the newest first."""
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
