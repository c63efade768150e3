#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring apps into slots: start aside, gate, switch, check, drain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slot
short_description: Run each app in a slot, and change slots without a failed request
version_added: 0.1.0
description:
  - A slot is one running instance of a release with its configuration and its own listening socket. Its name is the hash of all it runs with.
  - When the inputs of an app give another slot than the current one, the new slot is started on its own socket, must answer its
    health check there, and only then becomes current by renaming a link; the proxy is not reloaded. The old slot is drained and stopped.
  - A slot that does not pass is stopped again, its journal is in the error message, and the old slot never noticed.
  - Every app is handled in the same call. A failing app does not keep the others from their change.
options:
  apps:
    description: Apps as the filter P(flaskyard.server.apps#filter) returns them.
    type: list
    elements: dict
    required: true
  releases:
    description: The releases to run, by app, as M(flaskyard.server.release) returns them. An app that is not among them keeps the one that serves.
    type: dict
    default: {}
  declared:
    description: Names of all the apps of this host. Slots of others are stopped; what those apps stored is kept. Required unless O(settle=true).
    type: list
    elements: str
  manager:
    description: What runs the slots. A slot that another one began is stopped by that one.
    type: str
    choices: [systemd, supervisor]
    default: systemd
  settle:
    description:
      - Start nothing, and stop the slots that speak another protocol than the current one of their app.
      - When an app's server comes to speak another protocol, the old slot serves until the proxy's configuration follows. The proxy's role then
        calls this for the apps in RV(ansible_facts.flask_slots_retained).
    type: bool
    default: false
  templates:
    description:
      - Templates of a slot's files by the name of the file. For systemd, V(service) and V(socket) are its units, and C(<name>.service) a further one.
        For supervisor, V(program) is its section.
      - They see C(app), C(slot), C(slot_dir), C(release_dir), and C(slot_address) with C(slot_port), of the loopback network and the slot's own.
    type: dict
    default: {}
  files:
    description: Filled in by the action plugin with the rendered files, by app.
    type: dict
    default: {}
  environments:
    description: Filled in by the action plugin with the apps' environment files.
    type: dict
    default: {}
  sealed:
    description: Filled in by the action plugin with the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description: Reports which slots would change and why, and changes nothing.
  diff_mode:
    support: full
    description: Shows what differs between the current and the wanted slot. Of the environment it shows the names of changed variables.
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Run the apps
  flaskyard.server.slot:
    apps: "{{ flask_apps | flaskyard.server.apps(server='gunicorn') }}"
    releases: "{{ ansible_facts['flask_releases'] }}"
    declared: "{{ flask_apps | map(attribute='name') }}"
    templates:
      service: gunicorn.service.j2
      socket: slot.socket.j2
      gunicorn.conf.py: gunicorn.conf.py.j2
"""

RETURN = r"""
slots:
  description: The current slot of each app.
  type: dict
  returned: when O(settle=false)
ansible_facts:
  description: Facts.
  type: dict
  returned: always
  contains:
    flask_slots_retained:
      description: Names of apps with a slot that serves only until the proxy's configuration changes.
      type: list
      elements: str
"""

import os

from ..module_utils.app_model import bare_app
from ..module_utils.commands import CommandError
from ..module_utils.entries import EntryError
from ..module_utils.release_records import STATE, ReleaseError, prune_releases
from ..module_utils.sealed import SealedModule
from ..module_utils.slots import MANAGERS, SlotError, Slots


def difference(app: Slots, notes: list[str]) -> list[dict[str, str]]:
    """What the diff of one app shows."""
    before, after = app.manifest(app.current()), app.wanted_manifest()
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    entries = [
        {
            "before": before.get(name, ""),
            "after": after.get(name, ""),
            "before_header": f"{app.name}: {name}",
            "after_header": f"{app.name}: {name}",
        }
        for name in changed
    ]
    return [{"prepared": "".join(f"{app.name}: {note}\n" for note in notes)}, *entries]


def undeclared(declared: list[str]) -> list[Slots]:
    """Apps that have slots here and are no longer declared."""
    known = sorted(os.listdir(STATE)) if os.path.isdir(STATE) else []
    apps = [Slots(bare_app(name), None, {}, "") for name in known if name not in declared]
    return [app for app in apps if app.present()]


def run_all(module: SealedModule) -> tuple[dict[str, object], list[str]]:
    """Handle every app; the result, and the failures."""
    params = module.options
    apps = [
        Slots(app, params["releases"].get(app["name"]), params["files"][app["name"]], params["environments"][app["name"]], params["manager"])
        for app in params["apps"]
    ]
    if not module.check_mode:
        for app in apps:
            app.ensure_secret_key()
    states = MANAGERS[params["manager"]].states([name for app in apps for name in app.names()])
    diff, failures, changed = [], [], False
    for app, data in zip(apps, params["apps"], strict=True):
        notes = app.lacks(states)
        if not notes:
            continue
        changed = True
        diff += difference(app, notes)
        if module.check_mode:
            continue
        try:
            app.change()
            prune_releases(data, data["keep_releases"], in_use=[app.release_id])
        except (SlotError, ReleaseError, CommandError, EntryError, OSError) as error:
            failures.append(f"app {app.name!r}: {error}")
    for app in undeclared(params["declared"]):
        changed = True
        diff.append({"prepared": f"{app.name}: stop, because it is no longer declared\n"})
        if not module.check_mode:
            app.stop()
    facts = {"flask_slots_retained": [app.name for app in apps if app.retained()]}
    return {"changed": changed, "diff": diff, "slots": {app.name: app.current() for app in apps}, "ansible_facts": facts}, failures


def settle_all(module: SealedModule) -> tuple[dict[str, object], list[str]]:
    """Stop what no proxy uses any more; the result, and the failures."""
    failures, diff = [], []
    for app in (Slots(data, None, {}, "") for data in module.options["apps"]):
        if retained := app.retained():
            diff.append({"prepared": "".join(f"{app.name}: stop slot {slot}, which nothing reaches any more\n" for slot in retained.values())})
            try:
                if not module.check_mode:
                    app.settle()
            except (SlotError, CommandError, OSError) as error:
                failures.append(f"app {app.name!r}: {error}")
    return {"changed": bool(diff), "diff": diff, "ansible_facts": {"flask_slots_retained": []}}, failures


def main() -> None:
    """Run the module."""
    module = SealedModule(
        argument_spec={
            "apps": {"type": "list", "elements": "dict", "required": True},
            "releases": {"type": "dict", "default": {}},
            "declared": {"type": "list", "elements": "str"},
            "manager": {"type": "str", "choices": [*MANAGERS], "default": "systemd"},
            "settle": {"type": "bool", "default": False},
            "templates": {"type": "dict", "default": {}},
            "files": {"type": "dict", "default": {}},
            "environments": {"type": "dict", "default": {}},
            "sealed": {"type": "str", "no_log": True},
        },
        required_if=[("settle", False, ["declared"])],
        supports_check_mode=True,
    )
    result, failures = settle_all(module) if module.params["settle"] else run_all(module)
    if failures:
        module.fail_json(msg="\n".join(failures), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
