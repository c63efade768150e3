# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins accept exactly the options that they document."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._host.sealed import CARRIER
from ansible_collections.flaskyard.server.plugins.plugin_utils.misspelt import PARAMETERS
from ansible_collections.flaskyard.server.plugins.plugin_utils.variable_names import NAMES

from tests.docs.page import ROOT
from tests.docs.plugins import KINDS, constants, documented
from tests.docs.roles import ROLES, load

COLLECTION = "ansible_collections.flaskyard.server.plugins"
MODULES = documented("modules")
DEFAULTS = {"type": "str", "required": False, "default": None, "elements": None, "choices": None}


def normal(options: dict[str, Any], below: str) -> dict[str, Any]:
    """Options in one form, whether they come from a documentation or an argument specification."""
    return {
        name: {**{key: option.get(key, default) for key, default in DEFAULTS.items()}, "options": normal(option.get(below) or {}, below)}
        for name, option in options.items()
    }


class SpecificationSeen(Exception):
    """Ends a module as soon as it has passed its argument specification."""


def specification(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The argument specification of a module, or of the action plugin that does all of its work."""
    module = importlib.import_module(f"{COLLECTION}.modules.{path.stem}")
    base = next((name for name in ("SealedModule", "AnsibleModule") if hasattr(module, name)), None)
    if base is None:
        return next(literal_specifications(ROOT / "plugins" / "action" / path.name))

    def see(argument_spec: dict[str, Any], **_more: Any) -> None:
        raise SpecificationSeen(argument_spec)

    monkeypatch.setattr(module, base, see)
    with pytest.raises(SpecificationSeen) as seen:
        module.main()
    found: dict[str, Any] = seen.value.args[0]
    return found


def literal_specifications(path: Path) -> Iterator[dict[str, Any]]:
    """The specifications that an action plugin passes to ``validate_argument_spec``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "validate_argument_spec":
            yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_documentation_is_the_argument_specification(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documentation = yaml.safe_load(constants(path)["DOCUMENTATION"])
    assert normal(documentation["options"], "suboptions") == normal(specification(path, monkeypatch), "options")


def secret_options(specification: dict[str, Any], path: str = "") -> Iterator[str]:
    """The options of a specification that are marked secret, at any depth."""
    for name, option in specification.items():
        if option.get("no_log"):
            yield f"{path}{name}"
        yield from secret_options(option.get("options") or {}, f"{path}{name}.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_secrets_reach_a_module_sealed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(secret_options(specification(path, monkeypatch))) <= {CARRIER}


@pytest.mark.parametrize("path", [path for path in MODULES if "SealedModule(" in path.read_text(encoding="utf-8")], ids=lambda path: path.stem)
def test_sealed_modules_have_an_action_plugin_that_seals(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CARRIER in specification(path, monkeypatch)
    assert "seal(" in (ROOT / "plugins" / "action" / path.name).read_text(encoding="utf-8")


def test_nested_secret_is_found() -> None:
    assert list(secret_options({"apps": {"options": {"tls": {"options": {"key": {"no_log": True}}}}}})) == ["apps.tls.key"]


@pytest.mark.parametrize(
    ("documented_option", "real_option"),
    [
        ({"type": "int", "default": 1}, {"type": "int", "default": 2}),
        ({"type": "int"}, {"type": "str"}),
        ({"type": "str"}, {"type": "str", "required": True}),
        ({"type": "list", "elements": "str"}, {"type": "list"}),
        ({"choices": ["a"]}, {"choices": ["a", "b"]}),
        ({"type": "dict", "suboptions": {"a": {}}}, {"type": "dict", "options": {"a": {}, "b": {}}}),
    ],
)
def test_differences_are_seen(documented_option: dict[str, Any], real_option: dict[str, Any]) -> None:
    assert normal({"x": documented_option}, "suboptions") != normal({"x": real_option}, "options")


def test_every_action_plugin_has_a_module_to_document_it() -> None:
    assert {path.stem for path in ROOT.glob("plugins/action/*.py")} <= {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_say_what_check_mode_and_diff_do(path: Path) -> None:
    attributes = yaml.safe_load(constants(path)["DOCUMENTATION"])["attributes"]
    assert {"check_mode", "diff_mode"} <= set(attributes)


@pytest.mark.parametrize("path", documented("filter"), ids=lambda path: path.stem)
def test_filters_are_named_like_their_file(path: Path) -> None:
    filters = importlib.import_module(f"{COLLECTION}.filter.{path.stem}").FilterModule().filters()
    assert set(filters) == {path.stem} == {yaml.safe_load(constants(path)["DOCUMENTATION"])["name"]}


@pytest.mark.parametrize("folder", [folder for folder in KINDS if documented(folder)])
def test_ansible_doc_shows_plugins(folder: str) -> None:
    names = [f"flaskyard.server.{path.stem}" for path in documented(folder)]
    assert set(ansible_doc(KINDS[folder][0], *names)) == set(names)


def test_ansible_doc_shows_roles() -> None:
    names = [f"flaskyard.server.{role.name}" for role in ROLES]
    assert set(ansible_doc("role", *names)) == set(names)


def ansible_doc(kind: str, *names: str) -> dict[str, Any]:
    """The output of ansible-doc for plugins of a kind."""
    done = subprocess.run(["ansible-doc", "--json", "--type", kind, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_files_have_a_copyright_and_a_licence() -> None:
    owner, licence = "# Copyright: (c) 2026, Flaskyard maintainers\n", "# SPDX-License-Identifier: GPL-3.0-or-later\n"
    # What has documentation says it as `ansible-test` looks for it, too.
    documented = "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8").removeprefix("#!/usr/bin/python\n") for path in ROOT.glob("plugins/**/*.py")}
    assert [str(path) for path, text in texts.items() if not text.startswith((owner + licence, owner + documented + licence))] == []


def test_playbooks_name_their_hosts_and_roles() -> None:
    for path in ROOT.glob("playbooks/*.yml"):
        for play in load(path):
            assert play["hosts"] in ("{{ lookup('flaskyard.server.targets', target | default('flask')) }}", "localhost"), path.name
            assert all(role["role"].startswith("flaskyard.server.") for role in play.get("roles", [])), path.name


def test_parameters_of_playbooks_are_known_to_the_spelling_check() -> None:
    paths = [path for path in ROOT.glob("playbooks/*.yml") if path.stem != "init"] + [ROOT / "roles/app/tasks/slots.yml"]
    used = {name for path in paths for name in re.findall(r"\b([a-z]\w*) \| (?:default|mandatory)\(", path.read_text(encoding="utf-8"))}
    assert used - NAMES == {*PARAMETERS}


def test_static_role_names_do_not_come_from_the_inventory() -> None:
    """Ansible reads the name of a static role before there is a host, so it would miss the host's variables."""
    for path in ROOT.glob("playbooks/*.yml"):
        for play in load(path):
            imported = [task["ansible.builtin.import_role"]["name"] for task in play.get("tasks", []) if "ansible.builtin.import_role" in task]
            assert not [name for name in [*imported, *(role["role"] for role in play.get("roles", []))] if "{{" in name], path.name
