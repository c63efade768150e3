# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared parts of the backup: paths that stay in their directory, and problems by app."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import model


@pytest.mark.parametrize("relative", ["/etc/passwd", "../x", "a/../../x", "link/x", "file/../../x"])
def test_no_path_leads_out_of_its_directory(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(model.BackupError, match="not a path below"):
        model.inside(root, relative)


def test_plain_path_stays(tmp_path: Path) -> None:
    assert model.inside(tmp_path, "a/b c") == tmp_path / "a/b c"


def test_problems_are_kept_by_app() -> None:
    problems = model.Problems()
    assert not problems
    with problems.collecting("databases", "shop"):
        raise model.BackupError("locked")
    with problems.collecting("path"):
        raise OSError("gone")
    assert problems.of("shop") and not problems.of("blog")
    assert str(problems) == "  - databases: locked\n  - path: gone"
