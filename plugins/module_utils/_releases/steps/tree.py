# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a release: filled, built, and closed."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import os
import re
import subprocess
import tempfile
import typing as t
from pathlib import Path

from . import git_dependencies, large_files, project
from .archive import unpack
from .commands import StepError, run
from .git import checkout
from .manifest import Manifest, manifest_of, read_manifest, texts
from .state import SEEDS, assert_replaceable, link, link_instance

#: The output of installers that cannot write the virtualenv.
_SHARED = re.compile(r"(Read-only file system|os error 30).*(/venvs/|site-packages|\.venv)|(/venvs/|site-packages|\.venv).*(Read-only file system|os error 30)")
_ALONE = (
    "releases with the same dependencies share the virtualenv, so build_command cannot change it; name the package in the requirements, or, for the "
    "project itself, set install_project: true"
)


def prepare(
    tree: str,
    source: dict[str, t.Any] | None,
    packages: list[str] | None,
    requirements: str | None,
    directory: str | None,
    install_project: bool | None,
    installer: str,
    persist: list[str],
    persist_files: list[str],
    seeded: list[str],
    insecure: bool = False,
) -> Manifest:
    """Put the source into the empty tree, and read its dependencies.

    :param source: C(kind), git or archive, and its C(arguments); None if there is no tree to fetch.
    :param packages: requirements in place of a tree.
    :param directory: the folder of the tree with the app.
    :param install_project: whether to install the app as a project; None if the user did not say.
    :raises StepError: if the source cannot be fetched, or cannot become a release.
    """
    here = Path(tree)
    if source:
        bring: dict[str, t.Callable[..., None]] = {"git": checkout, "archive": unpack}
        bring[source["kind"]](here, **source["arguments"])
        if source["kind"] == "archive":
            large_files.assert_none(here)
        if os.path.lexists(here / ".venv"):
            raise StepError("the source has its own .venv; take it out (git rm -r --cached .venv) and ignore it")
        for name in (SEEDS, git_dependencies.FOLDER):
            if os.path.lexists(here / name):
                raise StepError(f"the source has {name}, a name that releases use for themselves; rename it")
        assert_replaceable(here, persist, persist_files, seeded)
    if packages:
        return manifest_of("packages", packages=packages)
    if directory and not (here / directory).resolve().is_relative_to(here.resolve()):
        raise StepError(f"directory is {directory!r}, a link that leads out of the source; name the folder itself")
    if directory and not (here / directory).is_dir():
        folders = ", ".join(sorted(path.name for path in here.iterdir() if path.is_dir() and not path.name.startswith("."))) or "none"
        raise StepError(f"directory is {directory!r} and the source has no such folder; it has {folders}")
    installs = project.is_wanted(here / (directory or ""), install_project)
    manifest = read_manifest(here, requirements, installer, insecure, directory, installs)
    git_dependencies.bring(here, texts(here, manifest), source["arguments"]["access"] if source and source["kind"] == "git" else None)
    return project.with_project(manifest, directory) if installs else manifest


def finish(
    tree: str,
    venv: str,
    state: str,
    uv: str | None,
    directory: str | None,
    persist: list[str],
    persist_files: list[str],
    seeded: list[str],
    build_command: str | None,
) -> dict[str, t.Any]:
    """Link the virtualenv, build, compile, and replace persisted files and folders by links to the app's state.

    :param venv: path of the virtualenv relative to the tree.
    :param state: the app's state.
    :param uv: path of uv, if the host has it.
    :param directory: the folder of the tree with the app.
    :returns: C(seeds), by name a digest of what the release brings for the state.
    """
    here = Path(tree)
    code = here / (directory or "")
    git_dependencies.remove(here)
    own = here / ".venv"
    own.symlink_to(venv)
    if build_command:
        environment = {
            "PATH": ":".join([f"{own}/bin", *installers(own, uv), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(own),
            "PYTHONPATH": f"{code}:{code}/src",
        }
        try:
            run(["sh", "-euc", build_command], cwd=code, environment=environment, name="build_command")
        except StepError as error:
            if _SHARED.search(error.printed):
                raise StepError(f"{error}\n{_ALONE}", error.output) from error
            raise
    # A file that does not compile is not an error here: the app may never import it.
    subprocess.run([f"{own}/bin/python", "-I", "-m", "compileall", "-qq", "."], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    seeds = link(here, state, persist, persist_files, seeded)
    link_instance(code, Path(state, directory or "", "instance"))
    return {"seeds": seeds}


def installers(own: Path, uv: str | None) -> list[str]:
    """Folders with uv and pip. A virtualenv made by uv has no pip, so there pip calls uv."""
    if uv is None:
        return []
    folders = [os.path.dirname(uv)]
    if not (own / "bin/pip").exists():
        place = Path(tempfile.mkdtemp())
        (place / "pip").write_text(f'#!/bin/sh\nexec {uv} pip "$@"\n')
        (place / "pip").chmod(0o755)
        folders.append(str(place))
    return folders
