# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find values in the inventory's files that YAML turns into others.

YAML 1.1 reads C(off) as false, C(0123) as 83 and C(10:30) as 630; https://yaml.org/type/. Ansible records the position of each name in a mapping, so
the file shows how the value is written there.
"""

from __future__ import annotations

import functools
import re
import typing as t

import yaml

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # not public; without it, the file of a value is not known
    Origin = None

_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_PLAIN_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)


def misread(apps: t.Any) -> t.Iterator[str]:
    """The values of C(env) that an app would not get as they are written, in words.

    :param apps: the value of C(flask_apps), of any type.
    """
    for app in apps if isinstance(apps, (list, tuple)) else ():
        env = app.get("env") if isinstance(app, dict) else None
        for name, value in env.items() if isinstance(env, dict) else ():
            if isinstance(value, int) and (written := _written(name)) and not _means_itself(written, value):
                yield f"app {str(app.get('name'))!r}: env.{name} is written {written}, which YAML reads as {str(value).lower()}; put it in quotes"


def _means_itself(written: str, value: int) -> bool:
    return (_PLAIN_BOOLEAN if isinstance(value, bool) else _PLAIN_INTEGER).fullmatch(written) is not None


def _written(name: t.Any) -> str | None:
    """How the value of a name is written in its file; None if that is not known."""
    origin = Origin.get_tag(name) if Origin else None
    if origin is None or not origin.path or not origin.line_num:
        return None
    return _scalars(origin.path).get((origin.line_num, origin.col_num))


@functools.cache
def _scalars(path: str) -> dict[tuple[int, int | None], str]:
    """The unquoted values in all mappings of a file, by line and column of their names; empty if it is not plain YAML."""
    try:
        with open(path, encoding="utf-8") as handle:
            nodes = list(yaml.compose_all(handle, Loader=yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
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
                    found[name.start_mark.line + 1, name.start_mark.column + 1] = value.value
                nodes.append(value)
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return found
