# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtualenv of one or more releases."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from .commands import run
from .manifest import Manifest


def install(tree: str, venv: str, python: str, uv: str | None, manifest: Manifest, server_requirements: list[str]) -> None:
    """Fill an empty virtualenv: first what the app asks for, then what its server needs and the app did not bring.

    :param uv: path of uv; pip is used if None.
    """
    here = Path(tree)
    interpreter = f"{venv}/bin/python"
    if uv:
        run([uv, "venv", "--quiet", "--allow-existing", "--no-project", "--python", python, venv], cwd=here)
        pip = [uv, "pip", "install", "--python", interpreter]
    else:
        run([python, "-m", "venv", venv], cwd=here)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--no-input"]
    arguments = requirement_arguments(here, python, uv, manifest)
    if arguments:
        run([*pip, *arguments], cwd=here)
    brought = {normalised(path.name.partition("-")[0]) for path in Path(venv).glob("lib/python*/site-packages/*.dist-info")}
    missing = [requirement for requirement in server_requirements if normalised(requirement) not in brought]
    if missing:
        run([*pip, *missing], cwd=here)
    open_up(Path(venv))


def normalised(requirement: str) -> str:
    """The name of the distribution that a requirement asks for, as indexes compare names."""
    name = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", name[1] if name else requirement).lower()


def requirement_arguments(tree: Path, python: str, uv: str | None, manifest: Manifest) -> list[str]:
    """What to tell the installer so that it installs a manifest; nothing when there is nothing to install."""
    kind, name = manifest["kind"], manifest["file"]
    strict = ["--require-hashes"] if manifest["hashes"] else []
    if kind == "requirements":
        return [*strict, "-r", name]
    if kind == "uv.lock":
        exported = Path(tempfile.mkdtemp(), "requirements.txt")
        project = (tree / name).parent
        options = ["--frozen", "--no-dev", "--no-emit-project", "--no-editable", "--no-header", "--project", str(project), "--python", python]
        run([str(uv), "export", "--quiet", *options, "--output-file", str(exported)], cwd=tree)
        return ["-r", str(exported)]
    if kind == "pyproject" and uv:
        return ["-r", name]  # uv follows [tool.uv] too
    return manifest["packages"]


def open_up(top: Path) -> None:
    """Let everybody read, whatever modes the source came with; who may come this far is decided above."""
    for folder, _, files in os.walk(top):
        os.chmod(folder, 0o755)
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
