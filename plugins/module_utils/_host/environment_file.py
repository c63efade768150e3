# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write systemd's EnvironmentFile format so that every value arrives unchanged.

The rule is in systemd.exec(5), EnvironmentFile=: inside double quotes a backslash escapes C(" \\ ` $), and every other character, newlines
included, stands for itself.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r'(["\\`$])')
_LINE = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"\n', re.DOTALL)


def environment_file(variables: dict[str, str]) -> str:
    """The text of the file, with the variables sorted by name."""
    return "".join(f"{name}={quote(value)}\n" for name, value in sorted(variables.items()))


def quote(value: str) -> str:
    """One value in double quotes."""
    escaped = _SPECIAL.sub(r"\\\1", value)
    return f'"{escaped}"'


def parse_environment_file(text: str) -> dict[str, str]:
    """The variables in a text that C(environment_file) made."""
    return {name: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for name, value in _LINE.findall(text)}
