# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of both forges cover everything in the repository."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.docs.page import ROOT


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / f"{name}.yml").read_text())
    return found


def gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    return found


def test_every_scenario_is_in_the_matrix() -> None:
    matrix = workflow("ci")["jobs"]["scenarios"]["strategy"]["matrix"]
    assert sorted(matrix["scenario"]) == sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


def test_both_forges_test_the_same_versions() -> None:
    on_github = {(entry["python"], entry["core"]) for entry in workflow("ci")["jobs"]["unit"]["strategy"]["matrix"]["include"]}
    assert on_github == {(entry["PYTHON"], entry["CORE"]) for entry in gitlab()["unit"]["parallel"]["matrix"]}


def test_nightly_pipelines_run_every_part() -> None:
    [parts] = re.findall(r"^PARTS := (.+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    on_github = workflow("nightly")["jobs"]["test-all"]["strategy"]["matrix"]["parts"]
    assert sorted(" ".join(on_github).split()) == sorted(parts.split())
    assert gitlab()["nightly"]["parallel"]["matrix"] == [{"PARTS": on_github}]


def test_pipelines_in_pages_run_playbooks_that_exist() -> None:
    text = (ROOT / "docs/howto/automation.md").read_text()
    pipelines = [yaml.safe_load(fence) for fence in re.findall(r"^```yml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    assert [sorted(map(str, pipeline)) for pipeline in pipelines] == [["True", "concurrency", "jobs", "name"], ["deploy"]]
    named = set(re.findall(r"flaskyard\.server\.([a-z]+)", text)) - {"progress"}
    assert named and all((ROOT / "playbooks" / f"{name}.yml").exists() for name in named), named
