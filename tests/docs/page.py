# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block of a page between its two markers, and the Markdown that blocks are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_MARKUP = re.compile(r"\b(RV|[BCEIMOPRUV])\(((?:[^()\\]|\\.|\([^()]*\))*)\)")
_STYLE = {"B": "**{}**", "I": "*{}*", "U": "<{}>"}


@dataclass(frozen=True)
class Block:
    """The text of ``page`` between the markers BEGIN and END of ``name``."""

    page: Path
    name: str
    text: str

    def placed(self) -> str:
        """The whole page with this block in it.

        :raises ValueError: the page lacks the markers.
        """
        begin, end = (f"<!-- {edge} {self.name} -->" if self.page.suffix == ".md" else f"# {edge} {self.name}" for edge in ("BEGIN", "END"))
        before, found, rest = self.page.read_text(encoding="utf-8").partition(begin)
        _old, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"{self.page} lacks the lines {begin} and {end}, which enclose its reference; add them")
        indent = before.rpartition("\n")[2]
        return f"{before}{begin}\n{self.text.strip(chr(10))}\n{indent}{end}{after}"

    def current(self) -> str:
        """The current page."""
        return self.page.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Page:
    """A page that is written from its beginning to its end."""

    page: Path
    text: str

    def placed(self) -> str:
        """The whole page."""
        return self.text

    def current(self) -> str:
        """The current page; empty if there is none."""
        return self.page.read_text(encoding="utf-8") if self.page.exists() else ""


def prose(text: str | list[str]) -> str:
    """Ansible's markup, such as C(this) and O(that), as Markdown on one line.

    :param text: a description, or its paragraphs.
    """
    paragraphs = [text] if isinstance(text, str) else text
    return " ".join(_MARKUP.sub(_styled, " ".join(paragraph.split())) for paragraph in paragraphs)


def _styled(match: re.Match[str]) -> str:
    kind, content = match[1], re.sub(r"\\(.)", r"\1", match[2])
    if kind in "MP":
        content = content.partition("#")[0]
    return _STYLE.get(kind, "`{}`").format(content)


def code(value: Any) -> str:
    """A value as it would be written in YAML."""
    plain = isinstance(value, str) and value and yaml.safe_load(value) == value
    return f"`{value if plain else json.dumps(value, ensure_ascii=False)}`"


def kind(spec: dict[str, Any]) -> str:
    """The type of an option, such as ``list of str``."""
    return f"{spec.get('type', 'str')}{' of ' + spec['elements'] if 'elements' in spec else ''}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    first = list(head)
    lines = [first, ["---"] * len(first), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
