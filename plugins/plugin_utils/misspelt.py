# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that are almost called as those of the roles: Ansible takes any name, and a misspelt one would have no effect."""

from __future__ import annotations

import difflib
import typing as t

from .variable_names import NAMES

#: How alike two names are, from 0 to 1 (C(difflib)). A letter more or less in the shortest name gives 0.94; names of other well-known roles stay below 0.91.
_ALIKE = 0.91
_PREFIXES = tuple(sorted({f"{name.partition('_')[0]}_" for name in NAMES}))


def misspelt(names: t.Iterable[str], own: t.Collection[str]) -> t.Iterator[str]:
    """What is wrong with the names of variables, in words.

    :param names: of all variables of a host.
    :param own: those that are the user's own, however alike they are.
    """
    for name in sorted(names):
        if name.startswith(_PREFIXES) and name not in NAMES and name not in own:
            for meant in difflib.get_close_matches(name, NAMES, 1, _ALIKE) or _longer(name)[:1]:
                yield f"no role has the variable {name}; did you mean {meant}? If it is your own, add it to the list host_own_variables"


def _longer(name: str) -> list[str]:
    """The variables whose last word is cut short in this name."""
    return sorted(meant for meant in NAMES if meant.startswith(name) and "_" not in meant[len(name) :])
