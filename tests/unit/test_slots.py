# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a slot's name."""

from __future__ import annotations

from ansible_collections.flaskyard.server.plugins.module_utils.slots import loopback_address


def test_a_slot_has_an_address_of_its_own_that_apps_are_denied_and_no_client_gets() -> None:
    names = [f"{number * 7919:010x}" for number in range(1, 2000)] + ["0000000000", "ffffffffff"]
    for address, port in map(loopback_address, names):
        assert address.startswith("127.77.") and all(int(part) < 256 for part in address.split("."))
        assert 20000 <= port < 32768, "the range of outgoing connections begins at 32768"
    assert loopback_address("38f7dae1cd") == loopback_address("38f7dae1cd") != loopback_address("c06b89e0b5")
