# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that follow no links."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import mounts
from ansible_collections.flaskyard.server.plugins.module_utils._backup.accounts import account_of

#: Forbids links in one directory and reads a file.
READ = """
import sys
from ansible_collections.flaskyard.server.plugins.module_utils._backup import mounts
mounts.forbid_links(sys.argv[1])
print(open(sys.argv[2]).read())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
@pytest.mark.parametrize("path", ["state/link/secret", "state/sub/link/secret", "state/file-link", "state/own"])
def test_links_in_a_guarded_tree_are_refused_at_every_component(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of another app")
    (tmp_path / "state" / "sub").mkdir(parents=True)
    (tmp_path / "state" / "own").write_text("own")
    for link in ("link", "sub/link"):
        (tmp_path / "state" / link).symlink_to(tmp_path / "outside")
    (tmp_path / "state" / "file-link").symlink_to(tmp_path / "outside" / "secret")
    argv = ["unshare", "--mount", sys.executable, "-c", READ, str(tmp_path / "state"), str(tmp_path / path)]
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=False)
    if path == "state/own":
        assert done.stdout == "own\n", done.stderr
    else:
        assert "Too many levels of symbolic links" in done.stderr
        assert (tmp_path / path).read_text() == "of another app", "the rest of the host sees nothing of it"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root may")
def test_guard_begins_where_others_can_write() -> None:
    with tempfile.TemporaryDirectory(dir=account_of("root").pw_dir) as folder:
        own = Path(folder) / "own"
        theirs = own / "theirs"
        (theirs / "deep").mkdir(parents=True)
        os.chown(theirs, 4242, 4242)
        (Path(folder) / "way").symlink_to("own")
        (own / "file").touch()
        (theirs / "back").symlink_to(own)
        expected = {
            "own": str(own), "own/theirs": str(theirs), "own/theirs/deep": str(theirs), "way/theirs/deep": str(theirs),
            "own/theirs/back/file": str(theirs), "way": "", "own/file": "", "missing": "",
        }  # fmt: skip
        assert {name: mounts.first_open_directory(f"{folder}/{name}") for name in expected} == expected
