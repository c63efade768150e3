# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that need no host. They are part of the suite so that one report shows everything."""

from __future__ import annotations

import pytest

from .conftest import Run

READINESS = pytest.param("release-check", marks=[pytest.mark.xdist_group("sanity"), pytest.mark.long])
OLDEST = pytest.param("offline CONTROLLER=oldest", marks=[pytest.mark.xdist_group("offline-oldest"), pytest.mark.long])


@pytest.mark.parametrize(
    "target", [*(pytest.param(target, marks=pytest.mark.xdist_group(target)) for target in ("lint", "unit", "offline")), OLDEST, READINESS]
)
def test_make(target: str, run: Run) -> None:
    run(["make", *target.split()])
