# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations in the how-to pages pass a whole run: every check, every template, every module argument."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP

from tests.pages import HOWTOS, ROOT, declared

from .controller import Controller

SHOP = {"name": "shop", "source": {"git": "https://git.example.com/shop.git", "version": "main"}, "wsgi": "shop:create_app()", "domains": ["shop.example.com"]}
KEY = "-----BEGIN PRIVATE KEY-----\naGlkZGVu\n-----END PRIVATE KEY-----\n"
#: What the pages take from a vault.
VAULT: dict[str, Any] = {
    **{f"vault_{name}": "canary-4711" for name in ("superset_config", "cloudflare_token", "backup_password", "shop_database_url", "shop_mail_password")},
    **{f"vault_{name}": KEY for name in ("shop_deploy_key", "backup_ssh_key", "shop_tls_key")},
}
PAGES = [page for page in [*HOWTOS, ROOT / "docs/servers.md"] if list(declared(page))]


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """One that has what the pages read on the controller."""
    folder = tmp_path_factory.mktemp("pages") / "mine"
    (folder.parent / "shop").mkdir()
    (folder.parent / "shop" / "shop.py").touch()
    controller = Controller(folder)
    (folder.parent / "files").mkdir()
    (folder.parent / "files/client.p12.b64").write_text("aGlkZGVu")
    (folder.parent / "files/shop.pem").write_text("-----BEGIN CERTIFICATE-----\naGlkZGVu\n-----END CERTIFICATE-----\n")
    return controller


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_declarations_of_a_page_are_valid(page: Path, controller: Controller) -> None:
    apps: list[dict[str, Any]] = []
    variables: dict[str, Any] = {}
    for number, (dummy, content) in enumerate(declared(page)):
        for name, value in content.items():
            if name not in APP and name != "flask_apps":
                assert variables.setdefault(name, value) == value, f"{page.name} gives {name} two values"
        # Blocks share a host, so each has its own names.
        part = {name: value for name, value in content.items() if name in APP}
        shown = json.dumps(content.get("flask_apps", [part] if part else [])).replace("example.com", f"b{number}.example.com")
        apps += [{**SHOP, "domains": [f"shop.b{number}.example.com"], **app, "name": f"{app.get('name', 'shop')}-b{number}"} for app in json.loads(shown)]
    run = controller.play("site", "--check", flask_apps=apps, **VAULT, **variables)
    assert run.ok, run.output[-3000:]
    assert {app["name"] for call in run.calls if call["module"] == "release" for app in call["options"]["apps"]} == {app["name"] for app in apps}
