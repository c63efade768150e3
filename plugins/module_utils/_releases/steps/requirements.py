# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requirements files in pip's format, and which of their lines name only packages from an index."""

from __future__ import annotations

import codecs
import os
import re
import typing as t
from pathlib import Path

from .commands import StepError

#: Addresses without encryption: anybody on the way can change what is sent.
_OPEN = re.compile(r"\b(?:git\+)?(?:http|git)://[^\s\"']+")
_COMMENT = re.compile(r"(^|\s)#.*")
_INCLUDE = re.compile(r"(?:(?:-r|-c)\s*|--(?:requirement|constraint)(?:\s+|\s*=\s*))(\S+)")
#: Options with their values that install nothing from the tree.
_OPTION = re.compile(
    r"--(pre|require-hashes|prefer-binary|no-index)"
    r"|(-i\s*|--(index-url|extra-index-url|trusted-host|only-binary|no-binary|use-feature)(\s+|\s*=\s*))\S+"
    r"|(-f\s*|--find-links(\s+|\s*=\s*))https?://\S+"
)
#: A name with versions, or with an address that is not a file; then the requirement's markers and options.
_PACKAGE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]/]*\])?\s*(@\s*(git\+)?(https?|ssh|git)://\S+|\(?[<>=!~][^;@/\s]*(\s*,\s*[<>=!~][^;@/\s]*)*\)?)?\s*(;.*|--.*)?"
)
_ARCHIVE = re.compile(r"\.(whl|zip|tar|tar\.\w+|tgz|tbz|txz|tlz)\b", re.IGNORECASE)
#: Longer marks first: the mark of UTF-32 begins with that of UTF-16.
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_CODING = re.compile(rb"\A(?:[^\n]*\n)?[ \t]*#[^\n]*?coding[:=]\s*([-\w.]+)")


def read(path: Path, tree: Path, seen: dict[str, str] | None = None) -> dict[str, str]:
    """A requirements file and every file that it includes, by path relative to the tree.

    :raises StepError: if one of them cannot be read.
    """
    seen = {} if seen is None else seen
    relative = os.path.relpath(path, tree)
    if relative in seen:
        return seen
    try:
        seen[relative] = decoded(path.read_bytes())
    except FileNotFoundError as error:
        raise StepError(f"{relative} is not in the source; requirements name it, so add it, or correct the line that includes it") from error
    except (OSError, UnicodeDecodeError, LookupError) as error:
        raise StepError(f"{relative} cannot be read: {error}; save it as UTF-8") from error
    for included in includes(seen[relative]):
        if "://" not in included:
            read(path.parent / included, tree, seen)
    return seen


def decoded(content: bytes) -> str:
    """Text as pip reads it: by its byte order mark, or by the coding that its first two lines name (PEP 263), or as UTF-8.

    >>> decoded("flask".encode("utf-16"))
    'flask'
    """
    for mark, encoding in _BOMS.items():
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding)
    coding = _CODING.match(content)
    return content.decode(coding[1].decode() if coding else "utf-8")


def lines(text: str) -> t.Iterator[str]:
    """The lines without comments. Lines that a backslash continues are joined.

    >>> list(lines("flask \\\\\\n  --hash=x  # why\\n\\n# nothing"))
    ['flask   --hash=x']
    """
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line := _COMMENT.sub("", line).strip():
            yield line


def includes(text: str) -> list[str]:
    """The files that a text includes."""
    return [found[1] for line in lines(text) if (found := _INCLUDE.fullmatch(line))]


def is_of_an_index(line: str) -> bool:
    """Whether a line names a package that is not a file of the tree. A line that is not understood counts as a file.

    >>> [is_of_an_index(line) for line in ("flask>=3 ; python_version<'4'", "libs/common", "vendor-1.0-py3-none-any.whl", "-f vendor", "--index-url https://x")]
    [True, False, False, False, True]
    """
    if _INCLUDE.fullmatch(line) or _OPTION.fullmatch(line):
        return True
    package = _PACKAGE.fullmatch(line)
    return package is not None and ("://" in line or not _ARCHIVE.search(line.partition(";")[0]))


def assert_protected(name: str, text: str) -> None:
    """Refuse packages without a hash that come over an unencrypted connection.

    :raises StepError: if there is such an address.
    """
    for line in lines(text):
        if "--hash=" not in line and "#sha256=" not in line and _OPEN.search(line):
            raise StepError(
                f"{name} takes packages from http:// or git://, where anybody on the way can change them; use https, or set python_insecure_index: true"
            )
