# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a version can be released: what Galaxy, the Ansible inclusion checklist and REUSE ask. `python -m tests.readiness` prints a table."""
