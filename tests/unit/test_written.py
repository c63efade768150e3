# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in real YAML files, as Ansible reads them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.flaskyard.server.plugins.plugin_utils.written import misread

WRONG = {"0123": "83", "off": "false", "NO": "false", "Yes": "true", "10:30": "630", "1_000": "1000", "0x1F": "31", "0b11": "3", "+5": "5"}
RIGHT = ["1", "0", "-3", "true", "False", "'0123'", '"off"', "!unsafe '{{ text }}'", "text", "2026", "|\n        0123", "''"]
REFUSED = "app 'shop': env.PIN has its value from {}, line 2, where YAML reads another number, as 83 for 0123; put it in quotes there"
TEXT = DataLoader().get_text_file_contents


def read(folder: Path, env: str) -> t.Any:
    file = folder / f"{len([*folder.iterdir()])}.yml"
    file.write_text(f"flask_apps:\n  - name: shop\n    env:\n      {env}\n")
    return DataLoader().load_from_file(str(file))["flask_apps"]


@pytest.mark.parametrize("written", WRONG)
def test_values_that_yaml_converts_are_refused(tmp_path: Path, written: str) -> None:
    said = f"app 'shop': env.X is written {written}, which YAML reads as {WRONG[written]}; put it in quotes"
    assert [*misread(read(tmp_path, f"X: {written}"), TEXT)] == [said]
    assert [*misread(read(tmp_path, f"<<: {{A: text, X: {written}}}"), TEXT)] == [said]


@pytest.mark.parametrize("written", RIGHT)
def test_values_that_yaml_keeps_are_accepted(tmp_path: Path, written: str) -> None:
    assert [*misread(read(tmp_path, f"X: {written}"), TEXT)] == []


@pytest.mark.parametrize(("written", "accepted"), [("0123", False), ("10:30", False), ("42", True), ("'0123'", True)])
@pytest.mark.parametrize("encrypted", [False, True])
def test_number_of_the_vault_is_refused_and_not_quoted(tmp_path: Path, written: str, accepted: bool, encrypted: bool) -> None:
    loader = DataLoader()
    secret = VaultSecret(b"password")
    loader.set_vault_secrets([("default", secret)])
    vault = f"other: 1\nvault_pin: {written}\n"
    file = tmp_path / "vault.yml"
    file.write_bytes(VaultLib().encrypt(vault, secret) if encrypted else vault.encode())
    [app] = read(tmp_path, 'PIN: "{{ vault_pin }}"')
    # A template gives the object that the file has, with its position.
    app["env"] = {name: loader.load_from_file(str(file))["vault_pin"] for name in app["env"]}
    found = [*misread([app], loader.get_text_file_contents)]
    assert found == ([] if accepted else [REFUSED.format(file)])


@pytest.mark.parametrize("apps", [None, 5, "x", [5], [{"env": 5}], [{"env": {"X": 83}}], [{"name": "shop"}]])
def test_values_without_a_file_are_left_to_the_model(apps: t.Any) -> None:
    assert [*misread(apps, TEXT)] == []
