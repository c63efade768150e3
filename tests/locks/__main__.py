# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Update the lock files of the tools that the collection installs."""

from __future__ import annotations

from . import main

main()
