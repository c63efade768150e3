# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the suite on real hosts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTROLLERS = ROOT / ".cache" / "controller"
LOGS = ROOT / ".cache" / "log"
#: The command that makes and removes bare hosts.
HOSTS = ("python3", ROOT / "tests" / "hosts" / "hosts.py")
Run = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run every scenario also on the oldest supported ansible-core")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """Run a program with a controller's tools. Its output is kept in .cache/log, and a failure shows the end of it."""
    log = LOGS / f"{request.node.name.translate(str.maketrans('[]/', '-- ')).strip('- ')}.log"
    LOGS.mkdir(parents=True, exist_ok=True)

    def runner(argv: Sequence[str | Path], controller: str = "newest", cwd: Path = ROOT, **variables: str) -> str:
        environment = {**os.environ, "NO_COLOR": "1", **variables}
        environment["PATH"] = f"{CONTROLLERS / controller / 'bin'}:{os.environ['PATH']}"
        with log.open("w") as handle:
            done = subprocess.run(argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, check=False)
        said = log.read_text()
        if done.returncode:
            shown = "\n".join(said.splitlines()[-60:])
            pytest.fail(f"{' '.join(map(str, argv))} ended with {done.returncode}; all of it is in {log}\n{shown}", pytrace=False)
        return said

    return runner
