# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The serving slot as the source of the next one. It keeps everything that it is made of, so neither controller nor network is needed."""

from __future__ import annotations

from .._host.errors import HostError
from .._releases.records import Records
from .change import Change
from .folder import Record
from .recipe import SECRET_FILES, Recipe, asked_for
from .slots import Slots
from .survey import present, serving


def slot_that_serves(name: str) -> Record:
    """The record of an app's serving slot.

    :raises HostError: if no slot of the app serves here, or the serving slot has no record.
    """
    if record := serving(name):
        return record
    names = present()
    if name in names:
        raise HostError(f"nothing of {name} serves here, or an earlier version of Flaskyard started it; run site or deploy")
    raise HostError(f"there is no app {name!r} on this host; it has {', '.join(names) or 'none'}")


def assert_recallable(record: Record) -> None:
    """Check that nobody has changed the files from which the next slot would be made.

    :raises HostError: naming a changed file.
    """
    for path, mark in record.marks.items():
        _slot, dummy, own = path.removeprefix(f"{record.app['paths']['slots']}/").partition("/")
        if own.partition("/")[0] in ("env", "manifest.json", SECRET_FILES) and (difference := mark.differs(path)):
            raise HostError(f"{difference}, and the new slot is made from it; run site or deploy first, which repairs it")


def recalled(slots: Slots, record: Record, release: str) -> Change:
    """The change to a release, with everything else as in the serving slot, and with the wish that a controller would have for it."""
    folder = slots.folder(str(slots.links.current()))
    tree = Records(record.app).tree("releases", release)
    recipe = Recipe.recalled(release, tree, folder.shown(), folder.environment(), folder.secret_files())
    wish = asked_for(record.app, {"id": release}, recipe.files, recipe.env, record.manager, recipe.secret_files)
    return Change(slots, recipe, record.manager, wish)
