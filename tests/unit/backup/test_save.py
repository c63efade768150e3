# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of restic, as the backup reports them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import save


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"Op": "lstat", "Path": "/x", "Err": 2}, True),
        ({"message": "lstat /x: no such file or directory"}, True),
        ({"Op": "open", "Path": "/x", "Err": 13}, False),
        ({"message": "open /x: permission denied"}, False),
    ],
)
def test_vanished_file_is_no_problem(error: dict[str, t.Any], expected: bool) -> None:
    assert save.vanished(error) is expected
