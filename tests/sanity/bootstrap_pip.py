# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces get-pip.py for `ansible-test`: installs pip with Python's ensurepip, then the requested packages."""

from __future__ import annotations

import subprocess
import sys

packages = [word for word in sys.argv[1:] if not word.startswith("--no-")]
# In a process apart, because ensurepip switches the settings of pip off.
subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True)
subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=True)
