# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference pages match the code, and their examples work."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP
from ansible_collections.flaskyard.server.plugins.module_utils._apps.schema import Problem, check_mapping

from tests.docs.__main__ import stale
from tests.docs.page import ROOT, Block, code, prose
from tests.docs.roles import ROLES, entry_points, tags

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]


def test_reference_is_up_to_date() -> None:
    pages = [str(block.page.relative_to(ROOT)) for block in stale()]
    assert pages == [], "out of date; run python -m tests.docs"


def test_change_makes_a_page_stale(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# x\n<!-- BEGIN X -->\nold\n<!-- END X -->\nnotes\n")
    assert Block(page, "X", "new\n").placed() == "# x\n<!-- BEGIN X -->\nnew\n<!-- END X -->\nnotes\n"
    with pytest.raises(ValueError, match="lacks the lines"):
        Block(page, "Y", "new").placed()


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("as C(x) and V(y) of O(files[].path)", "as `x` and `y` of `files[].path`"),
        ("the filter P(flaskyard.server.apps#filter)", "the filter `flaskyard.server.apps`"),
        (r"C(lookup('file', 'x'\))", "`lookup('file', 'x')`"),
        ("C(create_app()) is code", "`create_app()` is code"),
        ("MAC(x) stays, B(bold) goes", "MAC(x) stays, **bold** goes"),
    ],
)
def test_markup_becomes_markdown(markup: str, markdown: str) -> None:
    assert prose(markup) == markdown


@pytest.mark.parametrize(("value", "text"), [("1h", "`1h`"), ("", '`""`'), ("12", '`"12"`'), (True, "`true`"), ([80, 443], "`[80, 443]`"), ({}, "`{}`")])
def test_values_look_as_in_yaml(value: object, text: str) -> None:
    assert code(value) == text
    assert yaml.safe_load(text.strip("`")) == value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_are_valid(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def examples(text: str) -> Iterator[str]:
    """The YAML examples of a page."""
    yield from re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_playbooks_in_role_readmes_are_playbooks(tmp_path: Path) -> None:
    for role in ROLES:
        playbook = next(examples((role / "README.md").read_text()), "")
        assert f"flaskyard.server.{role.name}" in playbook, f"roles/{role.name}/README.md begins with no playbook of the role"
        (tmp_path / f"{role.name}.yml").write_text(playbook)
    playbooks = sorted(map(str, tmp_path.glob("*.yml")))
    done = subprocess.run(["ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "plugins.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_names_in_pages_exist(page: Path) -> None:
    assert list(unknown_names(page.read_text())) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("`nginx_headers` and `nginx_install`, `survey`", []),
        ("set `nginx_header`", ["nginx_header"]),
        ("```yaml\nbackup_repo: sftp:x\n```\n", ["backup_repo"]),
        ("```yaml\nflask_apps:\n  - {name: shop, domain: shop.example.com}\n```\n", ["unknown key domain; did you mean 'domains'?"]),
        ("```yaml\nsource: {gti: x}\n```\n", ["unknown key source.gti; did you mean 'git'?"]),
    ],
)
def test_unknown_names_are_found(text: str, unknown: list[str]) -> None:
    assert list(unknown_names(text)) == unknown


def unknown_names(text: str) -> Iterator[str]:
    """The names in a page that do not exist: variables in prose, variables and keys of apps in examples."""
    variables = {name for role in ROLES for spec in entry_points(role).values() for name in spec.get("options", {})}
    nested = {*APP, *(name for key in APP.values() if key.items for name in key.items.keys)}
    others = {tag for role in ROLES for tag in tags(role)} | {path.stem for path in ROOT.glob("plugins/*/*.py")} | nested
    prose_name = re.compile(rf"`((?:{'|'.join(role.name for role in ROLES)})_[a-z_]+)`")
    yield from sorted(set(prose_name.findall(text)) - variables - others)
    for example in examples(text):
        content = yaml.safe_load(example)
        if not isinstance(content, dict):
            continue
        yield from sorted(set(content) - variables - set(APP) - {"flask_apps", "flask_proxy", "flask_manager"})
        for app in [*content.get("flask_apps", []), {key: value for key, value in content.items() if key in APP}]:
            problems: list[Problem] = []
            check_mapping(APP, {key: value for key, value in app.items() if key != "…"}, "", problems)
            yield from (problem.text for problem in problems if "is missing" not in problem.text)


def test_readme_links_every_role() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [role.name for role in ROLES if role.name != "host" and f"](roles/{role.name}/README.md)" not in readme] == []
