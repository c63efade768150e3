# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``source`` of an app: which of the five kinds it is, and what each needs."""

from __future__ import annotations

import re
import typing as t

from .keys import APP
from .sandbox import HIDDEN
from .schema import complete

#: By kind, which is also the key that names it: the other keys that it needs, and those that it may have.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "git": (("version",), ("deploy_key", "known_hosts", "accept_new_host_key", "insecure")),
    "path": ((), ()),
    "archive": (("checksum",), ()),
    "pypi": (("version",), ()),
    "in_place": ((), ()),
}
#: The characters of a version: packaging.python.org, Version specifiers.
_PACKAGE_VERSION = r"[A-Za-z0-9][A-Za-z0-9.!+_-]*"
#: Keys about building a release. Code in place is not built.
_OF_BUILDS = ("python", "installer", "requirements", "server_requirements", "install_project", "build_command", "persist", "persist_files", "keep_releases")


def source_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems of an app's source. Each single key is valid."""
    source = app["source"]
    kinds = [kind for kind in KINDS if kind in source]
    if len(kinds) != 1:
        yield f"source names {' and '.join(kinds) or 'no kind'}; expected exactly one of {', '.join(KINDS)}"
        return
    required, optional = KINDS[kinds[0]]
    for key in required:
        if key not in source:
            yield f"source.{key} is missing; with {kinds[0]} it is needed, so that the same inventory gives the same release"
    for key in set(source) - {kinds[0], *required, *optional}:
        yield f"source.{key} has no meaning with {kinds[0]}; remove it"
    if kinds == ["pypi"] and "directory" in app:
        yield "directory has no meaning with source.pypi, which brings no folders; remove it"
    if kinds == ["pypi"] and not re.fullmatch(_PACKAGE_VERSION, source.get("version", "1")):
        yield f"source.version is {source['version']!r}; expected a version such as 1.4.2, exactly as the index has it"
    if kinds == ["git"]:
        yield from _git_problems(source)
    if kinds == ["in_place"]:
        yield from _in_place_problems(app)


def _git_problems(source: dict[str, t.Any]) -> t.Iterator[str]:
    scheme = source["git"].partition("://")[0]
    if scheme in ("http", "git") and not source.get("insecure"):
        yield f"source.git uses {scheme}://, where anybody on the way can change the code; use https or ssh, or accept that with source.insecure: true"
    if source.get("insecure") and scheme not in ("http", "git"):
        yield "source.insecure has no meaning here; it is for addresses that begin with http:// or git://"
    if source.get("known_hosts") and source.get("accept_new_host_key"):
        yield "source.known_hosts and source.accept_new_host_key exclude each other; give the keys of the server, or accept the first one it shows"


def _in_place_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    folder = app["source"]["in_place"]
    if any(folder == hidden or folder.startswith(f"{hidden}/") for hidden in HIDDEN):
        yield f"source.in_place is {folder!r}, which the service cannot see; put the code outside of {', '.join(HIDDEN)}, such as in /opt or /srv"
    for key in _OF_BUILDS:
        if key in app:
            instead = f", and let the app keep its data in /var/lib/flask-{app['name']}, its $HOME" if key.startswith("persist") else ""
            yield f"{key} is about building a release, and source.in_place builds nothing; remove it{instead}"


def complete_source(source: dict[str, t.Any]) -> dict[str, t.Any]:
    """The source with its kind and every key present."""
    kind = next(kind for kind in KINDS if kind in source)
    return {
        "kind": kind,
        "location": source[kind] if kind != "pypi" else None,
        "package": source[kind] if kind == "pypi" else None,
        **{name: value for name, value in complete(APP["source"].keys, source).items() if name not in KINDS},
    }
