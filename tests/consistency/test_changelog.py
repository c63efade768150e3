# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changelog fragments are in the sections that antsibull-changelog knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import ROOT
from tests.docs.roles import load

CONFIG = load(ROOT / "changelogs" / "config.yaml")
SECTIONS = {name for name, _title in CONFIG["sections"]} | {CONFIG["trivial_section_name"]}


@pytest.mark.parametrize("path", sorted(ROOT.glob("changelogs/fragments/*")), ids=lambda path: path.name)
def test_fragment_is_valid(path: Path) -> None:
    assert path.suffix == ".yml"
    for section, entries in load(path).items():
        if section == CONFIG["prelude_section_name"]:
            assert isinstance(entries, str)
        else:
            assert section in SECTIONS
            assert isinstance(entries, list) and all(isinstance(entry, str) and entry.endswith(".") for entry in entries)
