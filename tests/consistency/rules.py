# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conventions of a role that no linter checks. Each rule takes the folder of a role and yields the problems, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from ansible.playbook.block import Block
from ansible.playbook.task import Task

from tests.docs.roles import entry_points, load

Rule = Callable[[Path], Iterator[str]]
RULES: list[Rule] = []

REQUIRED = {"README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml", "vars/main.yml"}
#: Optional: more tasks, templates and files. There are no handlers: a fileset activates its changes in the same step, so
#: a run that stops in between loses nothing.
OPTIONAL = ("tasks/*.yml", "templates/*.j2", "files/*", "files/*/*")

#: Names that begin with ansible_ and are not facts.
MAGIC = (
    "facts managed check_mode diff_mode port host user connection become become_user play_hosts play_hosts_all play_batch run_tags skip_tags version role_name"
    " parent_role_names python_interpreter"
)
BARE_FACT = re.compile(rf"\bansible_(?!(?:{MAGIC.replace(' ', '|')})\b)\w+|\bansible_facts\.\w+")
LOOKUP = re.compile(r"\b(?:lookup|query|q)\(\s*['\"]([^'\"]+)")
KEYWORDS = {*Task.fattributes, *Block.fattributes, "local_action"}
FULL_NAME = re.compile(r"\w+\.\w+\.(\w+|\{\{ \w+ \}\})")
MODE = re.compile(r"0[0-7]{3}|.*\{\{.*")

COMMENTED = r"\{\{ ansible_managed \| comment(\([^)]*\))? \}\}"
ROLE_LINE = r"(# |\{\{ ')flaskyard\.server:%s\b.*"


def rule(function: Rule) -> Rule:
    """Add a rule to RULES."""
    RULES.append(function)
    return function


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a tree of lists and mappings."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from walk(child)


def tasks_of(path: Path) -> Iterator[dict[str, Any]]:
    """Every task and block of a task file."""
    pending: list[dict[str, Any]] = list(load(path) or [])
    for task in pending:
        yield task
        for part in ("block", "rescue", "always"):
            pending += task.get(part, [])


def task_files(role: Path) -> list[Path]:
    """The task files of a role."""
    return sorted(role.glob("tasks/*.yml"))


@rule
def files(role: Path) -> Iterator[str]:
    """Every role has the same small set of files."""
    found = {str(path.relative_to(role)) for path in role.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    yield from (f"{name} is missing" for name in sorted(REQUIRED - found))
    for name in sorted(found - REQUIRED):
        if not any(PurePath(name).match(pattern) and len(PurePath(name).parts) == len(PurePath(pattern).parts) for pattern in OPTIONAL):
            yield f"{name} has no place in a role; the places are {', '.join(sorted(REQUIRED))} and {', '.join(OPTIONAL)}"


@rule
def variables(role: Path) -> Iterator[str]:
    """defaults/main.yml holds what meta/argument_specs.yml declares: the same names, order and values."""
    declared: dict[str, dict[str, Any]] = {}
    for spec in entry_points(role).values():
        for name, option in spec.get("options", {}).items():
            if name in declared and declared[name] != option:
                yield f"{name} is declared twice, and not alike; use a YAML anchor"
            declared[name] = option
    defaults: dict[str, Any] = load(role / "defaults" / "main.yml") or {}
    # Only the user defines flask_*, the inputs of the whole collection.
    expected = [name for name, option in declared.items() if not option.get("required") and not name.startswith("flask_")]
    if list(defaults) != expected:
        yield f"defaults/main.yml has {', '.join(defaults)}; meta/argument_specs.yml, in its order, {', '.join(expected)}"
    for name in set(defaults) & set(expected):
        value, option = defaults[name], declared[name]
        computed = isinstance(value, str) and "{{" in value
        if computed and "default" in option:
            yield f"{name} is computed ({value}), and its specification has a default, {option['default']!r}; say in its description what it is computed from"
        elif not computed and ("default" not in option or option["default"] != value or type(option["default"]) is not type(value)):
            yield f"{name} is {value!r} in defaults/main.yml and {option.get('default', 'without default')!r} in meta/argument_specs.yml"


@rule
def described(role: Path) -> Iterator[str]:
    """Every entry point is described, and every option, nested ones too, has a type and a description."""
    for entry, spec in entry_points(role).items():
        if missing := {"short_description", "description"} - set(spec):
            yield f"entry point {entry} has no {' and no '.join(sorted(missing))}"
        for holder in walk(spec):
            options = holder.get("options")
            for name, option in options.items() if isinstance(options, dict) else []:
                missing = {"type", "description"} - set(option)
                if option.get("type") == "list":
                    missing |= {"elements"} - set(option)
                if missing:
                    yield f"{name} has no {' and no '.join(sorted(missing))}"


@rule
def prefixes(role: Path) -> Iterator[str]:
    """Public variables begin with the role's name, internal ones with two underscores and the role's name."""
    declared = {name for spec in entry_points(role).values() for name in spec.get("options", {}) if not name.startswith("flask_")}
    registered = {task["register"] for path in task_files(role) for task in tasks_of(path) if "register" in task}
    for what, prefix, found in (
        ("public", f"{role.name}_", declared | set(load(role / "defaults" / "main.yml") or {})),
        ("internal", f"__{role.name}_", registered | set(load(role / "vars" / "main.yml") or {})),
    ):
        yield from (f"{name} is {what}; expected {prefix}…" for name in sorted(found) if not name.startswith((prefix, "ansible_python_")))


@rule
def contents(role: Path) -> Iterator[str]:
    """tasks/main.yml is a table of contents. Its tags are the role's name and one for each part. Elsewhere, only tasks that include a role have tags."""
    for task in load(role / "tasks" / "main.yml"):
        name, tags = task.get("name"), task.get("tags", [])
        if set(task) != {"name", "ansible.builtin.import_tasks", "tags"}:
            yield f"tasks/main.yml: {name!r} has {', '.join(task)}; expected name, ansible.builtin.import_tasks, tags and no more"
        # The role host must run with any tags: all others need its facts.
        expected = ["always"] if role.name == "host" else [role.name, f"{role.name}_…"]
        if tags != expected and not (len(tags) == 2 and tags[0] == role.name and tags[1].startswith(f"{role.name}_")):
            yield f"tasks/main.yml: {name!r} has the tags {tags}; expected {expected}"
    for path in task_files(role):
        if path.stem != "main":
            for task in tasks_of(path):
                # An included role has its own tags. It inherits those of the import above, but not those of the task.
                if "tags" in task and not ("ansible.builtin.include_role" in task and task["tags"] == ["always"]):
                    yield f"tasks/{path.name}: {task.get('name')!r} has tags; they belong to tasks/main.yml"


@rule
def runs_once(role: Path) -> Iterator[str]:
    """A role on which others depend imports no role: it runs once in a play, but tasks imported from another role run each time."""
    depended = {name for other in role.parent.glob("*/meta/main.yml") for name in load(other)["dependencies"]}
    if f"flaskyard.server.{role.name}" in depended:
        for path in task_files(role):
            yield from (f"tasks/{path.name}: {task['name']!r} imports a role" for task in tasks_of(path) if "ansible.builtin.import_role" in task)


@rule
def names(role: Path) -> Iterator[str]:
    """Every task is named after its file and what it does. The tasks in main.yml are imports, whose names no run shows."""
    for path in task_files(role):
        prefix = "" if path.stem == "main" else f"{path.stem} | "
        for task in tasks_of(path):
            if not re.match(rf"{re.escape(prefix)}[A-Z]\w", task.get("name", "")):
                yield f"tasks/{path.name}: a task is named {task.get('name')!r}; expected '{prefix}<Verb …>'"


@rule
def full_names(role: Path) -> Iterator[str]:
    """Modules, roles and lookups are called by their full names."""
    for path in task_files(role):
        for task in tasks_of(path):
            actions = [key for key in task if key not in KEYWORDS and not key.startswith("with_")]
            roles = [task[action]["name"] for action in actions if action.endswith("_role")]
            yield from (f"tasks/{path.name}: {name} is not a full name" for name in [*actions, *roles] if not FULL_NAME.fullmatch(name))
    yield from (f"meta/main.yml: {name} is not a full name" for name in load(role / "meta" / "main.yml")["dependencies"] if not FULL_NAME.fullmatch(name))
    for source, text in sources(role):
        yield from (f"{source}: the lookup {name} is not called by its full name" for name in LOOKUP.findall(text) if not FULL_NAME.fullmatch(name))


@rule
def facts(role: Path) -> Iterator[str]:
    """Facts are read as ansible_facts['…']."""
    for path, text in sources(role):
        yield from (f"{path}: {match[0]}; expected ansible_facts['…']" for match in BARE_FACT.finditer(text))


@rule
def headers(role: Path) -> Iterator[str]:
    """A rendered file says that Ansible manages it, and which role."""
    header = re.compile(rf"(#!.*\n)?{COMMENTED}\n{ROLE_LINE % role.name}\n")
    for path in sorted(role.glob("templates/*.j2")):
        text = path.read_text(encoding="utf-8")
        if not (header.match(text) or text.startswith(("{% extends ", "{#"))) and not copies(text):
            expected = f"'{{{{ ansible_managed | comment }}}}' and '# flaskyard.server:{role.name}'"
            yield f"templates/{path.name} begins with {text.splitlines()[0]!r}; expected the lines {expected}"


def copies(text: str) -> bool:
    """Whether a template only includes a file of the role, which has its own header."""
    return bool(re.fullmatch(r"\{\{ lookup\('ansible\.builtin\.file', [^{}]*\) -?\}\}\n", text))


@rule
def modes(role: Path) -> Iterator[str]:
    """Modes are four octal digits in quotes."""
    for path in [*role.glob("tasks/*.yml"), *role.glob("vars/*.yml")]:
        for mapping in walk(load(path)):
            if "mode" in mapping and not (isinstance(mapping["mode"], str) and MODE.fullmatch(mapping["mode"])):
                yield f'{path.relative_to(role)}: mode is {mapping["mode"]!r}; expected four octal digits in quotes, such as "0644"'


@rule
def metadata(role: Path) -> Iterator[str]:
    """The metadata for Galaxy is the same for all roles."""
    info = load(role / "meta" / "main.yml")["galaxy_info"]
    expected = {
        "author": "Flaskyard maintainers",
        "license": "GPL-3.0-or-later",
        "min_ansible_version": "2.19",
        "platforms": [{"name": "Debian", "versions": ["bookworm", "trixie"]}],
    }
    told = {key: value for key, value in info.items() if key != "description"}
    if told != expected or "description" not in info:
        yield f"meta/main.yml: galaxy_info is {told}; expected {expected} and a description"


def sources(role: Path) -> Iterator[tuple[PurePath, str]]:
    """The files of a role that Ansible evaluates: their paths below the role, and their text."""
    for path in sorted([*role.glob("*/*.yml"), *role.glob("templates/*.j2")]):
        # The prose in argument_specs.yml may name variables in any form.
        if path.name != "argument_specs.yml":
            yield path.relative_to(role), path.read_text(encoding="utf-8")
