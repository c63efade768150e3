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
#: What the playbooks take with C(-e).
PARAMETERS = ("app", "command", "deploy_serial", "purge", "redeploy", "release", "repeat_release_command", "secret_key", "snapshot", "target")
#: The same for them: C(apps) and C(app) give 0.86.
_ALIKE_PARAMETERS = 0.8
#: Prefixes that well-known roles of others do not have.
_OURS = ("backup_", "fastcgi_", "firewall_", "flask_", "granian_", "gunicorn_", "mod_wsgi_", "passenger_", "tls_", "uwsgi_", "valkey_", "waitress_")
_PREFIXES = tuple(sorted({f"{name.partition('_')[0]}_" for name in NAMES}))


def misspelt(names: t.Iterable[str], own: t.Collection[str]) -> t.Iterator[str]:
    """What is wrong with the names of variables, in words.

    :param names: of all variables of a host.
    :param own: those that are the user's own, however alike they are.
    """
    for name in sorted(names):
        if name.startswith(_PREFIXES) and name not in NAMES and name not in own:
            for meant in _meant(name):
                yield f"no role has the variable {name}; did you mean {meant}? If it is your own, add it to the list host_own_variables"


def without_effect(names: t.Iterable[str], own: t.Collection[str]) -> list[str]:
    """The variables that begin as those of our roles, and that no role has. They may belong to a role of somebody else.

    :param names: of all variables of a host.
    :param own: as in C(misspelt).
    """
    return sorted(name for name in names if name.startswith(_OURS) and name not in NAMES and name not in own and not _meant(name))


def misspelt_parameters(names: t.Iterable[str]) -> t.Iterator[str]:
    """What is wrong with the names of variables on the command line, in words. A misspelt C(app) would mean all apps.

    :param names: of all variables on the command line.
    """
    for name in sorted({*names} - {*PARAMETERS}):
        for meant in difflib.get_close_matches(name, PARAMETERS, 1, _ALIKE_PARAMETERS):
            yield f"-e {name}: the playbooks have no such parameter; did you mean {meant}? A variable of your own needs another name"


def _meant(name: str) -> list[str]:
    """The variable that is almost called so; empty if there is none."""
    # A name whose last word is cut short, then one with another order of letters in one word.
    longer = sorted(meant for meant in NAMES if meant.startswith(name) and "_" not in meant[len(name) :])
    return difflib.get_close_matches(name, NAMES, 1, _ALIKE) or longer[:1] or [meant for meant in NAMES if _swapped(name, meant)][:1]


def _swapped(name: str, meant: str) -> bool:
    return len(name) == len(meant) and sorted(name) == sorted(meant) and sum(one != other for one, other in zip(name, meant, strict=True)) == 2
