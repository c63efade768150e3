# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release depends on, as far as it can be told without asking anybody."""

from __future__ import annotations

import re
import typing as t

#: Part of every id and every wish: raise it when the same input would be built into something else.
FORMAT = 1


def is_commit(version: str) -> bool:
    """Whether a version is a whole commit, and no branch or tag that may come to mean another one."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", version) is not None


def is_fixed(source: dict[str, t.Any]) -> bool:
    """Whether the same words always mean the same content: one known by its digest, its commit, or its version in a package index.

    :param source: as the app model completes it; one on the controller has its C(revision) too.
    """
    kind = source["kind"]
    return "revision" in source or kind == "pypi" or (kind == "archive" and bool(source["checksum"])) or (kind == "git" and is_commit(source["version"]))
