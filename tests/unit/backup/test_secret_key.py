# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restored SECRET_KEYs, the current and the previous one, replace those of the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import secret_key
from ansible_collections.flaskyard.server.plugins.module_utils._backup.model import App
from ansible_collections.flaskyard.server.plugins.module_utils._host.environment_file import environment_file, parse_environment_file


@pytest.mark.parametrize(
    ("host", "running", "snapshot", "restored"),
    [
        ("a", {"SECRET_KEY": "a"}, "b", {"SECRET_KEY": "b"}),
        ("a", {"SECRET_KEY": "a"}, "b\0c", {"SECRET_KEY": "b", "SECRET_KEY_FALLBACKS": '["c"]'}),
        ("a\0z", {"SECRET_KEY": "a", "SECRET_KEY_FALLBACKS": '["z"]'}, "b", {"SECRET_KEY": "b"}),
        ("a", {"SECRET_KEY": "of the app"}, "b\0c", {"SECRET_KEY": "of the app"}),
    ],
)
def test_both_keys_are_restored_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, running: dict[str, str], snapshot: str, restored: dict[str, str]
) -> None:
    key, slots, saved = tmp_path / "secret_key", tmp_path / "slots", tmp_path / "saved"
    env = slots / "s1" / "env"
    env.parent.mkdir(parents=True)
    key.write_text(host)
    saved.write_text(snapshot)
    env.write_text(environment_file({"A": "b", **running}))
    monkeypatch.setattr(secret_key, "below", lambda root, path: saved)
    kept = secret_key.SecretKey(App("shop", "flask-shop", "/var/lib/flask-shop", {"paths": {"slots": str(slots), "secret_key": str(key)}}), tmp_path)
    assert kept.differs
    kept.replace("s1")
    assert (key.read_text(), parse_environment_file(env.read_text())) == (snapshot, {"A": "b", **restored})
    kept.put_back()
    assert (key.read_text(), parse_environment_file(env.read_text())) == (host, {"A": "b", **running})
