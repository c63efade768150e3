# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a build, as they run in the sandbox under the app's build account.

This file is sent whole, through standard input, to the host's own Python (3.11 or newer), so it imports nothing but the
standard library. C(main) gets one job and prints one line of JSON: C({"result": ...}), or C({"error": ..., "output": ...}).
"""

from __future__ import annotations

import functools
import hashlib
import json
import lzma
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import typing as t
import zipfile
import zlib
from pathlib import Path, PurePosixPath

#: Files that only keep an empty directory in a repository.
KEEPERS = {".gitkeep", ".keep", ".gitignore"}

#: Lines of a failed command's output that are kept.
OUTPUT_LINES = 25


class StepError(Exception):
    """A step failed. ``output`` is the end of what the failing command printed."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


def run(command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    :raises StepError: when it does not succeed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-OUTPUT_LINES:])
        ending = f"was killed by signal {-done.returncode}" if done.returncode < 0 else f"ended with {done.returncode}"
        raise StepError(f"{shlex.join(command)} {ending}", tail)
    return done.stdout


# --- git ------------------------------------------------------------------------------------------------------------


def git_environment(access: dict[str, t.Any]) -> dict[str, str]:
    """What git needs to reach the repository; no secret is on a command line."""
    settings = {"core.hooksPath": "/dev/null", "advice.detachedHead": "false", "gc.autoDetach": "false"}
    environment = {"GIT_TERMINAL_PROMPT": "0"}
    if access["password"] is not None:
        settings[f"credential.{access['scope']}.helper"] = (
            '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$GIT_ACCESS_USER" "$GIT_ACCESS_PASSWORD"; }; f'
        )
        environment |= {"GIT_ACCESS_USER": access["user"], "GIT_ACCESS_PASSWORD": access["password"]}
    private = Path(tempfile.mkdtemp())
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
    if access["known_hosts"]:
        known_hosts = private / "known_hosts"
        known_hosts.write_text(access["known_hosts"].rstrip() + "\n")
        ssh += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts}"]
    else:
        ssh += ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={access['known_hosts_file']}"]
    if access["deploy_key"]:
        key = private / "deploy_key"
        key.touch(mode=0o600)
        key.write_text(access["deploy_key"].replace("\r\n", "\n").rstrip() + "\n")
        ssh += ["-o", "IdentitiesOnly=yes", "-i", str(key)]
    environment["GIT_SSH_COMMAND"] = shlex.join(ssh)
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (name, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def resolve(url: str, version: str, access: dict[str, t.Any]) -> str:
    """The commit that a branch or a tag of a remote repository is at now.

    :raises StepError: the remote cannot be asked, or has no such version, or has a branch and a tag of that name.
    """
    names = [version] if version.startswith("refs/") or version == "HEAD" else [f"refs/heads/{version}", f"refs/tags/{version}"]
    listed = run(["git", "ls-remote", url, *names, *(f"{name}^{{}}" for name in names)], environment=git_environment(access))
    found = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines()) if re.fullmatch(r"[0-9a-f]{40,64}", commit)}
    commits = [found.get(f"{name}^{{}}", found[name]) for name in names if name in found]
    if not commits:
        raise StepError(f"the repository has no branch and no tag {version!r}; name one that it has, or a commit by all its 40 digits")
    if len(set(commits)) > 1:
        raise StepError(f"the repository has a branch and a tag {version!r}; write {' or '.join(names)}")
    return commits[0]


def fetch(url: str, commit: str, mirror: Path, environment: dict[str, str]) -> None:
    """Get a commit into the mirror: that commit alone if the server gives it, everything otherwise."""

    def git(*arguments: str) -> None:
        run(["git", f"--git-dir={mirror}", *arguments], environment=environment)

    try:
        git("init", "--quiet", "--bare", "--template=")
        git("fetch", "--quiet", "--no-tags", "--depth=1", url, f"+{commit}:refs/heads/release")
    except StepError:
        # Either the server gives only what a branch or a tag names, or the mirror is the rest of a killed run.
        shutil.rmtree(mirror, ignore_errors=True)
        git("init", "--quiet", "--bare", "--template=")
        git("fetch", "--quiet", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except StepError:
        raise StepError(f"the repository has no commit {commit}; was it pushed?") from None


def checkout(tree: Path, url: str, commit: str, mirror: str, access: dict[str, t.Any]) -> None:
    """The files of a commit and of its submodules, without any repository around them."""
    environment = git_environment(access)
    fetch(url, commit, Path(mirror), environment)

    def git(*arguments: str) -> None:
        run(["git", *arguments], cwd=tree, environment=environment)

    git("init", "--quiet", "--template=")
    git("remote", "add", "origin", url)
    (tree / ".git/objects/info").mkdir(parents=True, exist_ok=True)
    (tree / ".git/objects/info/alternates").write_text(f"{mirror}/objects\n")
    if (shallow := Path(mirror, "shallow")).exists():
        shutil.copy(shallow, tree / ".git/shallow")
    git("checkout", "--quiet", "--force", "--detach", commit)
    if (tree / ".gitmodules").is_file():
        git("submodule", "--quiet", "update", "--init", "--recursive")
    for found in sorted(tree.rglob(".git")):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()


# --- archives -------------------------------------------------------------------------------------------------------


class Member(t.NamedTuple):
    """One entry of an archive: a directory, a file that can be opened, or a link with its target."""

    name: str
    kind: str
    executable: bool
    target: str
    open: t.Callable[[], t.IO[bytes]]


def tar_members(archive: tarfile.TarFile) -> t.Iterator[Member]:
    """The entries of a tar; hard links read as the file they stand for.

    :raises StepError: for devices and pipes.
    """
    for item in archive:
        if not (item.isdir() or item.issym() or item.isfile() or item.islnk()):
            raise StepError(f"the archive holds {item.name!r}, which is a device or a pipe; only files, directories and links can be in a release")
        kind = "directory" if item.isdir() else "link" if item.issym() else "file"
        yield Member(item.name, kind, bool(item.mode & 0o100), item.linkname, functools.partial(_opened, archive, item))


def _opened(archive: tarfile.TarFile, item: tarfile.TarInfo) -> t.IO[bytes]:
    found = archive.extractfile(item)
    if found is None:
        raise StepError(f"the archive holds the hard link {item.name!r} to {item.linkname!r}, which is no file in it")
    return found


def zip_members(archive: zipfile.ZipFile) -> t.Iterator[Member]:
    """The entries of a zip."""
    for item in archive.infolist():
        mode = item.external_attr >> 16
        link = mode & 0o170000 == 0o120000
        kind = "directory" if item.is_dir() else "link" if link else "file"
        target = archive.read(item).decode() if link else ""
        yield Member(item.filename, kind, bool(mode & 0o100), target, functools.partial(archive.open, item))


def unpack(tree: Path, archive: str, strip: bool) -> None:
    """Unpack a tar or a zip, and nothing of it outside C(tree).

    :param strip: drop a single top-level directory that everything is in.
    :raises StepError: the file is no archive, or has a member that points outside.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                place(tree, list(zip_members(opened)), strip)
        else:
            with tarfile.open(archive) as tar:
                place(tree, list(tar_members(tar)), strip)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, RuntimeError) as error:
        raise StepError(f"the archive cannot be read: {error}; expected a tar (plain, gz, bz2, xz) or a zip") from error


def place(tree: Path, members: list[Member], strip: bool) -> None:
    """Write members below C(tree): links last, so that nothing is ever written through one."""
    placed = [(PurePosixPath(member.name), member) for member in members]
    for path, _ in placed:
        if path.is_absolute() or ".." in path.parts:
            raise StepError(f"the archive holds {str(path)!r}, which lies outside of it; refused")
    tops = {path.parts[0] for path, _ in placed if path.parts}
    files_at_top = any(len(path.parts) == 1 and member.kind != "directory" for path, member in placed)
    drop = 1 if strip and len(tops) == 1 and not files_at_top else 0
    targets = [(tree.joinpath(*path.parts[drop:]), member) for path, member in placed if len(path.parts) > drop]
    for target, member in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.kind == "directory":
            target.mkdir(exist_ok=True)
        elif member.kind == "file":
            with member.open() as source, target.open("wb") as destination:
                shutil.copyfileobj(source, destination)
            target.chmod(0o755 if member.executable else 0o644)
    root = tree.resolve()
    for target, member in targets:
        if member.kind == "link":
            target.symlink_to(member.target)
    for target, member in targets:
        if member.kind == "link" and not target.resolve().is_relative_to(root):
            raise StepError(f"the archive holds the link {member.name!r} to {member.target!r}, which lies outside of it; refused")


# --- dependencies ---------------------------------------------------------------------------------------------------


class Manifest(t.TypedDict):
    """What an app needs from a package index.

    C(digest) is over whatever decides what gets installed: two trees with the same one share a virtualenv, unless
    C(local) says that something is installed from the tree itself.
    """

    kind: t.Literal["uv.lock", "requirements", "pyproject", "packages", "none"]
    file: str
    packages: list[str]
    digest: str
    local: bool
    hashes: bool


def manifest_of(
    kind: t.Literal["uv.lock", "requirements", "pyproject", "packages", "none"],
    file: str = "",
    content: t.Any = None,
    packages: list[str] | None = None,
    local: bool = False,
    hashes: bool = False,
) -> Manifest:
    """A manifest; C(content) and C(packages) are what the digest is over."""
    digest = hashlib.sha256(json.dumps([kind, content, packages], sort_keys=True).encode()).hexdigest()
    return Manifest(kind=kind, file=file, packages=packages or [], digest=digest, local=local, hashes=hashes)


LOCAL = re.compile(r"^\s*(-e\s|--editable|\.{0,2}/|\.\s*(\[|$)|file:)|@\s*file:|@\s*\.", re.MULTILINE)
INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)


def read_manifest(tree: Path, requirements: str | None, installer: str) -> Manifest:
    """Find and read the file that names an app's dependencies.

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
            found = read_pyproject(path, name)
            if found["kind"] != "none" or requirements:
                return found
            continue
        files = read_requirements(path, tree, {})
        text = "\n".join(files.values())
        return manifest_of("requirements", name, files, local=bool(LOCAL.search(text)), hashes="--hash=" in text)
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


def read_pyproject(path: Path, name: str) -> Manifest:
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
    local = bool(LOCAL.search("\n".join(dependencies))) or '"path"' in json.dumps(uv_table)
    return manifest_of("pyproject", name, uv_table, dependencies, local=local)


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


# --- the virtualenv -------------------------------------------------------------------------------------------------


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


# --- the tree -------------------------------------------------------------------------------------------------------


def prepare(
    tree: str,
    source: dict[str, t.Any] | None,
    packages: list[str] | None,
    requirements: str | None,
    installer: str,
    persist: list[str],
) -> Manifest:
    """Put the source into the empty tree, and read what it depends on.

    :param source: C(kind), git or archive, and its C(arguments); None when the tree stands already or there is none.
    :param packages: requirements that stand in for a tree.
    :raises StepError: the source cannot be had, or is no tree that can become a release.
    """
    here = Path(tree)
    if source:
        bring: dict[str, t.Callable[..., None]] = {"git": checkout, "archive": unpack}
        bring[source["kind"]](here, **source["arguments"])
        if os.path.lexists(here / ".venv"):
            raise StepError("the source has a .venv of its own; take it out (git rm -r --cached .venv) and ignore it")
        for name in persist:
            assert_replaceable(here / name, name)
    return manifest_of("packages", packages=packages) if packages else read_manifest(here, requirements, installer)


def finish(tree: str, venv: str, persist: dict[str, str], build_command: str | None) -> None:
    """Link the virtualenv, build, compile, and put links in place of the persisted directories.

    :param venv: path of the virtualenv as seen from the tree.
    :param persist: directory in the tree to the directory that outlives releases.
    """
    here = Path(tree)
    link = here / ".venv"
    link.symlink_to(venv)
    if build_command:
        environment = {
            "PATH": f"{link}/bin:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(link),
            "PYTHONPATH": f"{here}:{here}/src",
        }
        try:
            run(["sh", "-euc", build_command], cwd=here, environment=environment)
        except StepError as error:
            raise StepError(f"build_command did not succeed: {error}", error.output) from error
    # A file that does not compile may well never be imported: not for this step to judge.
    subprocess.run([f"{link}/bin/python", "-I", "-m", "compileall", "-qq", "."], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    for name, target in persist.items():
        place = here / name
        assert_replaceable(place, name)
        if place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    open_up(here)


def assert_replaceable(place: Path, name: str) -> None:
    """Refuse to hide files of the source, or of the build, behind a persisted directory."""
    hidden = [path for path in place.rglob("*") if path.name not in KEEPERS and (path.is_symlink() or not path.is_dir())] if place.is_dir() else []
    if hidden or place.is_symlink() or (place.exists() and not place.is_dir()):
        example = os.path.relpath(hidden[0] if hidden else place, place.parent)
        raise StepError(
            f"{name!r} outlives releases and so is a link to the app's state, but the source or its build has files there ({example}); "
            "move them to another directory, or rename the directory in persist"
        )


def open_up(top: Path) -> None:
    """Let everybody read, whatever modes the source came with; who may come this far is decided above."""
    for folder, _, files in os.walk(top):
        os.chmod(folder, 0o755)
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)


STEPS: dict[str, t.Callable[..., t.Any]] = {
    "resolve": resolve,
    "prepare": prepare,
    "install": install,
    "finish": finish,
}


def main(job: dict[str, t.Any]) -> None:
    """Do one step, in the environment of the job."""
    os.umask(0o022)
    os.environ.update(job["environment"])
    try:
        answer = {"result": STEPS[job["step"]](**job["arguments"])}
    except StepError as error:
        answer = {"error": str(error), "output": error.output}
    except OSError as error:
        answer = {"error": f"{job['step']}: {error}", "output": ""}
    json.dump(answer, sys.stdout)
