# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`docs/tutorial.md`, step by step on a bare host."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CONTROLLERS, HOSTS, ROOT, Run

PREFIX, DOMAIN = "flaskyard-test-tutorial", "hello.test"
TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
pytestmark = pytest.mark.xdist_group("installed")


@pytest.fixture
def address(run: Run) -> Iterator[str]:
    run([*HOSTS, "up", "--prefix", PREFIX, f"server={DOMAIN}"])
    run([*HOSTS, "ca", "--prefix", PREFIX])
    yield run([*HOSTS, "address", "--prefix", PREFIX, "server"]).strip()
    run([*HOSTS, "down", "--prefix", PREFIX])


def test_tutorial_works_as_written(address: str, run: Run, tmp_path: Path) -> None:
    app, mine = tmp_path / "hello", tmp_path / "mine"
    shutil.copytree(ROOT / "inventories/hello", app)
    # How this machine reaches its test hosts; the authority; its package index.
    surroundings = tmp_path / "surroundings.json"
    surroundings.write_text(json.dumps(json.loads((ROOT / ".cache/hosts" / PREFIX / "inventory.json").read_text())["all"]["vars"]))

    def command(text: str, *options: str | Path) -> list[str | Path]:
        assert f"\n{text}\n" in TUTORIAL, text
        return [*text.split(), *options] if "init" in text else [*text.split(), "-i", mine, "-e", f"@{surroundings}", *options]

    def page() -> str:
        root = ROOT / ".cache/hosts" / PREFIX / "acme-root.pem"
        return run(["curl", "--fail", "--silent", "--show-error", "--cacert", root, "--resolve", f"{DOMAIN}:443:{address}", f"https://{DOMAIN}/"])

    answers = {"app_folder": str(app), "inventory": str(mine), "domain": DOMAIN, "address": address, "user": "root", "email": ""}
    said = run(command("ansible-playbook -i localhost, flaskyard.server.init", "-e", json.dumps(answers)))
    assert re.search(r"application  hello:create_app\(\)\n +packages     requirements.txt\n +static files hello/static\n", said)
    shown = run(command("ansible-playbook flaskyard.server.site --check --diff"))
    assert "failed=0" in shown and shown.count("\n") < 3000, "the collection's own programs are not shown"
    assert "failed=0" in run(command("ansible-playbook flaskyard.server.site"))
    assert "<h1>It works</h1>" in page() and "/static/hello.css" in page()
    assert "changed=0 " in run(command("ansible-playbook flaskyard.server.site"))

    code = app / "hello/__init__.py"
    good = code.read_text().replace("<h1>It works", "<h1>Changed")
    code.write_text(good)
    deploy = command("ansible-playbook flaskyard.server.deploy")
    run(deploy)
    assert "<h1>Changed</h1>" in page()

    code.write_text("import nowhere\n" + good)
    environment = {"PATH": f"{CONTROLLERS / 'newest' / 'bin'}:/usr/bin:/bin", "HOME": str(Path.home()), "ANSIBLE_NOCOLOR": "1"}
    broken = subprocess.run(deploy, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    [reason] = re.findall(r"```text\n(hello: .*)\n```", TUTORIAL)
    assert broken.returncode != 0 and reason in broken.stdout + broken.stderr, broken.stdout + broken.stderr
    assert "<h1>Changed</h1>" in page()

    code.write_text(good.replace("<h1>Changed", "<h1>Changed again"))
    run(deploy)
    assert "<h1>Changed again</h1>" in page()
    run(command("ansible-playbook flaskyard.server.rollback -e app=hello"))
    assert "<h1>Changed</h1>" in page()
    for verb in ("status", "releases hello", "logs hello", "history"):
        assert f"\nflaskyard {verb}\n" in TUTORIAL
        assert run([*HOSTS, "ssh", "--prefix", PREFIX, "server", "flaskyard", *verb.split()]), verb
