# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenarios: `default`, the whole stack, with the oldest controller, the others with the newest; with `--all` every one with each.

Long scenarios that other tests cover too run only with `--all`: the time of every run is bounded.
"""

from __future__ import annotations

import pytest

from .conftest import CONTROLLERS, ROOT, Run

#: What takes longest begins first, so that no worker comes to it when the others are done.
LONGEST = {"default", "tls", "backup", "examples", "firewall", "databases"}
SCENARIOS = sorted((path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")), key=lambda name: (name not in LONGEST, name))
#: tests/conformance has these servers and supervisor on Debian 13, and their roles make no difference between the two. The scenario `default` has the
#: other roles.
LONG = {"fastcgi", "granian", "gunicorn", "mod_wsgi", "passenger", "supervisor", "uwsgi", "waitress"} | {"app", "host", "nginx", "python", "systemd"}
CONTROLLER_NAMES = sorted(path.parents[1].name for path in CONTROLLERS.glob("*/bin/molecule"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Both runs of a scenario use the same host names: one worker takes them one after the other.
    everything = metafunc.config.getoption("--all")
    chosen = [
        pytest.param(scenario, controller, marks=pytest.mark.xdist_group(scenario))
        for scenario in SCENARIOS
        for controller in CONTROLLER_NAMES
        if everything or (controller == (CONTROLLER_NAMES[-1] if scenario == "default" else "newest") and scenario not in LONG)
    ]
    metafunc.parametrize(("scenario", "controller"), chosen)


def test_scenario(scenario: str, controller: str, run: Run, pytestconfig: pytest.Config) -> None:
    # The drills, tests/conformance and the installed collection, which is the whole stack with the newest controller, are on Debian 13.
    debian = "" if pytestconfig.getoption("--all") else "12"
    run(["molecule", "reset", "-s", scenario], controller)
    run(["molecule", "test", "-s", scenario], controller, MOLECULE_COMMAND_BORDERS="false", FLASKYARD_DEBIAN=debian)
