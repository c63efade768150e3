# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of a slot, and everything derived from it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flaskyard.server.plugins.module_utils._host.environment_file import parse_environment_file
from ansible_collections.flaskyard.server.plugins.module_utils._slots.recipe import Recipe, asked_for, difference, loopback_address

RECIPE = Recipe("r1", "/srv/r1", {"service": "ExecStart=@FLASKYARD_RELEASE_DIR@ @FLASKYARD_SLOT@ @FLASKYARD_SLOT_DIR@"}, 'TOKEN="hunter2"\n')
SECRET_FILES = {"a.cfg": {"variable": "A", "content": "aHVudGVyMg=="}}


def test_slot_name_depends_on_all_its_settings() -> None:
    name = RECIPE.slot("key")
    assert name == RECIPE.slot("key") and len(name) == 10
    others: list[tuple[str, t.Any]] = [("release", "r2"), ("files", {"service": "other"}), ("env", 'TOKEN="hunter3"\n')]
    assert name not in {dataclasses.replace(RECIPE, **{field: value}).slot("key") for field, value in others} | {RECIPE.slot("other")}
    other_file = {**SECRET_FILES, "a.cfg": {**SECRET_FILES["a.cfg"], "content": "bmV3"}}
    assert len({dataclasses.replace(RECIPE, secret_files=files).slot("key") for files in ({}, SECRET_FILES, other_file)}) == 3
    assert dataclasses.replace(RECIPE, release_dir="/elsewhere").slot("key") == name, "where it lies follows from its id"


def test_slot_names_are_stable_across_versions() -> None:
    assert RECIPE.slot("key") == "8f7a81b2db", "an upgrade would restart each app"


def test_digest_does_not_depend_on_the_origin_of_the_code() -> None:
    one, other = ({"id": "r1", "source": {"location": place}} for place in ("/home/ada/shop", "/builds/7"))
    assert asked_for({}, one, {}, "", "systemd", {}) == asked_for({}, one, {}, "", "systemd") != asked_for({}, one, {}, "", "systemd", SECRET_FILES)
    assert asked_for({}, one, {}, "", "systemd") == asked_for({}, other, {}, "", "systemd") != asked_for({}, {"id": "r2"}, {}, "", "systemd")


def test_tokens_are_filled_in() -> None:
    assert RECIPE.texts("abc0123def", "/etc/s")["service"] == "ExecStart=/srv/r1 abc0123def /etc/s"


def test_app_gets_a_secret_key_unless_it_declares_one() -> None:
    assert 'SECRET_KEY="key"' in RECIPE.environment("key", "/etc/s")
    assert 'SECRET_KEY="mine"' in dataclasses.replace(RECIPE, env='SECRET_KEY="mine"\n').environment("key", "/etc/s")


def test_previous_key_is_a_fallback_only_for_host_keys() -> None:
    assert parse_environment_file(RECIPE.environment("new\0old", "/etc/s")) == {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": '["old"]', "TOKEN": "hunter2"}
    assert parse_environment_file(dataclasses.replace(RECIPE, env='SECRET_KEY="mine"\n').environment("new\0old", "/etc/s")) == {"SECRET_KEY": "mine"}


def test_diff_hides_the_value_of_a_changed_variable() -> None:
    before, after = RECIPE.shown("key"), dataclasses.replace(RECIPE, env='TOKEN="hunter3"\n').shown("key")
    [entry] = difference("shop", before, after)
    assert entry["before_header"] == "shop: env" and entry["before"] != entry["after"] and "hunter" not in str(entry)


def test_app_gets_the_paths_of_its_files() -> None:
    recipe = dataclasses.replace(RECIPE, secret_files=SECRET_FILES)
    assert parse_environment_file(recipe.environment("key", "/etc/s"))["A"] == "/etc/s/files/a.cfg"


def test_diff_hides_the_content_of_a_secret_file() -> None:
    other = {"a.cfg": {"variable": "A", "content": "aHVudGVyMw=="}}
    before, after = (dataclasses.replace(RECIPE, secret_files=files).shown("key") for files in (SECRET_FILES, other))
    [entry] = difference("shop", before, after)
    assert (entry["before_header"], entry["before"][:18]) == ("shop: secret_files", "a.cfg in A = (secr") and entry["before"] != entry["after"]
    assert "aHVudGVy" not in str(entry) and "hunter" not in str(entry)


def test_recipe_is_read_back_from_a_slot() -> None:
    recipe = dataclasses.replace(RECIPE, secret_files=SECRET_FILES)
    environment = parse_environment_file(recipe.environment("new\0old", "/etc/s"))
    assert Recipe.recalled("r1", "/srv/r1", recipe.shown("new\0old"), environment, SECRET_FILES) == recipe


def test_slot_address_is_denied_to_apps_and_unused_by_clients() -> None:
    names = [f"{number * 7919:010x}" for number in range(1, 2000)] + ["0000000000", "ffffffffff"]
    for address, port in map(loopback_address, names):
        assert address.startswith("127.77.") and all(int(part) < 256 for part in address.split("."))
        assert 20000 <= port < 32768, "the range of outgoing connections begins at 32768"
    assert loopback_address("38f7dae1cd") == loopback_address("38f7dae1cd") != loopback_address("c06b89e0b5")
