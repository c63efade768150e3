# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of a snapshot with the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import model, verify
from ansible_collections.flaskyard.server.plugins.module_utils._backup.accounts import account_of


def test_compare_finds_another_content_under_the_same_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, root = tmp_path / "live", tmp_path / "root"
    copies = root / live.relative_to("/")
    for folder in (live, copies):
        folder.mkdir(parents=True)
        for name, text in (("same", "abc"), ("rotten", "abc"), ("changed", "abc")):
            (folder / name).write_text("aXc" if name == "rotten" and folder == copies else text)
            os.utime(folder / name, ns=(1, 1))
    (live / "changed").write_text("longer")
    (live / "new").touch()
    problems = model.Problems()
    user = account_of("root").pw_name if os.geteuid() == 0 else os.environ["USER"]
    assert verify.compare(str(live), user, root, problems) == 1
    assert "rotten" in str(problems) and len(str(problems).splitlines()) == 1
