# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package indexes that a uv lock file took packages from, besides the host's index."""

from __future__ import annotations

import tomllib
import typing as t
from pathlib import Path

#: The default index, which the host's index replaces.
_DEFAULT = "https://pypi.org/simple"


def arguments(lock: Path, projects: t.Iterable[Path]) -> list[str]:
    """Options for C(uv pip install), so that it finds every package of a lock file. The hashes of the lock decide which file is used, in any index.

    :param projects: folders whose C(pyproject.toml) may name the indexes. By the name, uv finds an index's credentials in C(UV_INDEX_NAME_PASSWORD).
    """
    packages = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
    found = {package.get("source", {}).get("registry", "") for package in packages}
    addresses = sorted(address for address in found if "://" in address and address.rstrip("/") != _DEFAULT)
    names = {address: name for folder in projects for address, name in _named(folder)}
    options = [word for address in addresses for word in ("--index", f"{names[address]}={address}" if address in names else address)]
    # A package may be in several indexes, and only one may have the file from the lock.
    return [*options, "--index-strategy", "unsafe-best-match"] if options else []


def _named(folder: Path) -> t.Iterator[tuple[str, str]]:
    file = folder / "pyproject.toml"
    document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for index in document.get("tool", {}).get("uv", {}).get("index", []):
        if "name" in index and "url" in index:
            yield index["url"], index["name"]
