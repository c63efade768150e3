# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source itself, installed as the Python project that it is: with its metadata, its entry points, and what its build writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from .commands import StepError
from .manifest import Manifest, manifest_of

#: What C(git describe --long) appends to a tag.
_DISTANCE = re.compile(r"-(\d+)-g([0-9a-f]+)$")
#: A version, behind the name of a project if a tag has one: v1.4.0-rc1, shop@2.0, release/2024.1.
_TAG = re.compile(r"(?:.*?[-/@_])??[vV]?(\d[\w.!-]*)")
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

    >>> [version_of(text) for text in ("v1.4.0-0-gabcdef0", "v1.4.0-2", "shop@2.0-rc1-3-gabcdef0", "nightly-0-gabcdef0")]
    ['1.4.0', '1.4.0-2', '2.0-rc1+3.gabcdef0', '']
    """
    distance = _DISTANCE.search(described)
    found = _TAG.fullmatch(described[: distance.start()] if distance else described)
    if found is None:
        return ""
    return f"{found[1]}+{distance[1]}.g{distance[2]}" if distance and int(distance[1]) else found[1]


def environment(described: str) -> dict[str, str]:
    """How builds learn the version, since a release has no repository around it: by the variables of setuptools-scm, which hatch-vcs reads too, and of pdm."""
    version = version_of(described) if described else ""
    return {"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PDM_BUILD_SCM_VERSION": version} if version else {}
