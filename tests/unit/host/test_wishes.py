# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of declarations: equal for equal arguments, and useless to anybody who reads them."""

from __future__ import annotations

from ansible_collections.flaskyard.server.plugins.module_utils._host.wishes import veiled, wish


def test_digest_depends_on_values_and_not_on_order() -> None:
    assert wish({"a": 1, "b": [2]}) == wish({"b": [2], "a": 1}) != wish({"a": 1, "b": [3]})


def test_shown_digest_differs_in_each_run() -> None:
    recorded = wish({"password": "hunter2"})
    assert veiled(recorded, "one") == veiled(recorded, "one") != veiled(recorded, "other")
    assert recorded not in veiled(recorded, "one")
