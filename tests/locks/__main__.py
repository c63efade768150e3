# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock anew what the collection installs by itself."""

from __future__ import annotations

from . import main

main()
