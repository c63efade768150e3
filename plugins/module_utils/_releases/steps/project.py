# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source itself, installed as a Python project: with its metadata, its entry points, and the files that its build writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from .commands import StepError
from .manifest import Manifest, manifest_of

#: The suffix that C(git describe --long) appends to a tag.
_DISTANCE = re.compile(r"-(\d+)-g([0-9a-f]+)$")
#: A version in a tag, with or without a project's name before it: v1.4.0-rc1, shop@2.0, release/2024.1.
_TAG = re.compile(r"(?:.*?[-/@_])??[vV]?(\d[\w.!-]*)")
_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def is_wanted(code: Path, asked: bool | None) -> bool:
    """Whether to install the project: as the user says, or else as C(tool.uv) in its pyproject.toml says.

    :param asked: the key C(install_project); None if the user did not give it.
    :raises StepError: if the user wants it and there is no project.
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
    """A manifest that also installs the project. The project brings its dependencies, unless another file lists them."""
    if manifest["kind"] in ("none", "pyproject"):
        manifest = manifest_of("none")
    return {**manifest, "installs": directory or ".", "local": True, "builds": True}


def version_of(described: str) -> str:
    """The version in the output of C(git describe --tags --long); empty if the tag has none.

    >>> [version_of(text) for text in ("v1.4.0-0-gabcdef0", "v1.4.0-2", "shop@2.0-rc1-3-gabcdef0", "nightly-0-gabcdef0")]
    ['1.4.0', '1.4.0-2', '2.0-rc1+3.gabcdef0', '']
    """
    distance = _DISTANCE.search(described)
    found = _TAG.fullmatch(described[: distance.start()] if distance else described)
    if found is None:
        return ""
    return f"{found[1]}+{distance[1]}.g{distance[2]}" if distance and int(distance[1]) else found[1]


def environment(described: str) -> dict[str, str]:
    """Variables that tell builds the version, since a release has no repository: for setuptools-scm, which hatch-vcs reads too, and for pdm."""
    version = version_of(described) if described else ""
    return {"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PDM_BUILD_SCM_VERSION": version} if version else {}
