# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code blocks of the pages, and the commands in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
HOWTOS = sorted(ROOT.glob("docs/howto/*.md"))
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A code block of a page, under its last heading."""

    heading: str
    language: str
    text: str


def shown(page: Path, *languages: str) -> Iterator[Shown]:
    """The code blocks of a page in these languages."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        if match["language"] in languages:
            headings = re.findall(r"^#+ (.*)$", re.sub(_BLOCK, "", text[: match.start()]), re.MULTILINE)
            yield Shown(headings[-1] if headings else "", match["language"], textwrap.dedent(match["text"]))


def commands(page: Path, *headings: str) -> Iterator[str]:
    """Each command line of the console blocks, without its prompt and comment; of all sections, or of those named."""
    for block in shown(page, "console"):
        for line in block.text.splitlines() if not headings or block.heading in headings else ():
            command = re.sub(r"\s+#\s.*$", "", line.removeprefix("$ ").removeprefix("# ")).strip()
            if command:
                yield command


class _Strict(yaml.SafeLoader):
    """Refuses a key that is there twice: of an example with two, only the last would be tested."""


def _mapping(loader: _Strict, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, dummy in node.value]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise yaml.constructor.ConstructorError(None, None, f"{twice} is there twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def declared(page: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The YAML blocks of a page that declare variables or keys of an app, with the headings that they stand under."""
    for block in shown(page, "yaml"):
        content = yaml.load(block.text, _Strict)
        if isinstance(content, dict):
            yield block.heading, content
