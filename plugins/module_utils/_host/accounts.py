# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts and groups of the host, by name and by number."""

from __future__ import annotations

import grp
import pwd


def user_id(name: str) -> int:
    """The numeric id of an account; -1 if there is none yet."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def group_id(name: str) -> int:
    """The numeric id of a group; -1 if there is none yet."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def user_name(number: int) -> str:
    """The name of an account; the number if no account has it."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """The name of a group; the number if no group has it."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def members(group: str) -> list[str]:
    """The accounts for which a group is supplementary; none if there is no such group."""
    try:
        return grp.getgrnam(group).gr_mem
    except KeyError:
        return []
