# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new SECRET_KEY for an app, through the gate and the switch of a deploy. Signatures of the old key stay valid until the next rotation."""

from __future__ import annotations

from .._host.environment_file import parse_environment_file
from .._host.errors import HostError
from .._releases.deploy_log import logged
from .._releases.records import Records
from .change import Change
from .recalled import assert_recallable, recalled, slot_that_serves
from .secret_keys import FALLBACKS, VARIABLE
from .slots import Slots


class RotationError(HostError):
    """The host has no key of this app to rotate. The text says why, and what to do."""


def rotate(name: str, check: bool = False) -> str:
    """Give an app a new key. Returns what was done, in words.

    :param check: report the change without making it.
    :raises HostError: if it fails. The app still runs with its present key.
    """
    record = slot_that_serves(name)
    slots, records = Slots(record.app), Records(record.app)
    with records.lock():
        record = slot_that_serves(name)
        assert_recallable(record)
        change = recalled(slots, record, record.release)
        _assert_own_key(name, change)
        if check:
            return f"{name}: would get a new {VARIABLE}, in a new slot"
        with logged("rotate", records, record.release), change.new_secret_key():
            change.run()
    return f"{name}: slot {slots.links.current()} serves with a new {VARIABLE}; the one before is in {FALLBACKS} until the next rotation"


def _assert_own_key(name: str, change: Change) -> None:
    """Check that the app runs with the host's key."""
    declared = parse_environment_file(change.recipe.env)
    if VARIABLE in declared:
        raise RotationError(
            f"app {name} declares {VARIABLE} in env, so the host has no key of it to rotate. Put a new one there, and the old one into "
            f"{FALLBACKS} beside it, as a JSON list of one text; then deploy"
        )
    if FALLBACKS in declared:
        raise RotationError(f"app {name} declares {FALLBACKS} in env, where the host would put the old key; remove it there and deploy, then rotate")
