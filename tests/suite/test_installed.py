# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built, installed into an empty path, and run from there."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

import pytest

from .conftest import HOSTS, ROOT, Run

PREFIX = "flaskyard-test-installed"
DEVELOPMENT = {"tests", "molecule", "docs/site", "inventories/demo", "Makefile", "pyproject.toml"}


@pytest.mark.xdist_group("installed")
def test_installation_from_a_clone_works_as_documented(run: Run, tmp_path: Path) -> None:
    steps = re.findall(r"^   (git clone|cd|cp|ansible-playbook) (.+?)(?: +#.*)?$", (ROOT / "docs/install.md").read_text(), re.MULTILINE)
    [clone] = [words for command, words in steps if command == "git clone"]
    shutil.copytree(ROOT, tmp_path / clone.split()[1], ignore=shutil.ignore_patterns(".*"))
    script = [f"{command} {words}" for command, words in steps if command in ("cd", "cp")]
    script += [f"{command} {words.replace(' --ask-vault-pass', '')} --syntax-check" for command, words in steps if command == "ansible-playbook"]
    said = run(["env", "--unset=ANSIBLE_CONFIG", "sh", "-euxc", "\n".join(script)], cwd=tmp_path, HOME=str(tmp_path))
    assert said.count("playbook: ") == 3


@pytest.mark.xdist_group("installed")
def test_built_and_installed_collection_makes_a_server(run: Run, tmp_path: Path) -> None:
    run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT])
    [archive] = tmp_path.glob("flaskyard-server-*.tar.gz")
    with tarfile.open(archive) as content:
        names = content.getnames()
    assert "playbooks/site.yml" in names
    assert [name for name in names if name.startswith(".") or name in DEVELOPMENT or name.endswith(".pyc")] == []

    installed = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "installed")}
    run(["ansible-galaxy", "collection", "install", "--offline", "--collections-path", tmp_path / "installed", archive], **installed)
    said = run([ROOT / "tests" / "demo", PREFIX, "flaskyard.server.site"], **installed)
    titles = re.findall(r"<title>(.*)</title>", said)
    first, second = "A guestbook, served by Flaskyard", "A new release of: A guestbook, served by Flaskyard"
    assert titles == [first, first, second, first]
    pictures = re.findall(r'src="/pictures/([^"]+)"', said)
    assert len(pictures) == 3 and len({*pictures}) == 1 and pictures[0].endswith(".small.webp"), "the entry outlives deploy and rollback"
    run([*HOSTS, "down", "--prefix", PREFIX])
