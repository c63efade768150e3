# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for each proxy and process manager, with every server on it in turn. `-m "not long"` selects the core of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import PROXIES

from tests.load import Report

from . import results
from .combinations import COMBINATIONS, Combination, is_core
from .stack import Stack

Figures = dict[str, Any]


#: Measurements take long, so every run includes these tests only with the first server.
LONG = {"test_slow_clients_do_not_starve_fast_ones", "test_killed_processes_are_replaced", "test_figures"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname in LONG:
            combination = item.callspec.params["stack"]
            if isinstance(combination, Combination) and combination.server != COMBINATIONS[0].server:
                item.add_marker(pytest.mark.long)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="keep what was measured in tests/conformance/results.json")


@dataclass(frozen=True)
class Arrival:
    """A host's change to a combination: what visitors saw, and whether the proxy changed."""

    report: Report
    other_proxy: bool


@pytest.fixture(scope="session")
def arrivals() -> dict[str, Arrival]:
    """The hosts' changes to each combination."""
    return {}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Combination], Stack]]:
    """Gives the host of a combination: those with the same proxy and process manager share one, which has been provisioned with the first of each."""
    with contextlib.ExitStack() as open_hosts:
        found: dict[str, Stack] = {}

        def host(combination: Combination) -> Stack:
            if combination.place not in found:
                open_hosts.close()
                found.clear()
                found[combination.place] = open_hosts.enter_context(Stack.provisioned(combination.place, tmp_path_factory.mktemp(combination.place)))
            return found[combination.place]

        yield host


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(one, id=one.name, marks=[pytest.mark.xdist_group(f"conformance-{one.place}"), *([] if is_core(one) else [pytest.mark.long])])
        for one in COMBINATIONS
    ],
)
def stack(request: pytest.FixtureRequest, place: Callable[[Combination], Stack], arrivals: dict[str, Arrival]) -> Stack:
    """A host in one combination, to which `site.yml` brought it from another, under load."""
    combination: Combination = request.param
    host = place(combination)
    before = host.variables.get("flask_proxy", PROXIES[0])
    with host.load() as load:
        host.declare(combination)
        host.apply("site")
        arrivals[combination.name] = Arrival(load.finish(), before != combination.proxy)
    return host


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Figures]:
    """What is measured of this combination; kept with `--record`."""
    found: Figures = {}
    yield found
    if request.config.getoption("--record") and stack.combination:
        results.record(stack.combination.name, found)
