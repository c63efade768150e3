# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sources always give the same content, so that no lookup is needed."""

from __future__ import annotations

import re
import typing as t

#: Part of every id and every wish. Raise it when the same input would give another build.
FORMAT = 1


def is_commit(version: str) -> bool:
    """Whether a version is a whole commit, not a branch or tag that may move to another commit."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", version) is not None


def is_fixed(source: dict[str, t.Any]) -> bool:
    """Whether a source always gives the same content: by its digest, its commit, or its version in a package index.

    :param source: as the app model completes it; a source on the controller also has its C(revision).
    """
    kind = source["kind"]
    return "revision" in source or kind == "pypi" or (kind == "archive" and bool(source["checksum"])) or (kind == "git" and is_commit(source["version"]))
