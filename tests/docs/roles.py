# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of each role, from meta/argument_specs.yml, defaults/main.yml and tasks/main.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .page import ROOT, Block, code, kind, prose, table

ROLES = sorted(path.parents[1] for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def load(path: Path) -> Any:
    """The content of a YAML file; None where there is no such file."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    """The argument specifications of a role, by entry point."""
    specs: dict[str, dict[str, Any]] = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    return specs


def tags(role: Path) -> list[str]:
    """Tags of a role's table of contents, in order."""
    return list(dict.fromkeys(tag for task in load(role / "tasks" / "main.yml") for tag in task.get("tags", [])))


def blocks() -> Iterator[Block]:
    """A block for the README of each role, and one for the list of them."""
    for role in ROLES:
        yield Block(role / "README.md", "ARGUMENT SPECS", _reference(role))
    yield Block(ROOT / "docs" / "roles.md", "ROLES", table(("Role", "What it is", "Tags"), (_line(role) for role in ROLES)))


def _line(role: Path) -> tuple[str, ...]:
    link = f"[`{role.name}`](../roles/{role.name}/README.md)"
    return link, prose(entry_points(role)["main"]["short_description"]), ", ".join(f"`{tag}`" for tag in tags(role))


def _reference(role: Path) -> str:
    defaults = load(role / "defaults" / "main.yml") or {}
    parts = []
    for name, spec in entry_points(role).items():
        heading = "Variables" if name == "main" else f"Entry point `{name}`"
        parts += [f"## {heading}", prose(spec.get("description", spec["short_description"]))]
        rows = list(_rows(spec.get("options", {}), defaults))
        parts.append(table(("Variable", "Type", "Default", "Meaning"), rows) if rows else "No variables.")
    parts += ["## Tags", ", ".join(f"`{tag}`" for tag in tags(role))]
    return "\n\n".join(parts)


def _rows(options: dict[str, dict[str, Any]], defaults: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, spec in options.items():
        path = f"{prefix}{name}"
        yield f"`{path}`", kind(spec), _default(spec, name in defaults), meaning(spec)
        # The keys of apps and services are in docs/apps.md.
        yield from _rows({} if name.startswith("flask_") else spec.get("options", {}), {}, f"{path}[]." if spec.get("type") == "list" else f"{path}.")


def _default(spec: dict[str, Any], computed: bool) -> str:
    if spec.get("required"):
        return "*required*"
    if "default" in spec:
        return code(spec["default"])
    return "*computed*" if computed else ""


def meaning(spec: dict[str, Any]) -> str:
    """Description and choices of an option, and whether it stays out of logs and diffs."""
    choices = f" One of {', '.join(map(code, spec['choices']))}." if "choices" in spec else ""
    return prose(spec["description"]) + choices + (" Kept secret." if spec.get("no_log") else "")
