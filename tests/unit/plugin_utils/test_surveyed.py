# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tasks that use the survey."""

from __future__ import annotations

from ansible_collections.flaskyard.server.plugins.plugin_utils.surveyed import after_change, with_facts


def test_failed_task_prints_no_facts() -> None:
    failed = {"failed": True, "changed": True, "msg": "why", "ansible_facts": {"a": 1}}
    assert with_facts(failed, {"b": 2}) == {"failed": True, "changed": True, "msg": "why"}
    assert with_facts({"changed": True}, {"b": 2}) == {"changed": True, "ansible_facts": {"b": 2}}


def test_only_a_change_discards_what_the_survey_found() -> None:
    variables = {"ansible_facts": {"flaskyard": {"host": 1, "survey": {"slots": {"shop": {}}, "filesets": {"nginx": {}}}}}}
    kept = {"flaskyard": {"host": 1, "survey": {"slots": {"shop": {}}}}}
    assert after_change({"changed": True}, variables, False, "filesets") == {"changed": True, "ansible_facts": kept}
    for result, check_mode in (({"changed": False}, False), ({"changed": True}, True), ({"changed": True, "failed": True}, False)):
        assert "ansible_facts" not in after_change(result, variables, check_mode, "filesets")
