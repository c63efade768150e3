# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of a host that `site.yml` has provisioned, for tests of what comes after.

Its name follows from everything that decides what is on such a host, so an image cannot be older than the code under test.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.hosts import hosts

ROOT = Path(__file__).resolve().parents[2]
NAME = "localhost/flaskyard-provisioned"
#: What decides what is on the host, beside the package index, the day's packages and Ansible.
INPUTS = ("ansible.cfg", "playbooks", "plugins", "roles", "tests/apps/probe", "tests/drills/harness.py", "tests/hosts/hosts.py")
IGNORED = {".md", ".pyc"}


def image_name() -> str:
    """The name of today's image of this code."""
    digest = hashlib.sha256(json.dumps([hosts.package_index(), importlib.metadata.version("ansible-core")], sort_keys=True).encode())
    for name in INPUTS:
        top = ROOT / name
        for path in sorted(top.rglob("*") if top.is_dir() else [top]):
            if path.is_file() and path.suffix not in IGNORED:
                digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode:o}\n".encode() + path.read_bytes())
    return f"{NAME}:{datetime.date.today():%Y%m%d}-{digest.hexdigest()[:12]}"


def provisioned_image(make: Callable[[str], None]) -> str:
    """The name of the image, which the first who asks makes.

    :param make: provisions a host and freezes it under the name given.
    """
    hosts.prepare_machine()
    name = image_name()
    with hosts.lock("image-provisioned"):
        if subprocess.run(["podman", "image", "exists", name], check=False).returncode != 0:
            forget_older(name)
            make(name)
    return name


def forget_older(name: str) -> None:
    """Remove the images of other days; one that a host still uses stays."""
    today = name.partition("-provisioned:")[2].partition("-")[0]
    listed = subprocess.run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}", NAME], check=False, text=True, capture_output=True).stdout.split()
    for old in listed:
        if f":{today}-" not in old:
            subprocess.run(["podman", "rmi", old], check=False, capture_output=True)
