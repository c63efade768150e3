# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`docs/examples/deploy_key`: the forced command of an SSH key that may only deploy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "docs/examples/deploy_key/deploy-on-request"


def ask(folder: Path, words: str | None) -> subprocess.CompletedProcess[str]:
    """What somebody with the key gets."""
    settings = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections")}
    given = {} if words is None else {"SSH_ORIGINAL_COMMAND": words}
    return subprocess.run([COMMAND, folder], env={**settings, **given}, stdin=subprocess.DEVNULL, text=True, capture_output=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An inventory whose one host is not of the group that the playbooks want, so that they end before they reach it."""
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories/production").write_text("[web]\nweb1.example.com\n")
    return tmp_path


@pytest.mark.parametrize("words", ["deploy", "status"])
def test_allowed_commands_run_their_playbook(words: str, folder: Path) -> None:
    done = ask(folder, words)
    assert done.returncode != 0 and "no host of the inventory matches 'flask'" in done.stdout + done.stderr


@pytest.mark.parametrize("words", [None, "", "deploy; id", "deploy -e x=y", "$(id)", "deploy\nid", "sh", "scp -t /", "Deploy", "*"])
def test_everything_else_is_refused(words: str | None, folder: Path) -> None:
    done = ask(folder, words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "this key may ask for deploy or status\n")


def test_second_deploy_at_once_is_refused(folder: Path) -> None:
    with open(folder / ".deploying", "w") as lock:
        os.set_inheritable(lock.fileno(), True)
        subprocess.run(["flock", "--nonblock", str(lock.fileno())], pass_fds=[lock.fileno()], check=True)
        done = ask(folder, "deploy")
    assert done.returncode == 1 and "no host" not in done.stdout + done.stderr
