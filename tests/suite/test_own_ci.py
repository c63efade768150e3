# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example repository `docs/examples/ci` tests its playbook with molecule against the installed collection."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import HOSTS, ROOT, Run

PREFIX = "flaskyard-test-own-ci"


@pytest.mark.long
@pytest.mark.xdist_group("installed")
def test_a_repository_tests_its_playbook_against_the_roles(run: Run, tmp_path: Path) -> None:
    run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT])
    [archive] = tmp_path.glob("flaskyard-server-*.tar.gz")
    collections = tmp_path / "collections"
    run(["ansible-galaxy", "collection", "install", "--offline", "--collections-path", collections, archive], ANSIBLE_COLLECTIONS_PATH=str(collections))
    shutil.copytree(ROOT / "docs/examples/ci", tmp_path / "shop")
    # This machine may have no registry of images, so the image of our own test hosts takes the place of Debian's.
    run([*HOSTS, "up", "--prefix", PREFIX, "image"])
    image = subprocess.run(["podman", "inspect", "--format", "{{.ImageName}}", f"{PREFIX}-image"], text=True, capture_output=True, check=True).stdout.strip()
    run([*HOSTS, "down", "--prefix", PREFIX])
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "IMAGE_DEBIAN13": image, "CONTAINERS_CONF": str(ROOT / ".cache/hosts/containers.conf")}
    said = run(["molecule", "test"], cwd=tmp_path / "shop", **settings)
    for step in ("create", "converge", "idempotence", "verify"):
        assert f"{step}: Executed: Successful" in said, said[-3000:]
    left = subprocess.run(["podman", "ps", "--all", "--quiet", "--filter=name=^molecule-shop-"], text=True, capture_output=True, check=True)
    assert left.stdout == ""
