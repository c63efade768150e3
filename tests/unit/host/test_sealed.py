# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed options: Ansible sees nothing of them, and the module gets them complete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.flaskyard.server.plugins.module_utils._host.sealed import SealedModule, seal

SPECIFICATION: dict[str, Any] = {
    "name": {"type": "str"},
    "apps": {"type": "list", "elements": "dict", "required": True, "options": {"key": {"type": "str"}, "days": {"type": "int", "default": 3}}},
    "index": {"type": "str"},
    "sealed": {"type": "str", "no_log": True},
}
ARGUMENTS: dict[str, Any] = {"name": "shop", "apps": [{"key": "-----\nhunter2\n-----"}], "index": "hunter3"}


def test_only_the_carrier_holds_sealed_arguments() -> None:
    sealed = seal(ARGUMENTS, "apps", "index", "absent")
    assert "hunter" in sealed.pop("sealed")
    assert sealed == {"name": "shop", "apps": []}


def test_module_gets_arguments_checked_and_completed() -> None:
    with patch_module_args(seal(ARGUMENTS, "apps", "index")):
        module = SealedModule(SPECIFICATION)
    assert module.options["apps"] == [{"key": "-----\nhunter2\n-----", "days": 3}]
    assert module.options["index"] == "hunter3"
    assert "hunter" not in json.dumps({name: value for name, value in module.params.items() if name != "sealed"})


def test_journal_gets_no_sealed_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, message, log_args=None: logged.append(f"{message} {log_args}"))
    with patch_module_args(seal(ARGUMENTS, "apps", "index")):
        SealedModule(SPECIFICATION)
    assert logged and "hunter" not in "".join(logged)


def test_sealed_arguments_are_checked_like_others(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args(seal({**ARGUMENTS, "apps": [{"days": "many"}]}, "apps")), pytest.raises(SystemExit):
        SealedModule(SPECIFICATION)
    assert "days" in json.loads(capsys.readouterr().out)["msg"]
