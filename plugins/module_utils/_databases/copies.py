# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that dump and restore an app's database, by server."""

from __future__ import annotations

from . import mariadb_copies, postgresql_copies
from .engine import Copies

COPIES: dict[str, Copies] = {"mariadb": mariadb_copies, "postgresql": postgresql_copies}
