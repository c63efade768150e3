# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the plugins, from their DOCUMENTATION, EXAMPLES and RETURN."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .page import ROOT, Block, code, kind, prose, table
from .roles import meaning

#: Folder below plugins/ to the words of ansible-doc and of the reference.
KINDS = {"modules": ("module", "Modules"), "filter": ("filter", "Filters"), "callback": ("callback", "Callbacks"), "lookup": ("lookup", "Lookups")}


def constants(path: Path) -> dict[str, str]:
    """The texts that a plugin defines at its top level, such as DOCUMENTATION."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
            found[node.targets[0].id] = str(node.value.value)
    return found


def documented(folder: str) -> list[Path]:
    """Files below plugins/ that document a plugin."""
    return [path for path in sorted((ROOT / "plugins" / folder).glob("*.py")) if "DOCUMENTATION" in constants(path)]


def blocks() -> Iterator[Block]:
    """The block of docs/plugins.md."""
    parts: list[str] = []
    for folder, (_kind, heading) in KINDS.items():
        files = documented(folder)
        parts += [f"## {heading}"] if files else []
        parts += [_plugin(path) for path in files]
    yield Block(ROOT / "docs" / "plugins.md", "PLUGINS", "\n\n".join(parts))


def _plugin(path: Path) -> str:
    texts = constants(path)
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    returned = yaml.safe_load(texts.get("RETURN", "")) or {}
    parts = [
        f"### `flaskyard.server.{path.stem}`",
        f"{prose(documentation['short_description'])}.",
        "\n".join(f"- {prose(line)}" for line in documentation["description"]),
        *([table(("Option", "Type", "Default", "Meaning"), _options(documentation["options"]))] if documentation.get("options") else []),
        f"```yaml\n{texts['EXAMPLES'].strip()}\n```",
        table(("Returned", "Type", "Meaning"), _returned(returned)),
    ]
    return "\n\n".join(parts)


def _options(options: dict[str, dict[str, Any]], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, spec in options.items():
        default = "*required*" if spec.get("required") else code(spec["default"]) if "default" in spec else ""
        yield f"`{prefix}{name}`", kind(spec), default, meaning(spec)
        yield from _options(spec.get("suboptions", {}), f"{prefix}{name}[]." if spec["type"] == "list" else f"{prefix}{name}.")


def _returned(values: dict[str, dict[str, Any]], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, spec in values.items():
        yield f"`{prefix}{name}`", kind(spec), prose(spec["description"])
        yield from _returned(spec.get("contains", {}), f"{prefix}{name}.")
