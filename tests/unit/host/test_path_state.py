# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records on a host, read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host.path_state import read_json


@pytest.mark.parametrize(("text", "found"), [('{"a": 1}', {"a": 1}), ('["a"]', ["a"]), ('{"a": ', None), ("", None), (None, None)])
def test_damaged_file_counts_as_missing(tmp_path: Path, text: str | None, found: object) -> None:
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    assert read_json(str(tmp_path / "record.json")) == found
