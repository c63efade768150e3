# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the results of registered tasks. A task for this would run more modules, which is slower."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: answers
type: aggregate
short_description: write down what tasks answer
description:
  - Writes the result of the last task with C(register) to the file that the environment variable E(ANSWER) names.
requirements:
  - to be enabled
author: Flaskyard maintainers
"""


class CallbackModule(CallbackBase):
    """Writes results."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "answers"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any, failed: bool = False) -> None:
        """Write one."""
        if result._task.register:
            Path(os.environ["ANSWER"]).write_text(json.dumps({**result._result, "failed": failed}, default=str))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Write one."""
        self.v2_runner_on_ok(result, failed=True)
