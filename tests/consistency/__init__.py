# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CONTRIBUTING.md asks of every role and plugin, checked."""
