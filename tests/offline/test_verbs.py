# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks for one operation: one call each, with the name of the user."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .controller import Controller


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"app": "shop"}, {"app": "shop"}),
        ({"app": "shop", "release": "1a2b3c4d5e6f"}, {"app": "shop", "release": "1a2b3c4d5e6f"}),
    ],
)
def test_rollback_is_one_call_without_a_survey(tmp_path: Path, given: dict[str, Any], sent: dict[str, Any]) -> None:
    run = Controller(tmp_path).play("rollback", "--check", **given)
    assert run.ok, run.output
    [call] = run.calls
    assert (call["module"], call["check"]) == ("rollback", True)
    assert re.fullmatch(r"[\w.-]+@[\w.-]+", call["options"].pop("by")) and call["options"] == sent


def test_log_names_who_removed_an_app(tmp_path: Path) -> None:
    run = Controller(tmp_path).play("remove", flask_apps=[], app="old")
    [removal] = [call["options"] for call in run.calls if call["module"] == "app_absent"]
    assert removal["name"] == "old" and "@" in removal["by"], run.output


@pytest.mark.parametrize("redeploy", [True, False])
def test_withdrawn_releases_serve_again_only_on_request(tmp_path: Path, redeploy: bool) -> None:
    app = {"name": "shop", "source": {"git": "https://git.example.com/shop.git", "version": "main"}, "wsgi": "shop:app"}
    asked: dict[str, Any] = {"redeploy": "true"} if redeploy else {}
    run = Controller(tmp_path).play("deploy", flask_apps=[app], **asked)
    [call] = [call["options"] for call in run.calls if call["module"] == "release"]
    assert call["redeploy"] is redeploy, run.output


def test_deploy_of_one_app_skips_the_others(tmp_path: Path) -> None:
    apps = [
        {"name": name, "source": {"git": f"https://git.example.com/{name}.git", "version": "main"}, "wsgi": f"{name}:app", "server": server}
        for name, server in (("shop", "gunicorn"), ("blog", "gunicorn"), ("wiki", "waitress"))
    ]
    run = Controller(tmp_path).play("deploy", flask_apps=apps, app="blog")
    asked = {call["module"]: call["options"] for call in run.calls if call["module"] in ("release", "slot")}
    assert [app["name"] for app in asked["release"]["apps"]] == ["blog"] and asked["release"]["declared"] == ["shop", "blog", "wiki"], run.output
    assert [app["name"] for app in asked["slot"]["apps"]] == ["blog"] and asked["slot"]["declared"] == ["shop", "blog", "wiki"]
    assert "flaskyard.server.waitress" not in run.output

    unknown = Controller(tmp_path / "unknown").play("deploy", flask_apps=apps, app="blgo")
    assert not unknown.ok and "app=blgo: web1 declares no such app; flask_apps has blog, shop, wiki. Correct the name" in " ".join(unknown.output.split())
    assert unknown.calls == []


@pytest.mark.parametrize("given", ["command=flask create-admin ada", "command='flask create-admin ada'"])
def test_command_cut_by_ansible_is_refused(tmp_path: Path, given: str) -> None:
    app = {"name": "shop", "source": {"git": "https://git.example.com/shop.git", "version": "main"}, "wsgi": "shop:app"}
    run = Controller(tmp_path).play("run", "-e", given, app="shop", flask_apps=[app])
    if "'" in given:
        assert [call["options"]["command"] for call in run.calls] == ["flask create-admin ada"], run.output
    else:
        assert not run.ok and run.calls == []
        assert """Put quotes inside the quotes: -e "command='flask create-admin ada'\"""" in " ".join(run.output.split())


@pytest.mark.parametrize("playbook", ["run", "rotate", "restore", "remove"])
def test_playbook_for_one_app_asks_for_its_name(tmp_path: Path, playbook: str) -> None:
    run = Controller(tmp_path).play(playbook, command="true")
    assert not run.ok and "name an app: -e app=NAME" in run.output


def test_site_refuses_a_single_app(tmp_path: Path) -> None:
    run = Controller(tmp_path).play("site", flask_apps=[], app="shop")
    assert not run.ok and run.calls == []
    assert "For one app, run flaskyard.server.deploy with -e app=shop" in " ".join(run.output.split())
