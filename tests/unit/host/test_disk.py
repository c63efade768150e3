# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message about a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Writes a file on a small file system that nobody else sees.
SCRIPT = """
import subprocess, sys
from ansible_collections.flaskyard.server.plugins.module_utils._host.path_state import PathState, write_path
folder, options = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
try:
    write_path(f"{folder}/file", PathState("file", content=bytes(100_000), mode=0o600))
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
@pytest.mark.parametrize(("options", "way_out"), [("size=16k", "free some space (df -h {})"), ("nr_inodes=1", "(df -i {})")])
def test_full_disk_is_named_with_the_way_out(tmp_path: Path, options: str, way_out: str) -> None:
    argv = ["unshare", "--mount", sys.executable, "-c", SCRIPT, str(tmp_path), options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout
    assert f"{tmp_path}/file cannot be written: No space left on device" in said
    assert way_out.format(tmp_path) in said
