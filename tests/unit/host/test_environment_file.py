# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in environment files arrive exactly: read back by this code and by a shell. tests/drills/test_parsers.py asks systemd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.flaskyard.server.plugins.module_utils._host.environment_file import environment_file, parse_environment_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = st.from_regex(r"FY_[A-Z0-9_]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
DUMP = "import json, os, sys; sys.stdout.write(json.dumps({k: v for k, v in os.environ.items() if k.startswith('FY_')}))"


@given(st.dictionaries(NAMES, VALUES))
def test_reading_is_the_inverse_of_writing(variables: dict[str, str]) -> None:
    assert parse_environment_file(environment_file(variables)) == variables


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=20))
def test_shell_reads_the_same(tmp_path: Path, variables: dict[str, str]) -> None:
    path = tmp_path / "env"
    path.write_text(environment_file(variables), encoding="utf-8", newline="")
    script = f'set -a; . "{path}"; exec "{sys.executable}" -c "$0"'
    shown = subprocess.run(["sh", "-c", script, DUMP], env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, capture_output=True, check=True).stdout
    assert json.loads(shown) == variables
