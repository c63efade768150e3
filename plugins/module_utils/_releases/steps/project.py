# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source itself, installed as the Python project that it is: with its metadata, its entry points, and what its build writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from .commands import StepError
from .manifest import Manifest, manifest_of

#: A version among tags and descriptions of git: v1.4.0, shop-1.4.0-3-gabcdef0.
_DESCRIBED = re.compile(r"(?:.*?[-/@_]|v)?(\d[\w.!+]*?)(?:-(\d+)-g([0-9a-f]+))?")
_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def is_wanted(code: Path, asked: bool | None) -> bool:
    """Whether to install the project: as it was asked, or else as uv is told in its pyproject.toml.

    :param asked: the key C(install_project), None where nobody gave it.
    :raises StepError: it is asked for, and there is none.
    """
    if asked and not any((code / name).is_file() for name in _FILES):
        raise StepError(f"install_project is true, and the source has no project there: none of {', '.join(_FILES)}")
    if asked is not None:
        return asked
    try:
        document = tomllib.loads((code / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    return document.get("tool", {}).get("uv", {}).get("package") is True


def with_project(manifest: Manifest, directory: str | None) -> Manifest:
    """A manifest that installs the project, too: with its dependencies, unless they are in a file of their own."""
    if manifest["kind"] in ("none", "pyproject"):
        manifest = manifest_of("none")
    return {**manifest, "installs": directory or ".", "local": True, "builds": True}


def version_of(described: str) -> str:
    """The version that C(git describe --tags --long) tells; empty where the tag names none.

    >>> [version_of(text) for text in ("v1.4.0-0-gabcdef0", "shop@2.0-3-gabcdef0", "nightly-0-gabcdef0", "1.4.0")]
    ['1.4.0', '2.0.post3+gabcdef0', '', '1.4.0']
    """
    found = _DESCRIBED.fullmatch(described)
    if found is None:
        return ""
    version, distance, commit = found.groups()
    return f"{version}.post{distance}+g{commit}" if distance and int(distance) else str(version)


def environment(described: str) -> dict[str, str]:
    """How builds learn the version, since a release has no repository around it: by the variables of setuptools-scm, which hatch-vcs reads too, and of pdm."""
    version = version_of(described) if described else ""
    return {"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PDM_BUILD_SCM_VERSION": version} if version else {}
