# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that need no host, beside those that do: one report has them all."""

from __future__ import annotations

import pytest

from .conftest import Run

SANITY = [pytest.param(f"sanity-{core}", marks=[pytest.mark.xdist_group("sanity"), pytest.mark.long]) for core in ("2.19", "2.20", "2.21")]
OLDEST = pytest.param("offline CONTROLLER=oldest", marks=[pytest.mark.xdist_group("offline-oldest"), pytest.mark.long])


@pytest.mark.parametrize("target", [*(pytest.param(target, marks=pytest.mark.xdist_group(target)) for target in ("lint", "unit", "offline")), OLDEST, *SANITY])
def test_make(target: str, run: Run) -> None:
    run(["make", *target.split()])
