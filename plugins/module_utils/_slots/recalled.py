# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slot that serves, as what the next one is made from: it keeps all that it is made of, so nobody else is asked."""

from __future__ import annotations

from .._host.errors import HostError
from .._releases.records import Records
from .change import Change
from .folder import Record
from .recipe import SECRET_FILES, Recipe, asked_for
from .standing import Slots
from .survey import present, serving


def slot_that_serves(name: str) -> Record:
    """The record of the slot of an app that serves.

    :raises HostError: when nothing of the app serves here, or what serves was not written down.
    """
    if record := serving(name):
        return record
    names = present()
    if name in names:
        raise HostError(f"nothing of {name} serves here, or an earlier version of Flaskyard started it; run site or deploy")
    raise HostError(f"there is no app {name!r} on this host; it has {', '.join(names) or 'none'}")


def assert_recallable(record: Record) -> None:
    """See that nobody has changed what the next slot would be made from.

    :raises HostError: naming the file.
    """
    for path, mark in record.marks.items():
        _slot, dummy, own = path.removeprefix(f"{record.app['paths']['slots']}/").partition("/")
        if own.partition("/")[0] in ("env", "manifest.json", SECRET_FILES) and (difference := mark.differs(path)):
            raise HostError(f"{difference}, and the new slot is made from it; run site or deploy first, which puts it right")


def recalled(slots: Slots, record: Record, release: str) -> Change:
    """The change to a release with everything else as it is in the slot that serves, and with the wish that a controller would have for it."""
    folder = slots.folder(str(slots.links.current()))
    tree = Records(record.app).tree("releases", release)
    recipe = Recipe.recalled(release, tree, folder.shown(), folder.environment(), folder.secret_files())
    wish = asked_for(record.app, {"id": release}, recipe.files, recipe.env, record.manager, recipe.secret_files)
    return Change(slots, recipe, record.manager, wish)
