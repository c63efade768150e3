# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a host is computed once per play, and is right wherever roles are used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .controller import ROOT, Controller, Run

SECRET = "canary-in-the-environment"


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(tmp_path_factory.mktemp("offline"))


def app(name: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "source": {"in_place": "/opt/shop"}, "wsgi": "shop:app", "domains": [f"{name}.test"], "tls": {"issuer": "selfsigned"}, **keys}


def role(name: str, **keys: Any) -> dict[str, Any]:
    return {"roles": [{"role": f"flaskyard.server.{name}"}], **keys}


def sites(run: Run) -> list[str]:
    return sorted(Path(path).stem for path in run.files() if "/flask.d/" in path)


def test_inventory_is_read_and_checked_once(controller: Controller, tmp_path: Path) -> None:
    """Reading it may decrypt, or ask a password store. Roles read it once more each: Ansible itself checks their arguments."""
    count = tmp_path / "count"
    env = {"TOKEN": f"{{{{ lookup('ansible.builtin.pipe', 'echo x >> {count}; echo {SECRET}') }}}}"}
    run = controller.play("site", "-vvv", hosts={"web1": {"flask_apps": [app("shop", env=env)]}})
    assert run.ok, run.output
    checks = run.output.count("Validating arguments against arg spec")
    assert f'TOKEN="{SECRET}"' in str(run.calls)
    assert SECRET not in run.output
    assert len(count.read_text().splitlines()) <= min(10, checks)


def test_roles_work_alone(controller: Controller) -> None:
    names = ["gunicorn", "nginx", "apache", "tls", "backup", "app"]
    run = controller.play([{**role(name), "hosts": name} for name in names], hosts={name: {"flask_apps": [app(f"of-{name}")]} for name in names})
    assert run.ok, run.output
    assert [name for name in names if f"of-{name}" not in str(run.calls)] == []


def test_message_of_the_check_comes_first(controller: Controller) -> None:
    """Whichever role is used: before Ansible checks its arguments, with a message that says less, or shows what is secret."""
    names = [path.name for path in (ROOT / "roles").iterdir()]
    wrong = app("shop", domain="shop.test", workers="4", tls="x", env=[SECRET])
    inputs = {"flask_apps": [wrong], "flask_proxy": "caddy", "flask_trusted_networks": "x", "flask_proxy_protocol": "maybe"}
    tasks = [{"ansible.builtin.include_role": {"name": "flaskyard.server.{{ inventory_hostname }}"}}]
    run = controller.play([{"tasks": tasks}], hosts={name: {} for name in names}, **inputs)
    assert not run.ok and not run.calls
    for part in (
        *("unknown key domain; did you mean 'domains'?", "workers is '4'; expected a whole number from 1 to 512", "tls is given, but not usable"),
        *("flask_proxy is 'caddy'; expected one of nginx, apache", "flask_trusted_networks is 'x'", "flask_proxy_protocol is 'maybe'"),
    ):
        assert len(re.findall(re.escape(part), run.output)) >= len(names), part
    assert "Validation of arguments failed" not in run.output and SECRET not in run.output


def test_hosts_have_their_own_apps(controller: Controller) -> None:
    run = controller.play("deploy", hosts={host: {"flask_apps": [app(host)]} for host in ("one", "two")})
    assert run.ok, run.output
    assert sorted([app["name"] for app in call["options"]["apps"]] for call in run.calls if call["module"] == "slot") == [["one"], ["two"]]


def test_later_play_may_have_other_apps(controller: Controller) -> None:
    plays = [role("nginx", vars={"flask_apps": [app(name)]}) for name in ("first", "second")]
    run = controller.play(plays)
    assert run.ok, run.output
    assert sites(run) == ["first", "second"]


def test_apps_may_change_within_a_play(controller: Controller) -> None:
    include = {"ansible.builtin.include_role": {"name": "flaskyard.server.nginx"}}
    loop = {**include, "vars": {"flask_apps": ["{{ item }}"]}, "loop": [app(name) for name in ("first", "second")]}
    other = {**include, "vars": {"flask_apps": [app("third")]}}
    run = controller.play([{"tasks": [loop, other]}])
    assert run.ok, run.output
    assert sites(run) == ["first", "second", "third"]


def test_apps_that_change_within_a_play_are_checked(controller: Controller) -> None:
    """Those of the same names, too."""
    include = {"ansible.builtin.include_role": {"name": "flaskyard.server.nginx"}}
    run = controller.play([{"tasks": [{**include, "vars": {"flask_apps": [app("shop", **keys)]}} for keys in ({}, {"path": 1})]}])
    assert not run.ok and "path is 1 (int); expected a path such as /shop" in run.output and sites(run) == ["shop"]


def test_variables_of_a_role_hold_where_they_are_set(controller: Controller) -> None:
    tasks = [
        {"ansible.builtin.include_role": {"name": "flaskyard.server.app"}},
        {"ansible.builtin.include_role": {"name": "flaskyard.server.gunicorn"}, "vars": {"gunicorn_workers": 3, "gunicorn_max_requests": "77"}},
    ]
    run = controller.play([{"tasks": tasks}], flask_apps=[app("shop")])
    assert run.ok, run.output
    rendered = run.files()["shop/gunicorn.conf.py"]
    assert "workers = 3\n" in rendered and "max_requests = 77\n" in rendered


def test_unusable_variable_of_a_role_is_told_by_name(controller: Controller) -> None:
    run = controller.play([role("gunicorn")], flask_apps=[app("shop")], gunicorn_workers="many")
    assert not run.ok and "gunicorn_workers is 'many'; expected auto, or a number from 1 to 512" in run.output


@pytest.mark.parametrize("option", ["--check", "--tags=nginx_configure"])
def test_run_with_tags_has_the_model(controller: Controller, option: str) -> None:
    run = controller.play("site", option, flask_apps=[app("shop")])
    assert run.ok, run.output
    assert "shop" in sites(run)


def test_removing_takes_the_app_out_of_the_proxy(controller: Controller) -> None:
    run = controller.play("remove", flask_apps=[app("shop")], app="old")
    assert run.ok, run.output
    assert sites(run) == ["shop"] and [call["options"]["name"] for call in run.calls if call["module"] == "app_absent"] == ["old"]
    refused = controller.play("remove", flask_apps=[app("shop")], app="shop")
    assert not refused.ok and "shop is still in flask_apps" in refused.output


def test_without_apps_nothing_is_needed(controller: Controller) -> None:
    run = controller.play("site")
    assert run.ok, run.output
    assert sites(run) == []
