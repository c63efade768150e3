# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find values in the inventory's files that YAML turns into others.

YAML 1.1 reads C(off) as false, C(0123) as 83 and C(10:30) as 630; https://yaml.org/type/. Ansible records the position of names and numbers in files, also of
numbers that come from a vault through a variable, so the file shows how they are written there.
"""

from __future__ import annotations

import functools
import re
import typing as t

import yaml
from ansible.errors import AnsibleError

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # not public; without it, the file of a value is not known
    Origin = None

Read = t.Callable[[str], str]
_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_PLAIN_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)


def misread(apps: t.Any, read: Read) -> t.Iterator[str]:
    """The values of C(env) that an app would not get as they are written, in words. A value of another file, which may be the vault, is not quoted.

    :param apps: the value of C(flask_apps), of any type.
    :param read: returns the text of a file, decrypted.
    """
    for app in apps if isinstance(apps, (list, tuple)) else ():
        env = app.get("env") if isinstance(app, dict) else None
        for name, value in env.items() if isinstance(env, dict) else ():
            # Ansible records no position for booleans.
            here, there = _written(name, read), None if isinstance(value, bool) else _written(value, read)
            where = f"app {str(app.get('name'))!r}: env.{name}"
            if not isinstance(value, int) or all(written is None or _means_itself(written, value) for written in (here, there)):
                continue
            if here:
                yield f"{where} is written {here}, which YAML reads as {str(value).lower()}; put it in quotes"
            else:
                yield f"{where} has its value from {_place(value)}, where YAML reads another number, as 83 for 0123; put it in quotes there"


def _means_itself(written: str, value: int) -> bool:
    return (_PLAIN_BOOLEAN if isinstance(value, bool) else _PLAIN_INTEGER).fullmatch(written) is not None


def _written(tagged: t.Any, read: Read) -> str | None:
    """How a value is written in its file, by its own position or that of its name; None if that is not known."""
    origin = Origin.get_tag(tagged) if Origin else None
    if origin is None or not origin.path or not origin.line_num:
        return None
    return _scalars(origin.path, read).get((origin.line_num, origin.col_num))


def _place(value: t.Any) -> str:
    origin = Origin.get_tag(value)
    return f"{origin.path}, line {origin.line_num}"


@functools.cache
def _scalars(path: str, read: Read) -> dict[tuple[int, int | None], str]:
    """The unquoted values in all mappings of a file, by line and column of their names and of themselves; empty if it is not plain YAML."""
    try:
        nodes = list(yaml.compose_all(read(path), Loader=yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError, AnsibleError):
        return {}
    found, seen = {}, set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:  # an anchor may contain its own alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if isinstance(value, yaml.ScalarNode) and value.style is None:
                    for mark in (name.start_mark, value.start_mark):
                        found[mark.line + 1, mark.column + 1] = value.value
                nodes.append(value)
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return found
