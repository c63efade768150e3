# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of a molecule scenario: commands on it, and playbooks against it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.host import Host

from .playbook import PROJECT, Outcome, run_playbook


@dataclass
class ScenarioHost:
    """A host, and its name in the inventory."""

    host: Host
    name: str

    def run(self, command: str) -> str:
        """Run a shell command as root."""
        with self.host.sudo():
            return str(self.host.check_output(f"bash -c {shlex.quote(command)}"))

    def fails(self, command: str) -> str:
        """Run a shell command as root that must fail; what it complained about."""
        with self.host.sudo():
            done = self.host.run(f"bash -c {shlex.quote(command)}")
        assert done.rc != 0, done.stdout
        return str(done.stderr)

    def converge(self, **variables: Any) -> Outcome:
        """Run the scenario's playbook with other variables."""
        return run_playbook(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "converge.yml"), self.name, **variables)

    def playbook(self, verb: str, **variables: Any) -> Outcome:
        """Run one of the collection's playbooks."""
        return run_playbook(PROJECT / "playbooks" / f"{verb}.yml", self.name, **variables)
