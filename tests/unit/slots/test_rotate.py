# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new SECRET_KEY, with the fakes of `test_change.py`: the app's variables, refusals, and a kill at every moment."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError
from ansible_collections.flaskyard.server.plugins.module_utils._slots import rotate as rotate_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots.change import SlotError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.gate import GateError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.rotate import rotate
from ansible_collections.flaskyard.server.plugins.module_utils._slots.secret_keys import SecretKeys, without_keys
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.slots import test_change, test_rollback
from tests.unit.slots.test_change import Killed
from tests.unit.slots.test_rollback import Shop

site = test_change.site
plain_shop = test_rollback.shop


@pytest.fixture
def shop(plain_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(rotate_module, "Slots", lambda app: plain_shop.site.slots)
    plain_shop.deploy("r1")
    return plain_shop


def keys(shop: Shop) -> tuple[str, list[str]]:
    """What the slot that serves signs with, and what else it accepts."""
    environment = shop.site.slots.folder(str(shop.site.current)).environment()
    return environment["SECRET_KEY"], json.loads(environment.get("SECRET_KEY_FALLBACKS", "[]"))


def stored(shop: Shop) -> Path:
    return Path(shop.site.app["paths"]["secret_key"])


def test_old_key_stays_valid_until_the_next_rotation(shop: Shop) -> None:
    (first, none), old = keys(shop), shop.site.current
    assert none == [] and "would get a new SECRET_KEY" in rotate("shop", check=True) and shop.site.current == old
    said = rotate("shop")
    assert f"slot {shop.site.current} serves with a new SECRET_KEY" in said
    second, fallbacks = keys(shop)
    assert fallbacks == [first] != [second] and len(second) == 64 and shop.site.current != old
    assert shop.site.slots.present() == [shop.site.current]
    assert shop.site_run("r1") == [], "the controller has the same wish for the same slot"
    rotate("shop")
    assert keys(shop)[1] == [second]
    assert shop.log() == [("rotate", "r1", "ok")] * 2


def test_failed_slot_keeps_the_old_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before, slot = stored(shop).read_text(), shop.site.current

    def refuse(path: str, dead: t.Callable[[], str]) -> None:
        raise GateError("GET / gave status 500")

    with monkeypatch.context() as patch, pytest.raises(SlotError, match="gate: GET / gave status 500"):
        patch.setattr(shop.site.gate, "wait", refuse)
        rotate("shop")
    assert (stored(shop).read_text(), shop.site.current) == (before, slot)
    assert shop.site_run("r1") == []


@pytest.mark.parametrize("moment", range(8))
def test_next_run_finishes_a_killed_rotation(shop: Shop, moment: int) -> None:
    first, dummy = keys(shop)
    shop.site.manager.kill_at = len(shop.site.manager.calls) + moment
    with contextlib.suppress(Killed):
        rotate("shop")
    shop.site.manager.kill_at = -1
    assert keys(shop) == (first, []) or keys(shop)[1] == [first]
    shop.site_run("r1")
    assert keys(shop)[1] == [first] and shop.site_run("r1") == []


@pytest.mark.parametrize(("env", "words"), [('SECRET_KEY="mine"\n', "declares SECRET_KEY in env"), ('SECRET_KEY_FALLBACKS="[]"\n', "remove it there")])
def test_rotation_of_an_inventory_key_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch, env: str, words: str) -> None:
    monkeypatch.setattr(test_rollback, "ENV", env)
    shop.deploy("r1")
    before = stored(shop).read_text()
    with pytest.raises(HostError, match=words):
        rotate("shop")
    assert stored(shop).read_text() == before


def test_both_keys_come_back_from_the_slot_that_has_them(shop: Shop) -> None:
    rotate("shop")
    text = stored(shop).read_text()
    stored(shop).unlink()
    shop.change("r1").ensure_secret_key()
    assert stored(shop).read_text() == text


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1), st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_keys_pass_file_and_environment_unchanged(current: str, before: str) -> None:
    kept = SecretKeys(current, before)
    assert SecretKeys.read(kept.text) == SecretKeys.of({"A": "b", **kept.variables}) == kept
    assert without_keys({"A": "b", **kept.variables}) == {"A": "b"}


@pytest.mark.parametrize("value", ["", "no list", "{}", "[1]", '"text"'])
def test_invalid_fallbacks_give_no_previous_key(value: t.Any) -> None:
    assert SecretKeys.of({"SECRET_KEY": "a", "SECRET_KEY_FALLBACKS": value}) == SecretKeys("a")
