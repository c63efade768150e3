# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a program of supervisor again when its work has ended. Runs in a transient unit: C(python3 -IB /usr/local/lib/flaskyard _slots.resume PROGRAM)."""

from __future__ import annotations

import math
import sys

from .supervisor import resume

if __name__ == "__main__":
    resume(sys.argv[1], math.inf)
