# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``source`` of an app: which of the four kinds it is, and what each needs."""

from __future__ import annotations

import typing as t

#: Kind, which is also the key that names it, to the other keys it needs and may have.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "git": (("version",), ("deploy_key", "known_hosts")),
    "path": ((), ()),
    "archive": (("checksum",), ()),
    "pypi": (("version",), ()),
}


def source_problems(source: dict[str, t.Any]) -> t.Iterator[str]:
    """What is wrong with a source whose single keys are right."""
    kinds = [kind for kind in KINDS if kind in source]
    if len(kinds) != 1:
        yield f"source names {' and '.join(kinds) or 'no kind'}; expected exactly one of {', '.join(KINDS)}"
        return
    required, optional = KINDS[kinds[0]]
    for key in required:
        if key not in source:
            yield f"source.{key} is missing; with {kinds[0]} it is needed, so that the same inventory gives the same release"
    for key in set(source) - {kinds[0], *required, *optional}:
        yield f"source.{key} has no meaning with {kinds[0]}; remove it"


def complete_source(source: dict[str, t.Any]) -> dict[str, t.Any]:
    """The source with its kind and every key present."""
    kind = next(kind for kind in KINDS if kind in source)
    return {
        "kind": kind,
        "location": source[kind] if kind != "pypi" else None,
        "package": source[kind] if kind == "pypi" else None,
        "version": source.get("version"),
        "checksum": source.get("checksum"),
        "deploy_key": source.get("deploy_key"),
        "known_hosts": source.get("known_hosts"),
    }
