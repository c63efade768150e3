# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventory can be copied without changes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.page import ROOT

EXAMPLE = ROOT / "inventories" / "example"
HOST_NAME = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|test)\b")


def evaluate(expression: str) -> str:
    """The value of an expression for the hosts of the group ``flask``, as ansible prints it. No host is contacted."""
    argv = ["ansible", "flask", "-i", str(EXAMPLE), "-m", "ansible.builtin.debug", "-a", f"msg={{{{ {expression} }}}}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout


def test_inventory_is_parsed() -> None:
    done = subprocess.run(["ansible-inventory", "-i", EXAMPLE, "--graph"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "@flask" in done.stdout and "web1.example.com" in done.stdout


def test_apps_are_accepted() -> None:
    said = evaluate("(flask_apps | flaskyard.server.apps)[0] | ansible.builtin.dict2items")
    assert "/srv/flask/hello" in said and "Hello from the vault!" in said


def test_example_deploys_something_that_exists() -> None:
    source = Path(re.search(r'"?path"?: (\S+/hello)', evaluate("flask_apps[0].source"))[1])  # type: ignore[index]
    assert (source / "hello" / "__init__.py").is_file() and (source / "requirements.txt").is_file()


def test_playbooks_are_playbooks() -> None:
    playbooks = [ROOT / "site.yml", *sorted(ROOT.glob("playbooks/*.yml"))]
    done = subprocess.run(["ansible-playbook", "-i", EXAMPLE, "--syntax-check", *playbooks], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("pattern", "options"), [("flask", []), ("nowhere", ["--extra-vars=target=nowhere"])])
def test_play_without_hosts_is_an_error_with_a_next_step(pattern: str, options: list[str], tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("[web]\nweb1.example.com\n")
    argv: list[str | Path] = ["ansible-playbook", "-i", inventory, *options, ROOT / "playbooks" / "deploy.yml"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and f"no host of the inventory matches '{pattern}' (its groups: web)" in done.stderr
    assert "its group 'flask'" in done.stderr and "-e target=PATTERN" in done.stderr


def test_example_names_are_reserved_ones() -> None:
    text = "\n".join(path.read_text() for path in EXAMPLE.rglob("*.yml"))
    assert [name for name in HOST_NAME.findall(text) if not name.endswith("example.com")] == []
