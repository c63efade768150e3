# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tasks that use the survey."""

from __future__ import annotations

from ansible_collections.flaskyard.server.plugins.plugin_utils.surveyed import with_facts


def test_failed_task_prints_no_facts() -> None:
    failed = {"failed": True, "changed": True, "msg": "why", "ansible_facts": {"a": 1}}
    assert with_facts(failed, {"b": 2}) == {"failed": True, "changed": True, "msg": "why"}
    assert with_facts({"changed": True}, {"b": 2}) == {"changed": True, "ansible_facts": {"b": 2}}
