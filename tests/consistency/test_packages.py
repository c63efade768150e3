# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of `plugins/module_utils`: which may import which, and where each is tested."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]

PACKAGES = ROOT / "plugins" / "module_utils"
#: The packages that each package may import besides itself.
ARROWS: dict[str, set[str]] = {
    "_host": set(),
    "_apps": set(),
    "_releases": {"_host"},
    "_filesets": {"_host"},
    "_certificates": {"_host"},
    "_databases": {"_host"},
    "_slots": {"_host", "_releases"},
    "_backup": {"_databases", "_host", "_releases", "_slots"},
    "_cli": {"_host", "_releases", "_slots", "_certificates", "_backup"},
}


def test_all_packages_are_listed() -> None:
    assert {path.name for path in PACKAGES.iterdir() if path.name != "__pycache__"} == set(ARROWS)


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_only_what_they_may(package: str) -> None:
    for path in (PACKAGES / package).rglob("*.py"):
        for name in used_packages(path):
            assert name in ARROWS[package] | {package}, f"{path.relative_to(ROOT)} uses {name}"


def test_library_on_the_host_is_complete_without_ansible() -> None:
    variables = yaml.safe_load((ROOT / "roles" / "host" / "vars" / "main.yml").read_text(encoding="utf-8"))
    found = {path.relative_to(PACKAGES) for pattern in variables["__host_library_patterns"] for path in PACKAGES.glob(pattern)}
    installed = {path.with_suffix("") for path in found - set(map(Path, variables["__host_library_excluded"]))}
    assert Path("_slots/gate") in installed
    for module in installed:
        path = PACKAGES / module.with_suffix(".py")
        assert not imports_ansible(path), f"{module} imports Ansible"
        assert own_imports(path) <= installed, f"{module} imports {own_imports(path) - installed}, which is not installed"


@pytest.mark.parametrize("package", ARROWS)
def test_tests_are_in_the_folder_of_their_package(package: str) -> None:
    assert list((ROOT / "tests" / "unit" / package.removeprefix("_")).glob("test_*.py"))


def used_packages(path: Path) -> set[str]:
    """The packages from which a file imports, by relative import."""
    return {module.parts[0] for module in own_imports(path)}


def own_imports(path: Path) -> set[Path]:
    """The modules that a file imports by relative import, such as `_slots/gate`."""
    here = path.relative_to(PACKAGES).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            target = Path(*here[: len(here) - node.level + 1], *(node.module or "").split("."))
            found.update({target / alias.name for alias in node.names} if (PACKAGES / target).is_dir() else {target})
    return found


def imports_ansible(path: Path) -> bool:
    """Whether a file imports from Ansible."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [name for node in nodes for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])]
    return any(name.split(".")[0] == "ansible" for name in names)
