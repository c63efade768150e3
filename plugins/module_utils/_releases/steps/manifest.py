# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that names an app's dependencies."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import tomllib
import typing as t
from pathlib import Path

from . import requirements as text_of
from .commands import StepError

Kind = t.Literal["uv.lock", "pylock", "requirements", "pyproject", "packages", "none"]

#: The files to look for, in this order.
NAMES = ("uv.lock", "pylock.toml", "requirements.txt", "pyproject.toml")
#: Lock files that no installer here reads, with the command that converts each.
_FOREIGN_LOCKS = {
    "poetry.lock": "poetry export --output requirements.txt",
    "pdm.lock": "pdm export --output requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
}
#: The same for files that name dependencies without locking them.
_FOREIGN = {
    "Pipfile": "pipenv lock && pipenv requirements > requirements.txt",
    "environment.yml": "pip list --format=freeze > requirements.txt, in that environment",
    "environment.yaml": "pip list --format=freeze > requirements.txt, in that environment",
    "setup.py": "uv pip compile setup.py --output-file requirements.txt",
    "setup.cfg": "uv pip compile setup.cfg --output-file requirements.txt",
    "requirements.in": "uv pip compile requirements.in --output-file requirements.txt",
}


class Manifest(t.TypedDict):
    """What an app needs from a package index.

    C(project) is the folder whose lock is read, and C(installs) the folder of a project to install, if any. C(digest) covers everything that
    decides what is installed. Two trees with the same digest share a virtualenv, unless something is installed from the tree itself (C(local)).
    With C(builds), an install may run code of the app or of a package even if the installer must not build anything.
    """

    kind: Kind
    file: str
    project: str
    installs: str
    packages: list[str]
    digest: str
    local: bool
    hashes: bool
    builds: bool


def manifest_of(
    kind: Kind, file: str = "", content: t.Any = None, packages: list[str] | None = None, local: bool = False, hashes: bool = False, builds: bool = False
) -> Manifest:
    """A manifest. The digest covers C(content) and C(packages)."""
    digest = hashlib.sha256(json.dumps([kind, content, packages], sort_keys=True).encode()).hexdigest()
    return Manifest(
        kind=kind,
        file=file,
        project=file.rpartition("/")[0],
        installs="",
        packages=packages or [],
        digest=digest,
        local=local,
        hashes=hashes,
        builds=builds or local,
    )


def read_manifest(
    tree: Path, requirements: str | None, installer: str, insecure: bool = False, directory: str | None = None, project: bool = False
) -> Manifest:
    """Find and read the file that names an app's dependencies.

    :param requirements: the file to use, relative to the tree; None for the first of NAMES.
    :param insecure: accept http and git addresses without a hash.
    :param directory: the folder to look in first, relative to the tree; then the tree itself.
    :param project: whether the project itself is installed. Its own files then bring its dependencies.
    :raises StepError: if the named file does not exist, or names dependencies in a way that is not supported.
    """
    if requirements and not (tree / requirements).is_file():
        present = ", ".join(name for name in NAMES if (tree / name).is_file()) or "none"
        raise StepError(f"requirements is {requirements!r} and the source has no such file; it has {present}")
    if requirements:
        return _read(tree, requirements, installer, insecure)
    found = manifest_of("none")
    for folder in [f"{directory}/", ""] if directory else [""]:
        for name in NAMES if not project else NAMES[:-1]:
            if found["kind"] == "none" and (tree / folder / name).is_file():
                found = _read(tree, f"{folder}{name}", installer, insecure)
                if found["kind"] == "uv.lock" and directory and not folder and (tree / directory / "pyproject.toml").is_file():
                    found = _of_member(found, directory)
        if found["kind"] in ("none", "pyproject"):
            _refuse_foreign(tree / folder, _FOREIGN_LOCKS if project or found["kind"] == "pyproject" else {**_FOREIGN_LOCKS, **_FOREIGN})
    return found


def texts(tree: Path, manifest: Manifest) -> list[str]:
    """The text of a manifest and of every file that it includes."""
    path = tree / manifest["file"]
    if manifest["kind"] == "requirements":
        return [*text_of.read(path, tree).values()]
    return [path.read_text(encoding="utf-8")] if manifest["file"] else []


def _of_member(lock: Manifest, directory: str) -> Manifest:
    """The part of a workspace's lock for one of its members."""
    digest = hashlib.sha256(json.dumps([lock["digest"], directory]).encode()).hexdigest()
    return {**lock, "digest": digest, "project": directory}


def _refuse_foreign(tree: Path, commands: dict[str, str]) -> None:
    """Refuse a source whose dependencies are in a file that would be ignored.

    :raises StepError: if there is one, with the command that converts it.
    """
    for name, command in commands.items():
        path = tree / name
        # Both of these also configure tools.
        if path.is_file() and (not name.startswith("setup.") or "install_requires" in path.read_text(encoding="utf-8", errors="replace")):
            instead = ", or set requirements: pyproject.toml to install without it" if (tree / "pyproject.toml").is_file() else ""
            raise StepError(f"the source has {name}, which no installer here reads; convert it: {command}{instead}")


def _read(tree: Path, name: str, installer: str, insecure: bool) -> Manifest:
    path = tree / name
    if path.name in (foreign := {**_FOREIGN_LOCKS, **_FOREIGN}):
        raise StepError(f"requirements is {name!r}, which no installer here reads; convert it: {foreign[path.name]}")
    if path.name == "uv.lock":
        return _read_uv_lock(tree, name, installer)
    # PEP 751, File Name.
    if path.name == "pylock.toml" or fnmatch.fnmatchcase(path.name, "pylock.?*.toml"):
        return _read_pylock(path, name, installer)
    if path.suffix == ".toml":
        return _read_pyproject(path, name, insecure)
    files = text_of.read(path, tree)
    text = "\n".join(files.values())
    if not insecure:
        text_of.assert_protected(name, text)
    remote = any("://" in included for included in text_of.includes(text))
    local = not all(map(text_of.is_of_an_index, text_of.lines(text)))
    return manifest_of("requirements", name, files, local=local, hashes="--hash=" in text, builds=remote)


def _read_toml(path: Path, name: str) -> dict[str, t.Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"{name} cannot be read: {error}") from error


def _assert_uv(name: str, installer: str) -> None:
    if installer != "uv":
        raise StepError(f"the source has {name}, which installer {installer!r} cannot read; set installer to uv, or requirements to another file")


def _read_uv_lock(tree: Path, name: str, installer: str) -> Manifest:
    """A uv lock file. Only uv can install from it."""
    _assert_uv(name, installer)
    if not (tree / name).with_name("pyproject.toml").is_file():
        raise StepError(f"the source has {name} without the pyproject.toml it belongs to; add it, or set requirements to another file")
    sources = [package.get("source", {}) for package in _read_toml(tree / name, name).get("package", [])]
    local = any(set(source) & {"directory", "editable", "path", "virtual"} and set(source.values()) != {"."} for source in sources)
    return manifest_of("uv.lock", name, (tree / name).read_text(encoding="utf-8"), local=local, hashes=True)


def _read_pylock(path: Path, name: str, installer: str) -> Manifest:
    """A lock file in the format of PEP 751. It must have hashes, and packages are checked against them."""
    _assert_uv(name, installer)
    document = _read_toml(path, name)
    packages = document.get("packages", [])
    local = any("directory" in package or '"path"' in json.dumps(package, default=str) for package in packages)
    return manifest_of("pylock", name, json.loads(json.dumps(document, default=str)), local=local)


def _read_pyproject(path: Path, name: str, insecure: bool) -> Manifest:
    """The dependencies in a pyproject.toml; none if it only configures tools."""
    document = _read_toml(path, name)
    project = document.get("project", {})
    if "dependencies" in project.get("dynamic", []):
        raise StepError(f"{name} says that its dependencies are dynamic, so only a build would tell them; write them into requirements.txt or a uv.lock")
    if "dependencies" not in project and "dependencies" in document.get("tool", {}).get("poetry", {}):
        raise StepError(f"{name} has its dependencies in Poetry's own table, which no installer here reads; export them: poetry export -o requirements.txt")
    if "project" not in document:
        return manifest_of("none")
    dependencies = project.get("dependencies", [])
    uv_table = document.get("tool", {}).get("uv")
    if not insecure:
        text_of.assert_protected(name, json.dumps([dependencies, uv_table], indent=0))
    local = not all(map(text_of.is_of_an_index, dependencies)) or any(f'"{key}"' in json.dumps(uv_table) for key in ("path", "workspace"))
    return manifest_of("pyproject", name, uv_table, dependencies, local=local, builds="sources" in (uv_table or {}))
