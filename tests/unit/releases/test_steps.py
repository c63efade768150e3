# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies of an app as the build reads them, and archives that try to escape."""

from __future__ import annotations

import codecs
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases import steps
from ansible_collections.flaskyard.server.plugins.module_utils._releases.sandbox import _PROGRAM, _SOURCES
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.archive import unpack
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.commands import StepError
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.manifest import Manifest, read_manifest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.project import version_of
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.requirements import read as read_requirements
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.tree import prepare
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.virtualenv import normalised
from hypothesis import given
from hypothesis import strategies as st

PYPROJECT = '[project]\nname = "app"\nversion = "{version}"\ndependencies = ["flask>=3"]\n'


def manifest(tree: Path, requirements: str | None = None, installer: str = "uv", **files: str) -> Manifest:
    for name, content in files.items():
        path = tree / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return read_manifest(tree, requirements, installer)


def test_first_file_of_dependencies_is_used(tmp_path: Path) -> None:
    assert manifest(tmp_path)["kind"] == "none"
    assert manifest(tmp_path, pyproject_toml=PYPROJECT.format(version=1))["kind"] == "pyproject"
    assert manifest(tmp_path, requirements_txt="flask\n")["file"] == "requirements.txt"
    assert manifest(tmp_path, uv_lock="version = 1\n")["kind"] == "uv.lock"
    assert manifest(tmp_path, requirements="requirements.txt")["kind"] == "requirements"


def test_only_what_is_installed_counts(tmp_path: Path) -> None:
    first = manifest(tmp_path, pyproject_toml=PYPROJECT.format(version=1))
    assert manifest(tmp_path, pyproject_toml=PYPROJECT.format(version=2))["digest"] == first["digest"]
    assert manifest(tmp_path, pyproject_toml=PYPROJECT.replace(">=3", ">=4"))["digest"] != first["digest"]


def test_included_files_count(tmp_path: Path) -> None:
    first = manifest(tmp_path, requirements_txt="-r more/base.txt\n-c https://example.com/c.txt\n", more__base_txt="-r ../requirements.txt\nflask==3.0\n")
    assert first["digest"] != manifest(tmp_path, more__base_txt="flask==3.1\n")["digest"]


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("flask==3.1", False),
        ("flask @ https://example.com/flask.whl", False),
        ("-e .", True),
        ("--editable=./part", True),
        (".[dev]", True),
        ("./part", True),
        ("../part", True),
        ("/srv/part", True),
        ("part @ file:///srv/part", True),
        ("part @ ./part", True),
        ("--find-links https://example.com/", False),
        ("flask[async]>=3,<4 ; python_version < '4'", False),
        ("flask (>=3)", False),
        ("flask==3.1 --hash=sha256:00", False),
        ("-i https://example.com/simple", False),
        ("--no-binary :all:", False),
        ("part @ git+ssh://git@example.com/part.git@v1", False),
        ("libs/common", True),
        ("vendor/common-1.0-py3-none-any.whl", True),
        ("common-1.0-py3-none-any.whl", True),
        ("common-1.0.tar.gz", True),
        ("-f vendor", True),
        ("--find-links=vendor", True),
        ("-e git+https://example.com/part.git#egg=part", True),
        ("--req more.txt", True),
        ("part@./part", True),
        ("part @ part", True),
        ("${PLACE}", True),
    ],
)
def test_installation_of_the_source_itself(tmp_path: Path, line: str, local: bool) -> None:
    assert manifest(tmp_path, requirements_txt=f"# a comment\n{line}\n")["local"] is local


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_files_are_read_as_pip_reads_them(tmp_path: Path, encoding: str) -> None:
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "latin-1": b""}
    text = "# -*- coding: latin-1 -*- größer\nflask==3.1\n" if encoding == "latin-1" else "flask==3.1\n-r more.txt\n"
    (tmp_path / "more.txt").write_text("click\n")
    (tmp_path / "requirements.txt").write_bytes(marks.get(encoding, b"") + text.encode(encoding))
    found = read_manifest(tmp_path, None, "uv")
    assert (found["kind"], found["local"]) == ("requirements", False)
    assert text in read_requirements(tmp_path / "requirements.txt", tmp_path)["requirements.txt"]


def test_tool_configuration_is_not_a_manifest(tmp_path: Path) -> None:
    assert manifest(tmp_path, setup_cfg="[flake8]\n", pyproject_toml="[tool.ruff]\n")["kind"] == "none"
    assert manifest(tmp_path, requirements_txt="flask\n", Pipfile_lock="{}", poetry_lock="")["kind"] == "requirements"


def test_lock_that_nothing_reads_may_be_left_alone(tmp_path: Path) -> None:
    assert manifest(tmp_path, "pyproject.toml", pyproject_toml=PYPROJECT, poetry_lock="")["kind"] == "pyproject"
    with pytest.raises(StepError, match="requirements is 'poetry.lock', which no installer here reads"):
        manifest(tmp_path, "poetry.lock")


@pytest.mark.parametrize(
    ("package", "local"), [('directory = { path = "part" }', True), ('wheels = [{ path = "x.whl" }]', True), ('index = "https://pypi.org/simple"', False)]
)
def test_standard_lock_needs_uv(tmp_path: Path, package: str, local: bool) -> None:
    lock = f'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "part"\n{package}\n'
    found = manifest(tmp_path, pylock_toml=lock, pyproject_toml=PYPROJECT)
    assert (found["kind"], found["file"], found["local"]) == ("pylock", "pylock.toml", local)
    with pytest.raises(StepError, match="set installer to uv"):
        manifest(tmp_path, installer="pip")


@pytest.mark.parametrize(
    ("source", "local"),
    [('{ virtual = "." }', False), ('{ editable = "." }', False), ('{ registry = "https://example.com" }', False), ('{ directory = "part" }', True)],
)
def test_local_packages_in_a_lock(tmp_path: Path, source: str, local: bool) -> None:
    lock = f'version = 1\n[[package]]\nname = "part"\nsource = {source}\n'
    assert manifest(tmp_path, pyproject_toml=PYPROJECT.format(version=1), uv_lock=lock)["local"] is local


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"uv_lock": ""}, "without the pyproject.toml"),
        ({"pyproject_toml": "[project"}, "cannot be read"),
        ({"pyproject_toml": '[project]\nname = "a"\ndynamic = ["dependencies"]\n'}, "dynamic"),
        ({"pyproject_toml": "[tool.poetry.dependencies]\nflask = '*'\n"}, "poetry export"),
        ({"requirements_txt": "-r none.txt\n"}, "none.txt is not in the source"),
        ({"requirements_txt": "-rnone.txt\n"}, "none.txt is not in the source"),
        ({"requirements_txt": "-c=none.txt\n"}, "none.txt is not in the source"),
        ({"pyproject_toml": PYPROJECT, "poetry_lock": ""}, "the source has poetry.lock, which no installer here reads; convert it: poetry export"),
        ({"pyproject_toml": PYPROJECT, "pdm_lock": ""}, "or set requirements: pyproject.toml to install without it"),
        ({"Pipfile_lock": "{}"}, "the source has Pipfile.lock, which no installer here reads; convert it: pipenv requirements > requirements.txt"),
        ({"Pipfile": ""}, "the source has Pipfile, "),
        ({"environment_yml": ""}, "the source has environment.yml, "),
        ({"setup_py": "setup(install_requires=['flask'])"}, "convert it: uv pip compile setup.py --output-file requirements.txt"),
        ({"requirements_in": "flask"}, "the source has requirements.in, "),
    ],
)
def test_unusable_manifests_are_refused(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(StepError, match=words):
        manifest(tmp_path, **files)


def test_lock_of_uv_needs_uv(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="set installer to uv"):
        manifest(tmp_path, installer="pip", uv_lock="version = 1\n", pyproject_toml=PYPROJECT)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("gunicorn==27.0.1", "gunicorn"), ("Flask_SQLAlchemy[x]>=3", "flask-sqlalchemy"), (" zope.interface ; python_version<'4'", "zope-interface")],
)
def test_names_of_requirements_are_normalised(requirement: str, name: str) -> None:
    assert normalised(requirement) == name


names = st.lists(st.sampled_from(["a", "b", "..", ".", "c/d"]), min_size=1, max_size=4).map("/".join)
members = st.lists(st.tuples(names, st.sampled_from(["file", "directory", "link", "hard"]), names), max_size=6)


@given(members, st.booleans())
def test_archive_members_stay_inside(tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, str, str]], strip: bool) -> None:
    top = tmp_path_factory.mktemp("top")
    tree = top / "one/tree"
    tree.mkdir(parents=True)
    kinds = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}
    with tarfile.open(top / "archive.tar", "w") as opened:
        for name, kind, target in entries:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kinds[kind], target, 1 if kind == "file" else 0
            opened.addfile(member, io.BytesIO(b"x"))
    try:
        unpack(tree, str(top / "archive.tar"), strip)
    except (StepError, OSError):
        pass
    else:
        assert all(path.resolve().is_relative_to(tree.resolve()) for path in tree.rglob("*"))
    assert {path.name for path in top.iterdir()} == {"archive.tar", "one"} and [path.name for path in (top / "one").iterdir()] == ["tree"]


@pytest.mark.parametrize("name", [".venv", ".flaskyard-seeds", ".flaskyard-repositories"])
def test_names_that_releases_use_are_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        member = tarfile.TarInfo(f"{name}/x")
        archive.addfile(member, io.BytesIO())
    tree = tmp_path / "tree"
    tree.mkdir()
    source = {"kind": "archive", "arguments": {"archive": str(tmp_path / "archive.tar"), "strip": False}}
    with pytest.raises(StepError, match=f"the source has (its own )?{re.escape(name)}"):
        prepare(str(tree), source, None, None, None, None, "uv", [], [], [])


@pytest.mark.parametrize(
    ("described", "version"),
    [
        *(("v1.4.0-0-gabcdef0", "1.4.0"), ("1.4.0", "1.4.0"), ("v1.4.0-2-0-gabcdef0", "1.4.0-2"), ("v1.4.0-rc1", "1.4.0-rc1")),
        *(("shop@2.0-3-gabcdef0", "2.0+3.gabcdef0"), ("my-shop-1.4.0", "1.4.0"), ("release/2024.1", "2024.1"), ("nightly", ""), ("", "")),
    ],
)
def test_version_follows_from_the_tag(described: str, version: str) -> None:
    assert version_of(described) == version


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("frontend", "directory is 'frontend' and the source has no such folder; it has backend"),
        ("out", "directory is 'out', a link that leads out of the source; name the folder itself"),
    ],
)
def test_directory_must_exist_in_the_source(tmp_path: Path, directory: str, message: str) -> None:
    tree = tmp_path / "tree"
    (tree / "backend").mkdir(parents=True)
    (tree / "out").symlink_to(tmp_path)
    with pytest.raises(StepError) as caught:
        prepare(str(tree), None, None, None, directory, None, "uv", [], [], [])
    assert str(caught.value).startswith(message)


def test_steps_can_be_sent_alone(tmp_path: Path) -> None:
    folder = Path(steps.__file__ or "").parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "entry"} == set(_SOURCES) - {""}
    (tmp_path / "requirements.txt").write_text("-r none.txt\n")
    arguments: dict[str, object] = {"tree": str(tmp_path), "source": None, "packages": None, "requirements": None, "installer": "uv"}
    arguments |= {"directory": None, "install_project": None, "persist": [], "persist_files": [], "seeded": []}
    job = {"sources": _SOURCES, "step": "tree.prepare", "arguments": arguments, "environment": {}}
    program = f"{_PROGRAM}\nmain(**json.loads({json.dumps(job)!r}))\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-"], input=program, text=True, capture_output=True, check=True)
    assert "none.txt is not in the source" in json.loads(done.stdout)["error"]
