# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python projects as sources: their metadata, files that builds write, and the environment of build_command."""

from __future__ import annotations

import hashlib
import subprocess
import typing as t
import zipfile
from pathlib import Path

import pytest

from .conftest import Host

#: By kind of project: its files, and Python that prints its version.
PROJECTS = {
    "metadata": (
        {
            "pyproject.toml": '[build-system]\nrequires = ["setuptools", "setuptools-scm>=8"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "shop"\ndynamic = ["version"]\ndependencies = ["itsdangerous==2.2.0"]\n[tool.setuptools_scm]\n',
            "shop/__init__.py": "import importlib.metadata, itsdangerous\nVERSION = importlib.metadata.version('shop')\n",
        },
        "import shop; print(shop.VERSION)",
    ),
    "generated": (
        {
            "pyproject.toml": '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"\n'
            '[project]\nname = "shop"\ndynamic = ["version"]\ndependencies = ["itsdangerous==2.2.0"]\n'
            '[tool.hatch.version]\nsource = "vcs"\n[tool.hatch.build.hooks.vcs]\nversion-file = "shop/_version.py"\n',
            "shop/__init__.py": "import itsdangerous\nfrom ._version import __version__ as VERSION\n",
            ".gitignore": "_version.py\n",
        },
        "import shop; print(shop.VERSION)",
    ),
}


def repository(folder: Path, files: dict[str, str], tag: str) -> Path:
    """A repository with one commit and a tag."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"], ["tag", tag]):
        subprocess.run([*git, *command], check=True)
    return folder


def ask(host: Host, release: dict[str, t.Any], program: str) -> str:
    return host.sh('cd "$1"; .venv/bin/python -B -c "$2"', release["dir"], program).strip()


@pytest.mark.long
@pytest.mark.parametrize("kind", PROJECTS)
def test_project_knows_its_version(fresh: Host, tmp_path: Path, kind: str) -> None:
    files, program = PROJECTS[kind]
    folder = repository(tmp_path / "shop", files, "v1.4.0")
    app: dict[str, t.Any] = {"name": "shop", "source": {"path": str(folder)}, "install_project": True, "installer": "pip" if kind == "metadata" else "uv"}
    assert ask(fresh, fresh.release(app).release, program) == "1.4.0"
    fresh.sh("rm -rf /srv/projects/project.git; mkdir -p /srv/projects")
    bundle = tmp_path / "bundle"
    subprocess.run(["git", "-C", str(folder), "bundle", "create", "-q", str(bundle), "--all"], check=True)
    fresh.put("/srv/projects/project.bundle", bundle.read_bytes())
    fresh.sh("git clone -q --bare /srv/projects/project.bundle /srv/projects/project.git; chown -R flask-shop-b: /srv/projects/project.git")
    app["source"] = {"git": "/srv/projects/project.git", "version": "main"}
    assert ask(fresh, fresh.release(app).release, program) == "1.4.0"


def test_folder_without_a_project_cannot_be_installed(fresh: Host, source: Path) -> None:
    failure = fresh.release({"name": "shop", "source": {"path": str(source)}, "install_project": True}).failure
    assert "install_project is true, and the source has no project there: none of pyproject.toml, setup.py, setup.cfg" in failure


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_build_finds_python_and_installers(fresh: Host, source: Path, installer: str) -> None:
    command = "for tool in python pip uv; do $tool --version; command -v $tool; done > tools"
    app = {"name": "shop", "source": {"path": str(source)}, "installer": installer, "build_command": command}
    release = fresh.release(app).release
    assert fresh.sh('grep -c ^/ "$1/tools"', release["dir"]).strip() == "3"
    refused = fresh.release({**app, "build_command": "pip install --no-deps flask==3.1.2"}).failure
    assert "releases with the same dependencies share the virtualenv, so build_command cannot change it" in refused


def test_downloads_of_a_build_are_in_the_release(fresh: Host, source: Path) -> None:
    command = 'mkdir -p words && WORDS=words python -c \'import os; open(os.environ["WORDS"] + "/model", "w").write("big")\''
    release = fresh.release({"name": "shop", "source": {"path": str(source)}, "build_command": command}).release
    assert fresh.sh('runuser -u flask-shop -- cat "$1/words/model"', release["dir"]).strip() == "big"


#: An index with one wheel, as pages of links.
INDEX = """
mkdir -p /srv/index/simple/privcase; cd /srv/index; cp /srv/privcase.whl privcase-1.0-py3-none-any.whl
echo '<a href="/privcase-1.0-py3-none-any.whl">privcase-1.0-py3-none-any.whl</a>' > simple/privcase/index.html
systemctl is-active --quiet index || systemd-run --quiet --unit=index python3 -m http.server --bind 127.0.0.1 --directory /srv/index 8419
for i in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:8419/ && break; sleep 0.1; done
"""
LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "privcase"
version = "1.0"
source = {{ registry = "http://127.0.0.1:8419/simple" }}
wheels = [{{ url = "http://127.0.0.1:8419/privcase-1.0-py3-none-any.whl", hash = "sha256:{digest}" }}]

[[package]]
name = "shop"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "privcase" }}]

[package.metadata]
requires-dist = [{{ name = "privcase", index = "http://127.0.0.1:8419/simple" }}]
"""
PROJECT = """[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["privcase"]

[[tool.uv.index]]
name = "company"
url = "http://127.0.0.1:8419/simple"
explicit = true

[tool.uv.sources]
privcase = {{ index = "company" }}
"""


@pytest.mark.long
def test_lock_uses_the_index_it_names(fresh: Host, source: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "privcase-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("privcase.py", "NAME = 'of the company'\n")
        archive.writestr("privcase-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: privcase\nVersion: 1.0\n")
        archive.writestr("privcase-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("privcase-1.0.dist-info/RECORD", "")
    fresh.put("/srv/privcase.whl", wheel.read_bytes())
    fresh.sh(INDEX)
    (source / "requirements.txt").unlink()
    (source / "pyproject.toml").write_text(PROJECT.format())
    (source / "uv.lock").write_text(LOCK.format(digest=hashlib.sha256(wheel.read_bytes()).hexdigest()))
    release = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    assert ask(fresh, release, "import privcase; print(privcase.NAME)") == "of the company"
    (source / "uv.lock").write_text(LOCK.format(digest="0" * 64))
    assert "hash" in fresh.release({"name": "shop", "source": {"path": str(source)}}).failure.lower()
    fresh.sh("systemctl stop index")
