# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenarios: `default`, the whole stack, on each controller, the others on the newest; with `--all` every one on each."""

from __future__ import annotations

import pytest

from .conftest import CONTROLLERS, ROOT, Run

SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
#: Roles of servers that are the same on both Debians, since all of them is in the app's virtualenv: tests/conformance has them on Debian 13.
LONG = {"fastcgi", "granian", "waitress"}
CONTROLLER_NAMES = sorted(path.parents[1].name for path in CONTROLLERS.glob("*/bin/molecule"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Both runs of a scenario use the same host names: one worker takes them one after the other.
    everything = metafunc.config.getoption("--all")
    chosen = [
        pytest.param(scenario, controller, marks=pytest.mark.xdist_group(scenario))
        for scenario in SCENARIOS
        for controller in CONTROLLER_NAMES
        if everything or scenario == "default" or (controller == "newest" and scenario not in LONG)
    ]
    metafunc.parametrize(("scenario", "controller"), chosen)


def test_scenario(scenario: str, controller: str, run: Run) -> None:
    run(["molecule", "reset", "-s", scenario], controller)
    run(["molecule", "test", "-s", scenario], controller, MOLECULE_COMMAND_BORDERS="false")
