# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchange of an app's state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import restore
from ansible_collections.flaskyard.server.plugins.module_utils._backup.accounts import account_of


def test_exchange_swaps_in_one_step_and_back(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    for expected in ("new", "old"):
        restore.exchange(tmp_path / "new", str(tmp_path / "old"))
        assert os.listdir(tmp_path / "old") == [expected]


def test_exchange_moves_when_there_is_nothing_to_replace(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    restore.exchange(tmp_path / "new", str(tmp_path / "state"))
    assert os.listdir(tmp_path) == ["state"]


def test_exchange_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(OSError, match="one disk"):
        restore.exchange(tmp_path / "missing", str(tmp_path / "state"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root may")
def test_owner_is_mapped_and_other_owners_stay(tmp_path: Path) -> None:
    tree, victim = tmp_path / "tree", tmp_path / "victim"
    (tree / "sub").mkdir(parents=True)
    victim.touch()
    (tree / "sub" / "link").symlink_to(victim)
    for name, owner in (("mine", 4242), ("roots", 0), ("others", 4343)):
        (tree / "sub" / name).touch()
        os.chown(tree / "sub" / name, owner, owner)
    for path in (tree, tree / "sub"):
        os.chown(path, 4242, 4242)
    restore.give(tree, "nobody")
    nobody = account_of("nobody")
    found = {name: (tree / "sub" / name).lstat().st_uid for name in ("mine", "roots", "others", "link")}
    assert found == {"mine": nobody.pw_uid, "roots": 0, "others": 4343, "link": 0}
    assert tree.stat().st_uid == (tree / "sub").stat().st_uid == nobody.pw_uid
    assert victim.stat().st_uid == 0


def test_sparse_copy_keeps_content_and_times(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    content = b"begin" + bytes(4 * 2**20) + b"end"
    path.write_bytes(content)
    os.utime(path, ns=(1, 2))
    before = path.stat()
    restore.dig_holes(tmp_path)
    after = path.stat()
    assert after.st_blocks * 512 < 2**20 < before.st_blocks * 512
    assert (path.read_bytes(), after.st_mtime_ns) == (content, 2)
