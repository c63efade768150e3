# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the removal of an app: tells the host who runs it."""

from __future__ import annotations

from ..plugin_utils.operator import OnBehalf


class ActionModule(OnBehalf):
    """Runs the module C(flaskyard.server.app_absent)."""
