# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtualenv of one or more releases."""

from __future__ import annotations

import dataclasses
import os
import re
import resource
import shutil
import tempfile
from pathlib import Path

from . import compilers, git_dependencies, indexes, project
from .commands import StepError, run
from .manifest import Manifest

#: The only part of the cache that is used: in earlier versions, code of packages could write the rest.
_CACHE = "wheels"


@dataclasses.dataclass(frozen=True)
class Installer:
    """uv or pip, for one virtualenv.

    :param python: the interpreter for the virtualenv.
    :param uv: path of uv; pip is used if None.
    :param cache: where downloads are kept for later installs. With a cache, only wheels are installed and no code of a package can
        run, because code that writes the cache would decide what later installs put in place, even with hashes. None allows builds.
    """

    tree: Path
    venv: str
    python: str
    uv: str | None
    cache: Path | None

    def create(self) -> None:
        """Make an empty virtualenv, in place of anything that was there."""
        for path in Path(self.venv).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if self.uv:
            self._run([self.uv, "venv", "--quiet", "--allow-existing", "--no-project", "--python", self.python, self.venv])
        else:
            run([self.python, "-m", "venv", self.venv], cwd=self.tree)

    def install(self, arguments: list[str]) -> None:
        """Install what the arguments name.

        :raises StepError: if it is not available, or only by running code of a package while the cache is writable.
        """
        if self.uv:
            wheels = ["--no-build"] if self.cache else []
            self._run([self.uv, "pip", "install", "--python", self.interpreter, *wheels, *arguments])
        else:
            wheels = ["--only-binary=:all:"] if self.cache else []
            self._run([self.interpreter, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", *wheels, *arguments], alone=self.cache is not None)

    def arguments(self, manifest: Manifest) -> list[str]:
        """The installer's arguments for a manifest; empty if there is nothing to install."""
        kind, name = manifest["kind"], manifest["file"]
        strict = ["--require-hashes"] if manifest["hashes"] else []
        if kind == "requirements":
            return [*strict, "-r", name]
        if kind == "uv.lock":
            exported = Path(tempfile.mkdtemp(), "requirements.txt")
            options = ["--frozen", "--no-dev", "--no-emit-project", "--no-editable", "--no-header", "--python", self.python]
            self._run([str(self.uv), "export", "--quiet", *options, "--project", str(self.tree / manifest["project"]), "--output-file", str(exported)])
            projects = (self.tree / manifest["project"], (self.tree / name).parent)
            return [*indexes.arguments(self.tree / name, projects), "-r", str(exported)]
        if kind == "pylock" or (kind == "pyproject" and self.uv):
            return ["-r", name]  # uv follows [tool.uv] too
        return manifest["packages"]

    def compile(self) -> None:
        """Compile what was installed. The virtualenv's own interpreter would run code of packages (C(.pth)), so another one does it."""
        run([self.python, "-I", "-m", "compileall", "-qq", "-j", "0", f"{self.venv}/lib"], check=False)

    @property
    def interpreter(self) -> str:
        return f"{self.venv}/bin/python"

    def _run(self, command: list[str], alone: bool = False) -> None:
        environment = (
            {"UV_CACHE_DIR": f"{self.cache}/uv", "PIP_CACHE_DIR": f"{self.cache}/pip"} if self.cache else {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
        )
        environment |= git_dependencies.environment(self.tree)
        run(command, cwd=self.tree, environment=environment, before=_forbid_processes if alone else None)


def install(
    tree: str,
    venv: str,
    python: str,
    uv: str | None,
    state: str,
    manifest: Manifest,
    described: str,
    server_lock: str | None,
    cache: str | None,
) -> dict[str, bool]:
    """Fill an empty virtualenv: first with the locked server, then with the app's dependencies, which may replace the server's versions.

    :param state: the app's state.
    :param described: the source's output of C(git describe), which gives the version of its project.
    :param server_lock: requirements with hashes; None if the user wrote requirements for the server, see C(add).
    :param cache: the app's cache; None to build packages.
    :returns: C(complete), false if packages must be built; C(replaced), whether the app brings other versions than the lock.
    """
    installer = Installer(Path(tree), venv, python, uv, fresh_cache(Path(cache)) if cache else None)
    try:
        installer.create()
        if server_lock:
            file = Path(tempfile.mkdtemp(), "server.txt")
            file.write_text(server_lock)
            installer.install(["--require-hashes", "--no-deps", "-r", str(file)])
        locked = installed_in(venv)
        arguments = installer.arguments(manifest)
        if arguments:
            installer.install(arguments)
        if manifest["installs"]:
            os.environ.update(project.environment(described))
            installer.install([*([] if manifest["kind"] == "none" else ["--no-deps"]), f"./{manifest['installs']}"])
    except StepError as error:
        if cache:
            return {"complete": False, "replaced": False}
        if way_out := compilers.advice(error.printed):
            raise StepError(f"{error}\n{way_out}", error.output) from error
        raise
    installer.compile()
    open_up(Path(venv))
    instances = Path(venv, "var")
    if not instances.exists():
        # Flask looks here for the instance folder of an installed package (flask.sansio.app, auto_find_instance_path).
        instances.symlink_to(f"{state}/var")
    installed = installed_in(venv)
    return {"complete": True, "replaced": server_lock is not None and any(installed.get(name) != version for name, version in locked.items())}


def add(tree: str, venv: str, python: str, uv: str | None, server_requirements: list[str]) -> None:
    """Install the user's requirements for the server as they are written. They replace the app's versions."""
    installer = Installer(Path(tree), venv, python, uv, None)
    installer.install(server_requirements)
    installer.compile()
    open_up(Path(venv))


def assert_new(venv: str, lowest: dict[str, str], source: str) -> None:
    """Refuse a server that is too old to run here.

    :param lowest: the lowest working version, by package.
    :param source: the file or key that names the installed version.
    :raises StepError: naming the version, and the next step.
    """
    installed = installed_in(venv)
    for name, wanted in lowest.items():
        if (version := installed.get(name)) and _numbers(version) < _numbers(wanted):
            raise StepError(f"{source} brings {name} {version}, older than what works here ({wanted}); raise the version, or remove it to get the tested one")


def _numbers(version: str) -> list[int]:
    """The release segment of a version (PEP 440), to be compared."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(number) for number in found[0].split(".")] if found else []


def check(venv: str, uv: str | None, server_requirements: list[str]) -> None:
    """Check that the server works with the versions that the app brings.

    :raises StepError: if it does not.
    """
    interpreter = f"{venv}/bin/python"
    command = [uv, "pip", "check", "--no-cache", "--python", interpreter] if uv else [interpreter, "-I", "-m", "pip", "check"]
    names = {normalised(requirement) for requirement in server_requirements}
    try:
        run(command)
    except StepError as error:
        lines = [line for line in error.output.splitlines() if names & {normalised(word) for word in re.findall(r"^(?:The package `)?([\w.-]+)", line)}]
        if lines:
            raise StepError(
                f"the app pins versions that its server {' '.join(server_requirements)} cannot use; change the pin, or choose the server's version with "
                "server_requirements",
                "\n".join(lines),
            ) from None


def fresh_cache(folder: Path) -> Path:
    """The part of an app's cache that no code of a package can write. The rest is removed."""
    for path in folder.iterdir():
        if path.name != _CACHE:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()
    kept = folder / _CACHE
    kept.mkdir(exist_ok=True)
    return kept


def installed_in(venv: str) -> dict[str, str]:
    """Versions by normalised name, found without running anything from the virtualenv."""
    names = (path.name.removesuffix(".dist-info").split("-") for path in Path(venv).glob("lib/python*/site-packages/*.dist-info"))
    return {normalised(name): version for name, version, *dummy in names}


def normalised(requirement: str) -> str:
    """The name of the distribution in a requirement, normalised as indexes do it."""
    name = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", name[1] if name else requirement).lower()


def open_up(top: Path) -> None:
    """Let everybody read, whatever the modes in the source. The folders above decide who gets this far."""
    for folder, dummy, files in os.walk(top):
        os.chmod(folder, 0o755)
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)


def _forbid_processes() -> None:
    """Forbid new processes: without one, pip cannot build a package, whatever a requirements file says."""
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
