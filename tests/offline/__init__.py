# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of a run, without a host: the real playbooks, roles, templates and action plugins, up to what they would send."""
