# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's applications, deployed from `docs/recipes` without changes, and used over HTTPS before and after a redeploy."""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.drills.harness import ROOT, Host, Run

from .browser import Browser
from .uses import PASSWORD, USES

RECIPES = ROOT / "docs/recipes"
#: The others run on Debian 13.
ON_DEBIAN_12 = {"superset"}


def recipe(name: str) -> dict[str, Any]:
    """The variables of a recipe, with paths that do not depend on where a run begins, and without an authority that signs."""
    variables: dict[str, Any] = yaml.safe_load((RECIPES / f"{name}.yml").read_text())
    for app in variables["flask_apps"]:
        if "path" in app["source"]:
            app["source"]["path"] = str(RECIPES / app["source"]["path"])
        app["tls"] = {"issuer": "selfsigned"}
    return variables


class Farm:
    """A host with the applications of some recipes."""

    def __init__(self, host: Host, names: list[str]) -> None:
        self.host, self._names = host, names
        text = "".join((RECIPES / f"{name}.yml").read_text() for name in names)
        self.secrets = {name: secrets.token_hex(16) for name in re.findall(r"\bvault_\w+", text)}
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
        self.secrets |= {name: hashed for name in self.secrets if name.endswith("_hash")}
        self._redeployed: set[str] = set()

    def deploy(self, playbook: str = "site", changed: str = "") -> Run:
        """All in one run.

        :param changed: name of a recipe whose applications get another environment.
        """
        self._redeployed.add(changed)
        apps: list[dict[str, Any]] = []
        for name in self._names:
            env = {"REDEPLOYED": "yes"} if name in self._redeployed else {}
            apps += [{**app, "env": {**app.get("env", {}), **env}} for app in recipe(name)["flask_apps"]]
        return self.host.play(playbook, flask_apps=apps, **self.secrets)


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Farm]]:
    """The farm on a distribution, which the first test that asks sets up."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def farm(distribution: str) -> Farm:
            host = stack.enter_context(Host.up(f"recipes-{distribution}", tmp_path_factory.mktemp(distribution), distribution))
            made = Farm(host, [name for name in USES if distribution_of(name) == distribution])
            run = made.deploy()
            # A failure of one application is reported by its own test.
            (tmp_path_factory.getbasetemp() / f"{distribution}.txt").write_text(run.output)
            return made

        yield farm


def distribution_of(name: str) -> str:
    return "bookworm" if name in ON_DEBIAN_12 else "trixie"


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xdist_group(f"recipes-{distribution_of(name)}")) for name in USES])
def test_application_is_used_before_and_after_a_redeploy(farms: Callable[[str], Farm], name: str) -> None:
    farm = farms(distribution_of(name))
    [app] = recipe(name)["flask_apps"]
    slot = farm.host.sh(f"readlink /run/flask-{app['name']}/current.sock")
    with Browser(farm.host.address, app["domains"][0]) as web:
        read = USES[name](web, farm.host, farm.secrets)
        read()
        run = farm.deploy("deploy", changed=name)
        assert run.rc == 0, run.output[-6000:]
        assert farm.host.sh(f"readlink /run/flask-{app['name']}/current.sock") != slot, "another slot serves"
        read()
    assert farm.deploy("deploy").changed == 0


def test_each_recipe_is_used() -> None:
    assert sorted(USES) == sorted(path.stem for path in RECIPES.glob("*.yml"))
