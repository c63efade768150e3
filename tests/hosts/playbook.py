# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook on one host of a molecule scenario, with other variables than the scenario's own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Outcome:
    """How a run ended, and all that it printed."""

    ok: bool
    text: str

    @property
    def changed(self) -> bool:
        """Whether a task changed something."""
        return "changed=0 " not in self.text


def run_playbook(playbook: Path, host: str, tags: str = "all", **variables: Any) -> Outcome:
    """Run what has one of ``tags`` in ``playbook`` on ``host``, outside the log that `molecule/shared/test_change.py` reads."""
    inventories = (PROJECT / "molecule/shared/inventory/hosts.yml", Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "inventory"))
    options = [f"--limit={host}", f"--tags={tags}", f"--extra-vars={json.dumps(variables)}"]
    done = subprocess.run(
        ["ansible-playbook", *(f"--inventory={path}" for path in inventories), *options, playbook],
        env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_LOG_PATH": "", "ANSIBLE_NOCOLOR": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode == 0, done.stdout + done.stderr)
