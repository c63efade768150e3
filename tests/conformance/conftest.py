# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host, and every combination on it in turn. `-m "not long"` takes the core of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.drills.harness import Host
from tests.load import Report

from . import results
from .combinations import COMBINATIONS, Combination, is_core
from .stack import Stack

Figures = dict[str, Any]


#: What is also measured takes its time: every run takes these tests with the first server alone.
LONG = {"test_slow_clients_do_not_starve_fast_ones", "test_what_is_killed_is_replaced", "test_figures"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname in LONG:
            combination = item.callspec.params["stack"]
            if isinstance(combination, Combination) and combination.server != COMBINATIONS[0].server:
                item.add_marker(pytest.mark.long)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="keep what was measured in tests/conformance/results.json")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A bare Debian 13, which the first combination provisions."""
    folder = tmp_path_factory.mktemp("conformance")
    with Host.up("conform", folder) as up:
        yield Stack(up, folder)


@pytest.fixture(scope="session")
def came(host: Stack) -> dict[str, Report | None]:
    """What visitors saw when the host changed to a combination; None for the first, before which there was nothing to see."""
    return {}


@pytest.fixture(scope="session")
def previous() -> dict[str, str]:
    """What the combination before was made of."""
    return {}


@pytest.fixture(
    scope="session",
    params=[pytest.param(one, id=one.name, marks=() if is_core(one) else pytest.mark.long) for one in COMBINATIONS],
)
def stack(request: pytest.FixtureRequest, host: Stack, came: dict[str, Report | None]) -> Iterator[Stack]:
    """The host in one combination, to which `site.yml` brought it from the one before, under load."""
    first = host.combination is None
    host.declare(request.param)
    if first:
        host.apply("site")
        came[request.param.name] = None
    else:
        with host.load() as load:
            host.apply("site")
            came[request.param.name] = load.finish()
    yield host


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Figures]:
    """What is measured of this combination; kept with `--record`."""
    found: Figures = {}
    yield found
    if request.config.getoption("--record") and stack.combination:
        results.record(stack.combination.name, found)
