# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an app's folder to its page: the inventory that `init` writes is checked on a bare host, then run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import HOSTS, ROOT, Run

PREFIX, DOMAIN = "flaskyard-test-init", "hello.test"
pytestmark = pytest.mark.xdist_group("installed")


def test_the_inventory_passes_a_check_and_puts_the_app_online(run: Run, tmp_path: Path) -> None:
    run([*HOSTS, "up", "--prefix", PREFIX, f"server={DOMAIN}"])
    run([*HOSTS, "ca", "--prefix", PREFIX])
    address = run([*HOSTS, "address", "--prefix", PREFIX, "server"]).strip()
    answers = {
        "app_folder": str(ROOT / "inventories/hello"),
        "domain": DOMAIN,
        "address": address,
        "user": "root",
        "email": "",
        "inventory": str(tmp_path / "mine"),
    }
    said = run(["ansible-playbook", "-i", "localhost,", "playbooks/init.yml", "-e", json.dumps(answers)])
    assert "hello:create_app()" in said and "hello/static" in said
    # How this machine reaches its test hosts; the authority; its package index.
    surroundings = tmp_path / "surroundings.json"
    surroundings.write_text(json.dumps(json.loads((ROOT / ".cache/hosts" / PREFIX / "inventory.json").read_text())["all"]["vars"]))
    site = ["ansible-playbook", "-i", tmp_path / "mine", "-e", f"@{surroundings}", "site.yml"]
    assert "failed=0" in run([*site, "--check", "--diff"])
    assert "failed=0" in run(site)
    root = ROOT / ".cache/hosts" / PREFIX / "acme-root.pem"
    page = run(["curl", "--fail", "--silent", "--show-error", "--cacert", root, "--resolve", f"{DOMAIN}:443:{address}", f"https://{DOMAIN}/"])
    assert f"at https://{DOMAIN}/" in page and "/static/hello.css" in page
    assert "changed=0 " in run(site)
    run([*HOSTS, "down", "--prefix", PREFIX])
