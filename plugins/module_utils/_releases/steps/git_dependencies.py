# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies that are repositories. They are fetched with the source's credentials, because the installer runs their code and must not have credentials."""

from __future__ import annotations

import re
import shutil
import typing as t
from pathlib import Path

from .commands import StepError, run
from .git import git_environment

#: The folder of their clones while a release is made.
FOLDER = ".flaskyard-repositories"
#: Addresses as pip's VCS support, uv's sources and uv's locks write them.
_ADDRESS = re.compile(r"(?:git\+|\bgit\s*=\s*[\"'])((?:ssh|https)://[^\s\"'#?;]+)")
_REFERENCE = re.compile(r"@[^/]*$")


def addresses(text: str) -> list[str]:
    """The addresses of repositories in a manifest, without branch, tag or commit.

    >>> addresses("lib @ git+ssh://git@example.com/team/lib.git@v1#egg=lib")
    ['ssh://git@example.com/team/lib.git']
    """
    found = []
    for address in _ADDRESS.findall(text):
        place, slash, path = address.partition("://")[2].partition("/")
        found.append(f"{address.partition('://')[0]}://{place}{slash}{_REFERENCE.sub('', path)}")
    return list(dict.fromkeys(found))


def bring(tree: Path, texts: t.Iterable[str], access: dict[str, t.Any] | None) -> None:
    """Fetch the repositories that need the source's credentials.

    :param texts: of the files that name dependencies.
    :param access: the credentials of a git source; None for other sources.
    :raises StepError: if one cannot be fetched.
    """
    wanted = [address for text in texts for address in addresses(text)]
    for address in wanted:
        if access is None and address.startswith("ssh://"):
            raise StepError(f"the dependencies take {address}, which needs an SSH key, and only a source of git has one (source.deploy_key); use https there")
    if access is None:
        return
    private = [address for address in wanted if address.startswith("ssh://") or (access["password"] is not None and address.startswith(f"{access['scope']}/"))]
    for number, address in enumerate(private):
        repository = tree / FOLDER / str(number)
        run(["git", "clone", "--quiet", "--mirror", "--", address, str(repository)], environment=git_environment(access))
        (repository / "flaskyard-address").write_text(address)


def environment(tree: Path) -> dict[str, str]:
    """The variables that make git use the clones for these addresses."""
    settings = {f"url.file://{file.parent}.insteadOf": file.read_text() for file in sorted((tree / FOLDER).glob("*/flaskyard-address"))}
    found = {"GIT_CONFIG_COUNT": str(len(settings))} if settings else {}
    for number, (name, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def remove(tree: Path) -> None:
    """Remove the clones from the release."""
    shutil.rmtree(tree / FOLDER, ignore_errors=True)
