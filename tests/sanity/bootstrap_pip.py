# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the place of get-pip.py for `ansible-test`: installs pip from Python itself, then the packages asked for."""

from __future__ import annotations

import subprocess
import sys

packages = [word for word in sys.argv[1:] if not word.startswith("--no-")]
# In a process apart, because ensurepip switches the settings of pip off.
subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True)
subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=True)
