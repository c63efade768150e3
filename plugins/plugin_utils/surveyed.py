# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the survey for action plugins: is there anything to do on the host?"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail

from ..module_utils._host.wishes import veiled

Variables = dict[str, t.Any]
_KEY_FILE = "flaskyard-survey-key"


def facts(variables: Variables) -> dict[str, t.Any]:
    """C(ansible_facts['flaskyard']).

    :raises AnsibleActionFail: if the survey did not run.
    """
    found: dict[str, t.Any] | None = variables.get("ansible_facts", {}).get("flaskyard")
    if found is None:
        raise AnsibleActionFail("the facts of flaskyard.server.survey are missing; run it, or the role flaskyard.server.host, first")
    return found


def results(variables: Variables, kind: str) -> dict[str, dict[str, t.Any]]:
    """The survey's results of one kind, by name; empty if it did not run, or something has changed since."""
    found: dict[str, dict[str, t.Any]] = variables.get("ansible_facts", {}).get("flaskyard", {}).get("survey", {}).get(kind, {})
    return found


def holds(result: dict[str, t.Any] | None, wanted: str) -> bool:
    """Whether this wish was the last one, and everything holds."""
    return result is not None and result["wish"] == veiled(wanted, run_key()) and not result["differences"]


def outdated(variables: Variables, *kinds: str) -> dict[str, t.Any]:
    """Facts for the result of a task that changed the host. They discard the survey's results, which may no longer be true.

    :param kinds: the kinds that the change can have affected; all by default.
    """
    known = variables.get("ansible_facts", {}).get("flaskyard", {})
    kept = {kind: found for kind, found in known.get("survey", {}).items() if kinds and kind not in kinds}
    return {"flaskyard": {**known, "survey": kept}} if known else {}


def with_facts(result: dict[str, t.Any], facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result of a task with facts. A failed one gets no facts: Ansible would ignore them, and print them all after the message."""
    result.pop("ansible_facts", None)
    return result if result.get("failed") else {**result, "ansible_facts": facts}


def after_change(result: dict[str, t.Any], variables: Variables, check_mode: bool, *kinds: str) -> dict[str, t.Any]:
    """The result of a task, which discards the survey's results of these kinds if it changed the host.

    After a failure, the next task asks the host anyway: what the survey found did not hold before either.
    """
    return with_facts(result, outdated(variables, *kinds)) if result.get("changed") and not check_mode else result


def run_key() -> str:
    """The key of this run of Ansible. It is the same in all processes and in no log: a file in the run's temporary folder, removed when the run ends."""
    path = os.path.join(constants.DEFAULT_LOCAL_TMP, _KEY_FILE)
    if not os.path.exists(path):
        # Two processes may be here at once. The first one with a complete file wins.
        descriptor, own = tempfile.mkstemp(dir=constants.DEFAULT_LOCAL_TMP)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(own, path)
        os.unlink(own)
    with open(path, encoding="ascii") as handle:
        return handle.read()
