# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' command lines: split as a POSIX shell splits them, and run without a shell. Pure Python, no Ansible.

Everything else that a shell would do is refused, because the process would get C(&&) or C($HOME) as an argument.
"""

from __future__ import annotations

import re
import shlex

from .characters import NONCHARACTERS

#: Splits a command line into quoted and unquoted parts: POSIX 1003.1, 2.2 "Quoting".
_STRETCH = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^'\"\\]+", re.DOTALL)
_OPERATORS = {"|": "a pipe", "&": "'&'", ";": "';'", "<": "a redirection", ">": "a redirection", "(": "a subshell", ")": "a subshell"}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHELL = "a command runs without a shell; to use one, write sh -c '…'"


def parse_command(line: str) -> list[str]:
    """The arguments of a command line, the program first.

    >>> parse_command("celery -A shop worker --queues 'a b'")
    ['celery', '-A', 'shop', 'worker', '--queues', 'a b']

    :raises ValueError: if it cannot be split, or needs a shell.
    """
    if re.search(r"[\x00-\x1f\x7f]", line):
        raise ValueError("it contains a line break or another control character; write the command on one line")
    if NONCHARACTERS.search(line):
        raise ValueError("it contains a Unicode noncharacter, and systemd skips such a line; remove it")
    try:
        arguments = shlex.split(line)
    except ValueError as error:
        raise ValueError(f"its quotes do not match ({error}); close each quote") from error
    if not arguments or not arguments[0]:
        raise ValueError("it names no program")
    if _ASSIGNMENT.match(arguments[0]):
        raise ValueError(f"it begins with a variable, and {_SHELL}; put variables into env")
    for stretch in _STRETCH.findall(line):
        if stretch[0] not in "'\\" and (sign := re.search(r"[$`]", stretch)):
            raise ValueError(f"it contains '{sign[0]}' outside of single quotes, and {_SHELL}")
        if stretch[0] not in "'\"\\" and (sign := re.search(r"[|&;<>()]", stretch)):
            raise ValueError(f"it contains {_OPERATORS[sign[0]]} outside of quotes, and {_SHELL}")
    return arguments


def unit_command(arguments: list[str]) -> str:
    """Arguments as a line of C(ExecStart=) of systemd.service(5) that gives the process exactly these.

    :raises ValueError: if an argument contains a control character, which would end the line, or a noncharacter, with which systemd skips the line.
    """
    if any(re.search(r"[\x00-\x1f\x7f]", argument) or NONCHARACTERS.search(argument) for argument in arguments):
        raise ValueError("an argument contains a control character or a noncharacter")
    return " ".join(f'"{_escaped(argument)}"' for argument in arguments)


def _escaped(argument: str) -> str:
    for sign, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        argument = argument.replace(sign, escaped)
    return argument
