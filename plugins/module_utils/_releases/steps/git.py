# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Branches, tags and commits of repositories."""

from __future__ import annotations

import re
import shlex
import shutil
import typing as t
from pathlib import Path

from . import large_files
from .commands import StepError, run

#: What a mirror keeps from one fetch to the next. Configuration, hooks and links to other repositories are made again.
_KEPT_OF_A_MIRROR = {"HEAD", "objects", "refs", "packed-refs", "shallow"}
_PRIVATE = Path("/tmp")  # private to the unit


def git_environment(access: dict[str, t.Any]) -> dict[str, str]:
    """The variables that git needs to reach the repository. No secret is on a command line."""
    settings = {"core.hooksPath": "/dev/null", "core.attributesFile": "/dev/null", "advice.detachedHead": "false", "gc.autoDetach": "false"}
    # This also holds for submodules and redirects, which the repository and its server choose.
    settings |= {"protocol.allow": "never", "protocol.https.allow": "always", "protocol.ssh.allow": "always", "protocol.file.allow": "user"}
    if access["insecure"]:
        settings |= {"protocol.http.allow": "always", "protocol.git.allow": "always"}
    settings |= large_files.settings()
    environment = {"GIT_TEMPLATE_DIR": ""}
    if access["password"] is not None:
        settings[f"credential.{access['scope']}.helper"] = (
            '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$GIT_ACCESS_USER" "$GIT_ACCESS_PASSWORD"; }; f'
        )
        environment |= {"GIT_ACCESS_USER": access["user"], "GIT_ACCESS_PASSWORD": access["password"]}
    environment["GIT_SSH_COMMAND"] = shlex.join(ssh_command(access))
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (name, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def ssh_command(access: dict[str, t.Any]) -> list[str]:
    """ssh without any configuration. It knows only the given host keys, and accepts a new one only if the user allows it."""
    known = _PRIVATE / "known_hosts"
    known.write_text("\n".join([access["known_hosts"] or "", *access["forge_keys"], ""]))
    strict = "accept-new" if access["accept_new_host_key"] else "yes"
    ssh = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", f"StrictHostKeyChecking={strict}"]
    accepted = [] if access["known_hosts"] else [access["accepted_hosts_file"]]
    ssh += ["-o", f"GlobalKnownHostsFile={known}", "-o", f"UserKnownHostsFile={' '.join(accepted) or 'none'}", "-o", "UpdateHostKeys=no"]
    if access["deploy_key"]:
        key = _PRIVATE / "deploy_key"
        key.touch(mode=0o600)
        key.write_text(access["deploy_key"].replace("\r\n", "\n").rstrip() + "\n")
        ssh += ["-o", "IdentitiesOnly=yes", "-i", str(key)]
    else:
        # ssh still offers keys of an agent, but not those in the account's home.
        ssh += ["-o", "IdentityFile=none"]
    return ssh


def resolve(url: str, version: str, access: dict[str, t.Any]) -> str:
    """The current commit of a branch or tag in a remote repository.

    :raises StepError: if the remote cannot be asked, has no such version, or has both a branch and a tag of that name.
    """
    names = [version] if version.startswith("refs/") or version == "HEAD" else [f"refs/heads/{version}", f"refs/tags/{version}"]
    listed = run(["git", "ls-remote", "--", url, *names, *(f"{name}^{{}}" for name in names)], environment=git_environment(access))
    found = {name: commit for commit, dummy, name in (line.partition("\t") for line in listed.splitlines()) if re.fullmatch(r"[0-9a-f]{40,64}", commit)}
    commits = [found.get(f"{name}^{{}}", found[name]) for name in names if name in found]
    if not commits:
        raise StepError(f"the repository has no branch and no tag {version!r}; name one that it has, or a commit by all its 40 digits")
    if len(set(commits)) > 1:
        raise StepError(f"the repository has a branch and a tag {version!r}; write {' or '.join(names)}")
    return commits[0]


def tag_of(url: str, commit: str, access: dict[str, t.Any]) -> str:
    """The tag of a commit in a remote repository, the highest version if there are several; empty if there is none."""
    listed = run(["git", "ls-remote", "--tags", "--sort=version:refname", "--", url], environment=git_environment(access))
    pairs = (line.partition("\t")[::2] for line in listed.splitlines())
    names = [name.removeprefix("refs/tags/").removesuffix("^{}") for found, name in pairs if found == commit]
    return names[-1] if names else ""


def fetch(url: str, commit: str, mirror: Path, environment: dict[str, str]) -> None:
    """Fetch a commit into the mirror: only that commit if the server allows it, otherwise everything."""

    def git(*arguments: str) -> None:
        run(["git", f"--git-dir={mirror}", *arguments], environment=environment)

    # Earlier versions had this mirror, which builds could change.
    shutil.rmtree(mirror.with_name("repository.git"), ignore_errors=True)
    try:
        strip_mirror(mirror)
        git("init", "--quiet", "--bare")
        git("fetch", "--quiet", "--no-tags", "--depth=1", "--", url, f"+{commit}:refs/heads/release")
    except StepError:
        # Either the server serves only the commits of branches and tags, or the mirror is left from a killed run.
        shutil.rmtree(mirror, ignore_errors=True)
        git("init", "--quiet", "--bare")
        git("fetch", "--quiet", "--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except StepError:
        raise StepError(f"the repository has no commit {commit}; was it pushed?") from None


def strip_mirror(mirror: Path) -> None:
    """Keep what git has fetched, which is named by its content, and remove everything that configures git."""
    for path in [*mirror.glob("*"), mirror / "objects/info"]:
        if path.name in _KEPT_OF_A_MIRROR and not path.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def checkout(tree: Path, url: str, commit: str, mirror: str, access: dict[str, t.Any]) -> None:
    """Check out the files of a commit and its submodules, with the content from Git LFS, and remove all repositories."""
    environment = git_environment(access)
    fetch(url, commit, Path(mirror), environment)

    def git(*arguments: str) -> None:
        run(["git", *arguments], cwd=tree, environment=environment)

    git("init", "--quiet")
    git("remote", "add", "--", "origin", url)
    (tree / ".git/objects/info").mkdir(parents=True, exist_ok=True)
    (tree / ".git/objects/info/alternates").write_text(f"{mirror}/objects\n")
    if (shallow := Path(mirror, "shallow")).exists():
        shutil.copy(shallow, tree / ".git/shallow")
    git("checkout", "--quiet", "--force", "--detach", commit)
    if (tree / ".gitmodules").is_file():
        git("submodule", "--quiet", "update", "--init", "--recursive")
    large_files.assert_fetched(tree)
    for found in sorted(tree.rglob(".git")):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
