# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces each module of the collection: records its arguments, and answers like a host that is as declared."""

from __future__ import annotations

import json
import os

from ansible.module_utils import basic

NAME = "@NAME@"


def main() -> None:
    """Run the module."""
    given = {name: value for name, value in basic._load_params().items() if not name.startswith("_ansible_")}
    module = basic.AnsibleModule(argument_spec={name: {"type": "raw", "no_log": name == "sealed"} for name in given}, supports_check_mode=True)
    options = {**given, **json.loads(given.pop("sealed", None) or "{}").get("options", {})}
    with open(os.environ["OFFLINE_CALLS"], "a", encoding="utf-8") as calls:
        calls.write(json.dumps({"module": NAME, "check": module.check_mode, "options": options}) + "\n")
    # Of some modules, the apps are names alone.
    names = [app["name"] for app in options.get("apps", []) if isinstance(app, dict)]
    facts = {
        "survey": {"flaskyard": json.loads(os.environ["OFFLINE_FACTS"])},
        "release": {"flask_releases": {name: {"id": "r1", "dir": "/srv/r1", "procfile": "worker: flask work\n"} for name in names}},
        "slot": {"flask_slots_retained": [], "flask_slots_pending": []},
    }
    words = {"rollback": {"rolled_back": [""]}, "rotate": {"rotated": [""]}}
    module.exit_json(changed=False, ansible_facts=facts.get(NAME, {}), **words.get(NAME, {}))


if __name__ == "__main__":
    main()
