# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that names an app's dependencies."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
import typing as t
from pathlib import Path

from .commands import StepError


class Manifest(t.TypedDict):
    """What an app needs from a package index.

    C(digest) is over whatever decides what gets installed: two trees with the same one share a virtualenv, unless
    C(local) says that something is installed from the tree itself. With C(builds), installing may run code of the app or of
    a package even when the installer is told to build nothing.
    """

    kind: t.Literal["uv.lock", "requirements", "pyproject", "packages", "none"]
    file: str
    packages: list[str]
    digest: str
    local: bool
    hashes: bool
    builds: bool


def manifest_of(
    kind: t.Literal["uv.lock", "requirements", "pyproject", "packages", "none"],
    file: str = "",
    content: t.Any = None,
    packages: list[str] | None = None,
    local: bool = False,
    hashes: bool = False,
    builds: bool = False,
) -> Manifest:
    """A manifest; C(content) and C(packages) are what the digest is over."""
    digest = hashlib.sha256(json.dumps([kind, content, packages], sort_keys=True).encode()).hexdigest()
    return Manifest(kind=kind, file=file, packages=packages or [], digest=digest, local=local, hashes=hashes, builds=builds or local)


#: Where anybody on the way can change what is sent.
OPEN = re.compile(r"\b(?:git\+)?(?:http|git)://[^\s\"']+")
LOCAL = re.compile(r"^\s*(-e\s|--editable|\.{0,2}/|\.\s*(\[|$)|file:)|@\s*file:|@\s*\.", re.MULTILINE)
INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)


def read_manifest(tree: Path, requirements: str | None, installer: str, insecure: bool = False) -> Manifest:
    """Find and read the file that names an app's dependencies.

    :param insecure: accept addresses of http and git without a hash.
    :param requirements: the file to take, relative to the tree; the first of uv.lock, requirements.txt and pyproject.toml if None.
    :raises StepError: the named file is not there, or says its dependencies in a way that cannot be followed.
    """
    if requirements and not (tree / requirements).is_file():
        present = ", ".join(name for name in ("uv.lock", "requirements.txt", "pyproject.toml") if (tree / name).is_file()) or "none"
        raise StepError(f"requirements is {requirements!r} and the source has no such file; it has {present}")
    for name in [requirements] if requirements else ["uv.lock", "requirements.txt", "pyproject.toml"]:
        path = tree / name
        if not path.is_file():
            continue
        if path.name == "uv.lock":
            return read_uv_lock(tree, name, installer)
        if path.suffix == ".toml":
            found = read_pyproject(path, name, insecure)
            if found["kind"] != "none" or requirements:
                return found
            continue
        files = read_requirements(path, tree, {})
        text = "\n".join(files.values())
        if not insecure:
            assert_protected(name, text)
        remote = any("://" in included for included in INCLUDE.findall(text))
        return manifest_of("requirements", name, files, local=bool(LOCAL.search(text)), hashes="--hash=" in text, builds=remote)
    return manifest_of("none")


def read_uv_lock(tree: Path, name: str, installer: str) -> Manifest:
    """A lock of uv, which only uv can install from."""
    if installer != "uv":
        raise StepError(f"the source has {name}, which installer {installer!r} cannot read; set installer to uv, or requirements to another file")
    if not (tree / name).with_name("pyproject.toml").is_file():
        raise StepError(f"the source has {name} without the pyproject.toml it belongs to; add it, or set requirements to another file")
    content = (tree / name).read_text()
    sources = [package.get("source", {}) for package in tomllib.loads(content).get("package", [])]
    local = any(set(source) & {"directory", "editable", "path", "virtual"} and set(source.values()) != {"."} for source in sources)
    return manifest_of("uv.lock", name, content, local=local, hashes=True)


def assert_protected(name: str, text: str) -> None:
    """Refuse what comes over an open connection without a hash.

    :raises StepError: there is such an address.
    """
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", line)
        if "--hash=" not in line and "#sha256=" not in line and OPEN.search(line):
            raise StepError(
                f"{name} takes packages from http:// or git://, where anybody on the way can change them; use https, or set python_insecure_index: true"
            )


def read_pyproject(path: Path, name: str, insecure: bool) -> Manifest:
    """The dependencies of a pyproject.toml; none when it only configures tools."""
    try:
        document = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"{name} cannot be read: {error}") from error
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
        assert_protected(name, json.dumps([dependencies, uv_table], indent=0))
    local = bool(LOCAL.search("\n".join(dependencies))) or '"path"' in json.dumps(uv_table)
    return manifest_of("pyproject", name, uv_table, dependencies, local=local, builds="sources" in (uv_table or {}))


def read_requirements(path: Path, tree: Path, seen: dict[str, str]) -> dict[str, str]:
    """A requirements file and every file that it includes, by path relative to the tree."""
    relative = os.path.relpath(path, tree)
    if relative in seen:
        return seen
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StepError(f"{relative} cannot be read: {error}") from error
    seen[relative] = text
    for included in INCLUDE.findall(text):
        if "://" not in included:
            read_requirements(path.parent / included, tree, seen)
    return seen
