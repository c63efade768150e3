# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of an app's keys, from the app model: its schema, and a minimal app as it completes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.flaskyard.server.plugins.module_utils.app_keys import APP, SERVICE, WEB
from ansible_collections.flaskyard.server.plugins.module_utils.app_model import complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils.app_schema import Key
from ansible_collections.flaskyard.server.plugins.module_utils.providers import SERVERS

from .page import ROOT, Block, code, table
from .roles import ROLES, entry_points

#: Everything else is the model's default; what has none by itself is given, for the defaults in it.
MINIMAL = {"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", "rate_limit": {"requests_per_second": 5}}


def blocks() -> Iterator[Block]:
    """The blocks of docs/apps.md."""
    completed = complete_apps([MINIMAL])[0]
    yield Block(ROOT / "docs" / "apps.md", "APP KEYS", table(("Key", "Type", "Default", "Expected"), _rows(APP, completed)))
    own = {name: key for name, key in SERVICE.items() if name == "domains" or name not in WEB}
    shared = ", ".join(code(name) for name in WEB if name not in own)
    yield Block(
        ROOT / "docs" / "apps.md",
        "SERVICE KEYS",
        f"{table(('Key', 'Type', 'Default', 'Expected'), _rows(own, {'protocol': 'http'}))}\n\nThese mean what they mean for an app: {shared}.",
    )


def _rows(keys: dict[str, Key], completed: Any, prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, key in keys.items():
        path = f"{prefix}{name}"
        value = completed.get(name) if isinstance(completed, dict) else None
        yield f"`{path}`", _kind(key), "*required*" if key.required else _default(path, key, value), _expected(key)
        if key.keys:
            yield from _rows(key.keys, value, f"{path}.")
        elif key.items and key.items.keys:
            yield from _rows(key.items.keys, None, f"{path}[].")


def _kind(key: Key) -> str:
    if key.kind == "list":
        return f"list of {key.items.kind}" if key.items else "list"
    return key.kind if key.kind in ("str", "int", "bool") else "dict"


def _expected(key: Key) -> str:
    text = key.items.expected if key.items and not key.items.keys else ""
    return "; ".join(filter(None, [key.expected, f"each {text}" if text else "", ", ".join(map(code, key.choices))])) + (" (secret)" if key.secret else "")


def _default(path: str, key: Key, value: Any) -> str:
    if key.keys:
        return ""
    if value is not None:
        return code(value)
    variable = _role_variable(path)
    return f"`{variable}`" if variable else ""


def _role_variable(path: str) -> str | None:
    """The variable of a server's role that stands in where an app does not say: ``gunicorn.preload`` is ``gunicorn_preload``, ``workers`` of all of them."""
    variables = {option for role in ROLES if role.name in SERVERS for option in entry_points(role)["main"]["options"]}
    if any(f"{server}_{path}" in variables for server in SERVERS):
        return f"<server>_{path}"
    own = path.replace(".", "_")
    return own if own in variables else None
