# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and messages are plain English. Readers would have to read these phrases twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.page import ROOT

#: Each phrase with what to write in its place.
AVOIDED = {
    r"\bstands? (twice|once|\d+ times|in two)\b": "is listed twice",
    r"(?<![Tt]here )\b(is|are) no (?!longer\b|more\b)": "is not a",
    r"(?<![Tt]here )\bis none\b": "is not one",
    r"\bof (its|their) own\b(?! (accord|name|names|server|folders|connection|URLs))": "its own …, a separate …",
    r"\bwho knows (it|them)\b": "if you know it",
    r"\bhave the pinned\b": "install",
    r"\bfor whom\b": "choose it for",
    r"\bis told so\b": "gets …",
    r"\bhence the\b": "therefore …",
    r"\bfor want of\b": "without",
    r"\btells nobody\b": "is shown to nobody",
    r"\bha(s|ve) to be\b(?! in\b)": "must be",
    r"\b(is|are) told\b": "gets …, is reported",
    r"\bput right\b": "repaired",
    r"\banew\b": "again",
    r"\bout of use\b": "remove …, unused",
    r"\ball the same\b": "anyway",
    r"\bthere again\b": "back",
    r"\bknows no\b": "has no …",
    r"\bbeliev": "trust",
    r"\bas (it|they) stands?\b": "unchanged",
    r"\bwhich is why\b": "so",
    r"\bgets? none\b": "does not get any",
}
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md"), *ROOT.glob("roles/*/meta/*.yml")]
#: Whatever else has words: messages, names of tasks and tests, docstrings, comments, the changelog.
CODE = (
    "plugins/**/*.py",
    "roles/*/*/*",
    "playbooks/**/*.yml",
    "changelogs/**/*.y*ml",
    "tests/**/*.py",
    "molecule/**/*.py",
    "molecule/**/*.yml",
    "docs/**/*.py",
)

TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
#: A test is named for its subject.
RIDDLE = re.compile(r"test_(what|who|whoever|it|they|one_that|a|an|the)_")


def found(text: str) -> Iterator[str]:
    for pattern, better in AVOIDED.items():
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"line {line}: {match[0]!r}; write {better!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_read_well(page: Path) -> None:
    assert list(found(page.read_text(encoding="utf-8"))) == []


def test_code_reads_well() -> None:
    paths = [path for pattern in CODE for path in sorted(ROOT.glob(pattern)) if path.is_file() and path != Path(__file__)]
    assert {str(path.relative_to(ROOT)): problems for path in paths if (problems := list(found(path.read_text(encoding="utf-8"))))} == {}


def test_names_of_tests_are_short_statements() -> None:
    names = [
        name for pattern in ("tests/**/*.py", "molecule/**/*.py") for path in ROOT.glob(pattern) for name in TEST.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(names) > 900
    assert [name for name in names if RIDDLE.match(name) or name.count("_") > 10] == []


@pytest.mark.parametrize("text", ["the key stands twice", "it is no folder", "the file is none", "in a slot of its own", "for who knows it"])
def test_avoided_phrases_are_found(text: str) -> None:
    assert list(found(text))
