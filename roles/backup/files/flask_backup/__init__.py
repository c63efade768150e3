# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:backup
"""The program flask-backup."""
