# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in pages exist and accept their arguments. `tests/drills/test_howtos.py` runs those of the how-to pages."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._cli.main import parser

from tests.docs.roles import ROLES
from tests.pages import ROOT, commands

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]
PLAYBOOK = re.compile(r"(?:flaskyard\.server\.|playbooks/)?(\w+)(?:\.yml)?")
#: What a playbook evaluates. Other words in it, such as of its tasks' names, are not variables.
EXPRESSION = re.compile(r"\{\{(.*?)\}\}|\b(?:when|that): (.*)")
OPTIONS = argparse.ArgumentParser(exit_on_error=False)
OPTIONS.add_argument("playbook")
OPTIONS.add_argument("-i", "--inventory")
OPTIONS.add_argument("-e", dest="variables", action="append", default=[])
OPTIONS.add_argument("--private-key")
OPTIONS.add_argument("--vault-password-file")
OPTIONS.add_argument("--tags")
for switch in ("--check", "--diff", "--ask-vault-pass"):
    OPTIONS.add_argument(switch, action="store_true")


def problems(command: str) -> Iterator[str]:
    """What is wrong with a command line."""
    try:
        program, *words = shlex.split(command)
        if program == "ansible-playbook" and "…" not in words:
            yield from _problems_of_playbook(OPTIONS.parse_args(words))
        elif program == "flaskyard":
            parser().parse_args(words)
        elif program == "make" and not re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE):
            yield f"the Makefile has no {words[0]}"
    except (argparse.ArgumentError, SystemExit, ValueError) as error:
        yield str(error)


def _problems_of_playbook(given: argparse.Namespace) -> Iterator[str]:
    match = PLAYBOOK.fullmatch(given.playbook)
    path = ROOT / "playbooks" / f"{match[1] if match else ''}.yml"
    if not path.exists():
        yield f"there is no playbook {given.playbook}"
        return
    known = {"target"} | {
        word for parts in EXPRESSION.findall(path.read_text()) for expression in parts for word in re.findall(r"(?<![\w.'])[a-z]\w*", expression)
    }
    if path.stem in ("site", "deploy"):
        known |= {word for role in ROLES for tasks in role.glob("tasks/*.yml") for word in re.findall(r"(\w+) \| default", tasks.read_text())}
    yield from (f"{path.name} does not read {name}" for name in (variable.partition("=")[0] for variable in given.variables) if name not in known)


def written(page: Path) -> list[str]:
    """Command lines of the console blocks, and those between backticks: with their arguments, not a mere name of a verb or its grammar."""
    inline = re.findall(r"`((?:ansible-playbook (?:flaskyard|playbooks|site|-i)|flaskyard \w+ )[^`…\[\]]*)`", page.read_text())
    return [*commands(page), *inline]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_pages_exist(page: Path) -> None:
    assert {command: found for command in written(page) if (found := list(problems(command)))} == {}


@pytest.mark.parametrize(
    "command",
    [
        *("make nothing", "flaskyard rollback", "flaskyard restart shop --fast", "ansible-playbook flaskyard.server.sites"),
        *(
            "ansible-playbook flaskyard.server.rotate -e apps=shop",
            "ansible-playbook flaskyard.server.rotate -e become=shop",
            "ansible-playbook flaskyard.server.site --faster",
            "ansible-playbook 'site.yml",
        ),
    ],
)
def test_wrong_commands_are_seen(command: str) -> None:
    assert list(problems(command))
