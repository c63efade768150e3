# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in real YAML files, as Ansible reads them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.flaskyard.server.plugins.plugin_utils.written import misread

WRONG = {"0123": "83", "off": "false", "NO": "false", "Yes": "true", "10:30": "630", "1_000": "1000", "0x1F": "31", "0b11": "3", "+5": "5"}
RIGHT = ["1", "0", "-3", "true", "False", "'0123'", '"off"', "!unsafe '{{ text }}'", "text", "2026", "|\n        0123", "''"]


def read(folder: Path, env: str) -> t.Any:
    file = folder / f"{len([*folder.iterdir()])}.yml"
    file.write_text(f"flask_apps:\n  - name: shop\n    env:\n      {env}\n")
    return DataLoader().load_from_file(str(file))["flask_apps"]


@pytest.mark.parametrize("written", WRONG)
def test_values_that_yaml_converts_are_refused(tmp_path: Path, written: str) -> None:
    said = f"app 'shop': env.X is written {written}, which YAML reads as {WRONG[written]}; put it in quotes"
    assert [*misread(read(tmp_path, f"X: {written}"))] == [said]
    assert [*misread(read(tmp_path, f"<<: {{A: text, X: {written}}}"))] == [said]


@pytest.mark.parametrize("written", RIGHT)
def test_values_that_yaml_keeps_are_accepted(tmp_path: Path, written: str) -> None:
    assert [*misread(read(tmp_path, f"X: {written}"))] == []


@pytest.mark.parametrize("apps", [None, 5, "x", [5], [{"env": 5}], [{"env": {"X": 83}}], [{"name": "shop"}]])
def test_values_without_a_file_are_left_to_the_model(apps: t.Any) -> None:
    assert [*misread(apps)] == []
