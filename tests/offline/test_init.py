# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `init`: an inventory from an app's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = {"domain": "shop.example.com", "address": "192.0.2.10", "user": "admin", "email": "you@example.com"}


def init(folder: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook in a folder, with all answers given."""
    given = [word for name, value in {**ANSWERS, **answers}.items() for word in ("-e", json.dumps({name: value}))]
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"), "PWD": str(folder), "ANSIBLE_NOCOLOR": "1"}
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "flaskyard.server.init", *given]
    return subprocess.run(argv, cwd=folder, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, text=True, capture_output=True, check=False)


def written(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The hosts, and the variables of the group."""
    place = folder / "inventories/production"
    hosts, variables = ((yaml.safe_load((place / name).read_text())) for name in ("hosts.yml", "group_vars/flask.yml"))
    return hosts, variables


@pytest.mark.parametrize("name", ["guestbook", "notes", "plain", "probe"])
def test_written_inventory_is_valid(name: str, tmp_path: Path) -> None:
    done = init(tmp_path, app_folder=str(ROOT / "tests/apps" / name))
    assert done.returncode == 0, done.stdout + done.stderr
    hosts, variables = written(tmp_path)
    assert hosts == {"flask": {"hosts": {"shop.example.com": {"ansible_host": "192.0.2.10", "ansible_user": "admin"}}}}
    jsonschema.validate(variables, json.loads((ROOT / "docs/flaskyard.schema.json").read_text()))
    [app] = variables["flask_apps"]
    assert (app["name"], app["source"], app["domains"]) == (name, {"path": str(ROOT / "tests/apps" / name)}, ["shop.example.com"])
    assert variables["tls_email"] == "you@example.com"
    found = {"guestbook": "static files guestbook/static", "notes": "database     postgresql"}
    assert found.get(name, "") in done.stdout
    assert "ansible-playbook -i inventories/production flaskyard.server.site --check --diff" in done.stdout


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that wants a secret."""
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "app.py").write_text('import os\nfrom flask import Flask\napp = Flask(__name__)\nsecret = os.environ["MAIL_PASSWORD"]\n')
    (folder / "requirements.txt").write_text("flask\n")
    return folder


def test_secrets_go_into_a_vault_that_ansible_can_read(app: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("canary-4711\n")
    done = init(tmp_path, app_folder="My Shop", vault_password_file=str(tmp_path / "password"))
    assert done.returncode == 0, done.stdout + done.stderr
    vault = tmp_path / "inventories/production/group_vars/all/vault.yml"
    assert vault.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n") and vault.stat().st_mode & 0o777 == 0o600
    options: list[str | Path] = ["-i", vault.parents[2], "--vault-password-file", tmp_path / "password", "--host", "shop.example.com"]
    shown = subprocess.run([Path(sys.executable).with_name("ansible-inventory"), *options], cwd=tmp_path, text=True, capture_output=True, check=True)
    variables = json.loads(shown.stdout)
    assert variables["vault_my_shop_mail_password"] == "change-me"
    assert variables["flask_apps"][0]["env"] == {"MAIL_PASSWORD": "{{ vault_my_shop_mail_password }}"}
    assert variables["flask_apps"][0]["name"] == "my-shop"


def test_existing_inventory_is_not_overwritten(app: Path, tmp_path: Path) -> None:
    assert init(tmp_path, app_folder="My Shop").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "inventories").rglob("*.yml")}
    again = init(tmp_path, app_folder="My Shop", domain="other.example.com")
    assert again.returncode != 0 and "choose another folder with -e inventory=FOLDER" in " ".join(again.stdout.split()) + again.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "inventories").rglob("*.yml")} == before


@pytest.mark.parametrize("name", ["hosts.yml", "group_vars/flask.yml", "group_vars/all/vault.yml"])
def test_other_files_of_the_inventory_stay(name: str, app: Path, tmp_path: Path) -> None:
    mine = tmp_path / "inventories/production" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine: true\n")
    assert init(tmp_path, app_folder="My Shop").returncode != 0
    assert [path for path in (tmp_path / "inventories").rglob("*") if path.is_file()] == [mine] and mine.read_text() == "mine: true\n"


@pytest.mark.parametrize(
    "answers",
    [{"domain": "shop"}, {"domain": ""}, {"address": "192.0.2.10\nx: y"}, {"user": "Admin!"}, {"email": 'a@b"c'}, {"app_folder": "nowhere"}],
    ids=json.dumps,
)
def test_bad_answers_write_nothing(answers: dict[str, str], app: Path, tmp_path: Path) -> None:
    done = init(tmp_path, **{"app_folder": "My Shop", **answers})
    [(name, value)] = answers.items()
    words = "which is not a folder" if name == "app_folder" else f"{name} is '{value.splitlines()[0] if value else value}"
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0 and words in said, said
    assert "is 'shop.example.com'" not in said, "a right answer is not complained about"
    assert not (tmp_path / "inventories").exists()
