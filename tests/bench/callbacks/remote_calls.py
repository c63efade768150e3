# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count what a playbook really does on its hosts, below the level of tasks: a `template` is two modules, a skipped task none.

It wraps the methods of `ActionBase` that every action uses to reach a host. Callbacks are loaded before the workers are
forked, so the workers count too. Each call is a line `<kind>\\t<what>` in the file that REMOTE_CALLS names: `module` with its
name, `command` for a shell command, `transfer` for a file; `task` with the moment at which one began, its action and its name; at the
end `stats` with the recap as JSON. Appending a short line is atomic.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: remote_calls
type: aggregate
short_description: count modules, commands and transfers
description:
  - Writes a line for each to the file that the environment variable E(REMOTE_CALLS) names.
requirements:
  - to be enabled
author: Flaskyard maintainers
"""


def note(kind: str, what: str) -> None:
    """Append one line to the file."""
    with Path(os.environ["REMOTE_CALLS"]).open("a") as file:
        file.write(f"{kind}\t{what}\n")


def counted(kind: str, method: Callable[..., Any], what: Callable[[ActionBase, dict[str, Any]], str]) -> Callable[..., Any]:
    """Wrap `method` of `ActionBase` so that every call is noted."""

    @wraps(method)
    def wrapper(self: ActionBase, *args: Any, **kwargs: Any) -> Any:
        note(kind, what(self, kwargs))
        return method(self, *args, **kwargs)

    return wrapper


class CallbackModule(CallbackBase):
    """Counts while the playbook runs, and writes its recap at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "remote_calls"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()

        def module(action: ActionBase, given: dict[str, Any]) -> str:
            return str(given.get("module_name") or action._task.action)

        def task(action: ActionBase, _given: dict[str, Any]) -> str:
            return str(action._task.action)

        ActionBase._execute_module = counted("module", ActionBase._execute_module, module)
        ActionBase._low_level_execute_command = counted("command", ActionBase._low_level_execute_command, task)
        ActionBase._transfer_file = counted("transfer", ActionBase._transfer_file, task)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note the moment, by a clock that all processes share."""
        note("task", f"{time.monotonic()} {task.action} {task.get_name()}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the recap, summed over the hosts."""
        hosts = [stats.summarize(host) for host in stats.processed]
        note("stats", json.dumps({key: sum(host[key] for host in hosts) for key in hosts[0]} if hosts else {}))
