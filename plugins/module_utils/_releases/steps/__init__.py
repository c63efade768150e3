# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a build. They run in the sandbox under the app's build account.

These modules are sent through standard input to the host's Python (3.11 or newer), so they import only the
standard library and each other.
"""
