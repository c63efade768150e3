# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:host
"""Run a module of Flaskyard's packages on the host: ``python3 -IB /usr/local/lib/flaskyard MODULE ARGUMENTS``."""

from __future__ import annotations

import runpy
import sys

sys.argv.pop(0)
runpy.run_module(f"flaskyard.{sys.argv[0]}", run_name="__main__", alter_sys=True)
