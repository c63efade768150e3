# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of an app's keys, from their declarations, by purpose."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP, GROUPS, SERVICE, WEB
from ansible_collections.flaskyard.server.plugins.module_utils._apps.schema import Key
from ansible_collections.flaskyard.server.plugins.module_utils._apps.server_keys import SETTINGS

from .page import ROOT, Block, code, prose, table

PAGE = ROOT / "docs" / "apps.md"
_HEAD = ("Key", "Type", "Default", "Meaning")
#: Keys whose role has a variable for all apps.
_OF_ROLES = ("workers", "threads")


def blocks() -> Iterator[Block]:
    """The keys of apps in docs/apps.md, and those of services in docs/howto/other_services.md."""
    yield Block(PAGE, "APP KEYS", "\n\n".join(_group(name, heading) for name, heading in GROUPS.items()))
    own = {name: key for name, key in SERVICE.items() if name == "domains" or name not in WEB}
    shared = ", ".join(code(name) for name in WEB if name not in own)
    yield Block(ROOT / "docs" / "howto" / "other_services.md", "SERVICE KEYS", f"{table(_HEAD, _rows(own))}\n\nThese mean what they mean for an app: {shared}.")


def _group(name: str, heading: str) -> str:
    keys = {path: key for path, key in APP.items() if key.group == name}
    return f"### {heading}\n\n{table((*_HEAD, 'Goes into'), _rows_with_reach(keys))}"


def _rows_with_reach(keys: dict[str, Key]) -> Iterator[tuple[str, ...]]:
    for name, key in keys.items():
        for number, row in enumerate(_rows({name: key})):
            yield *row, ", ".join(key.reaches) if not number else ""


def _rows(keys: dict[str, Key], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, key in keys.items():
        path = f"{prefix}{name}"
        yield f"`{path}`", _kind(key), "*required*" if key.required else _default(path, key), meaning(key)
        yield from _rows(key.keys, f"{path}.")
        yield from _rows(key.items.keys if key.items else {}, f"{path}[].")


def _kind(key: Key) -> str:
    if key.items:
        return f"list of {key.items.kind}"
    return key.kind if key.kind in ("str", "int", "bool", "list") else "dict"


def meaning(key: Key) -> str:
    """What a key is for and what it takes, and whether it is secret."""
    inner = key.items if key.items and not key.items.keys else None
    taken = f"One of {', '.join(map(code, key.choices))}." if key.choices else ""
    if key.kind == "int":
        taken = f"From {key.low} to {key.high}."
    elif key.expected or inner:
        taken = f"{'Each' if inner else 'Takes'} {(inner or key).allowed()}."
    return " ".join(filter(None, [prose(key.meaning), taken, "Kept secret." if key.secret else ""]))


def _default(path: str, key: Key) -> str:
    server, dummy, setting = path.partition(".")
    if path in _OF_ROLES:
        return f"`<server>_{path}`"
    if server in SETTINGS and setting and key.variable:
        return f"`{server}_{setting}`"
    return "" if key.keys or key.default is None else code(key.default)
