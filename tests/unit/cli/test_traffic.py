# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the last minute, from the logs of both proxies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._cli import traffic

NOW = 1764201600.0  # 2025-11-27T00:00:00Z
APPS: dict[str, dict[str, Any]] = {
    "shop": {"canonical": "shop.test", "domains": ["shop.test", "*.shop.test"], "mount": ""},
    "blog": {"canonical": "shop.test", "domains": ["shop.test"], "mount": "/blog"},
    "old": {"canonical": "old.test", "mount": ""},
    "hidden": {"canonical": None, "domains": [], "mount": ""},
}


def line(time: str, host: str, path: str) -> str:
    return json.dumps({"time": time, "host": host, "request": f"GET {path} HTTP/1.1"})


def test_each_request_is_of_one_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nginx = [
        line("2025-11-26T23:58:59+00:00", "shop.test", "/"),
        line("2025-11-26T23:59:01+00:00", "shop.test", "/blogging"),
        line("2025-11-26T23:59:02+00:00", "shop.test", "/blog?page=2"),
        line("2025-11-26T23:59:03+00:00", "ada.shop.test", "/"),
        line("2025-11-26T23:59:04+00:00", "stranger.test", "/"),
        "no JSON",
        line("2025-11-27T00:59:59+01:00", "old.test", "/"),
    ]
    (tmp_path / "nginx").write_text("\n".join(nginx))
    (tmp_path / "apache").write_text(line("2025-11-26T23:59:59+0000", "shop.test", "/blog/1") + "\n")
    monkeypatch.setattr(traffic, "LOGS", (str(tmp_path / "nginx"), str(tmp_path / "apache"), str(tmp_path / "none")))
    assert traffic.last_minute(APPS, NOW) == {"shop": 2, "blog": 2, "old": 1}


def test_without_a_proxy_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "LOGS", (str(tmp_path / "none"),))
    assert traffic.last_minute(APPS, NOW) == {}
