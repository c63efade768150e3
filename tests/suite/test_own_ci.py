# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example repository `docs/examples/ci` tests its playbook with molecule against the installed collection."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .conftest import HOSTS, ROOT, Run

PREFIX = "flaskyard-test-own-ci"
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("installed")]


@pytest.fixture
def collections(run: Run, tmp_path: Path) -> Path:
    """The collection, built and installed into an empty path."""
    run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT])
    [archive] = tmp_path.glob("flaskyard-server-*.tar.gz")
    place = tmp_path / "collections"
    run(["ansible-galaxy", "collection", "install", "--offline", "--collections-path", place, archive], ANSIBLE_COLLECTIONS_PATH=str(place))
    return place


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(ROOT / "docs/examples/ci", tmp_path / "shop"))


@pytest.fixture
def bare(run: Run) -> Iterator[str]:
    """A bare host, and the name of its container."""
    run([*HOSTS, "up", "--prefix", PREFIX, "bare"])
    yield f"{PREFIX}-bare"
    run([*HOSTS, "down", "--prefix", PREFIX])


def molecule(run: Run, repository: Path, collections: Path, *steps: str, **settings: str) -> None:
    """Run `molecule test`, and check that it went through these steps."""
    said = run(["molecule", "test"], cwd=repository, ANSIBLE_COLLECTIONS_PATH=str(collections), **settings)
    for step in (*steps, "converge", "idempotence", "verify"):
        assert f"{step}: Executed: Successful" in said, said[-3000:]


def test_repository_tests_its_playbook_against_the_roles(run: Run, repository: Path, collections: Path, bare: str) -> None:
    # This machine may have no registry of images, so the image of our own test hosts takes the place of Debian's.
    image = subprocess.run(["podman", "inspect", "--format", "{{.ImageName}}", bare], text=True, capture_output=True, check=True).stdout.strip()
    molecule(run, repository, collections, "create", IMAGE_DEBIAN13=image, CONTAINERS_CONF=str(ROOT / ".cache/hosts/containers.conf"))
    left = subprocess.run(["podman", "ps", "--all", "--quiet", "--filter=name=^molecule-shop-"], text=True, capture_output=True, check=True)
    assert left.stdout == ""


def test_repository_tests_its_playbook_on_an_existing_host(run: Run, repository: Path, collections: Path, bare: str) -> None:
    for name in ("create.yml", "destroy.yml"):
        (repository / "molecule/default" / name).unlink()
    file = repository / "molecule/default/molecule.yml"
    scenario = yaml.safe_load(file.read_text())
    del scenario["ansible"]["playbooks"]["create"], scenario["ansible"]["playbooks"]["destroy"]
    scenario["ansible"]["executor"] = {"args": {"ansible_playbook": [f"--inventory={ROOT}/.cache/hosts/{PREFIX}/inventory.json"]}}
    file.write_text(yaml.safe_dump(scenario))
    molecule(run, repository, collections)
    units = ["podman", "exec", bare, "systemctl", "list-units", "--plain", "--no-legend", "--state=running", "flask-hello@*.service"]
    assert "flask-hello@" in subprocess.run(units, text=True, capture_output=True, check=True).stdout, "molecule has left the host"
