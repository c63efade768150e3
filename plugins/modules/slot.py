#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring apps into slots: start aside, gate, switch, check, drain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slot
short_description: Run each app in a slot, and switch slots without a failed request
version_added: 0.1.0
description:
  - A slot is one running instance of a release with its configuration and its own listening socket. Its name is the hash of everything that it runs with.
  - If the inputs of an app changed, the new slot starts on its own socket and must answer its health check there. It then becomes current when a link is
    renamed. The proxy does not reload.
  - If the new slot fails, it is stopped, and the old slot keeps serving. The error message begins with the step that failed and the reason, such as
    C(gate) and the exception. It ends with the journal.
  - A transient unit, C(flaskyard-retire-<app>:<slot>.service), drains and stops the old slot. The task therefore ends as soon as the new slot serves.
  - Repairs what somebody changed by hand in a current slot, and warns about it. If a current slot stays unhealthy, the task fails.
  - One call handles every app. If one app fails, the others still change.
  - Skips apps that M(flaskyard.server.survey) found healthy and running what is declared. If all apps are skipped, the task makes no remote call.
options:
  apps:
    description: Apps as the filter P(flaskyard.server.apps#filter) returns them.
    type: list
    elements: dict
    required: true
  releases:
    description: The releases to run, by app, as M(flaskyard.server.release) returns them. An app without one keeps the release that serves.
    type: dict
    default: {}
  declared:
    description: Names of all apps on this host. Slots of other apps are stopped, and the data of those apps stays. Required unless O(retire_old_slots=true).
    type: list
    elements: str
  manager:
    description: Process manager that runs the slots. A slot that the other manager started is stopped by that manager.
    type: str
    choices: [systemd, supervisor]
    default: systemd
  phase:
    description:
      - V(all) runs release commands, starts the new slots, checks them and switches to them, in one call.
      - The other values run one phase each. With several hosts, each phase then ends on all hosts before the next one begins on any.
      - V(plan) finds the apps to change, without a remote call. V(command) runs release commands, V(start) starts and checks the new slots, and
        V(switch) makes them current.
      - If an app failed on one host in an earlier phase, it stops on all hosts. The slot that V(start) started for it is removed.
      - RV(ansible_facts.flask_slots_pending) lists the apps for which later phases may have something to do.
    type: str
    choices: [all, plan, command, start, switch]
    default: all
  repeat_release_command:
    description: Run release commands again that already ran for their release.
    type: bool
    default: false
  by:
    description: Set by the action plugin to the person who runs the play, for the deploy log.
    type: str
    default: ""
  release_commands:
    description: Set by the action plugin. For each app, V(run) runs the release command, and V(note) records that it ran on another host.
    type: dict
    default: {}
  cancelled:
    description: Set by the action plugin to the apps that failed on another host.
    type: list
    elements: str
    default: []
  keep_going:
    description:
      - Do not fail if only some apps fail. C(ansible_facts.flask_failures) has the failures by app. The entry point C(report) of the role C(app) fails at
        the end and names them.
    type: bool
    default: false
  retire_old_slots:
    description:
      - Start nothing. Stop slots whose protocol differs from that of their app's current slot.
      - If the protocol of an app's server changes, the old slot serves until the proxy has its new configuration. The proxy's role then
        calls this for the apps in RV(ansible_facts.flask_slots_retained).
    type: bool
    default: false
  parts:
    description:
      - Templates of the files that a slot has for each item of a list, such as each process. Keys are the app's key and then the suffix of the file.
      - They also see C(part), the item with its C(number). A file is named C(<kind>.<name>.<suffix>), or C(process.<name>.<number>.<suffix>) for a process.
    type: dict
    default: {}
  templates:
    description:
      - Templates of a slot's files by the name of the file. For systemd, V(service) and V(socket) are its units, and C(<name>.service) is another unit.
        For supervisor, V(program) is its section, and C(<name>.program) is the section of another program.
      - They see C(app), C(slot), C(slot_dir), C(release_dir), C(slot_address) and C(slot_port). Address and port are on the loopback network, and no other
        slot uses them.
    type: dict
    default: {}
  files:
    description: Set by the action plugin to the rendered files, by app.
    type: dict
    default: {}
  environments:
    description: Set by the action plugin to the apps' environment files.
    type: dict
    default: {}
  secret_files:
    description: Set by the action plugin to the apps' secret files.
    type: dict
    default: {}
  sealed:
    description: Set by the action plugin to the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description: Reports which slots would change, and why. Changes nothing.
  diff_mode:
    support: full
    description: Shows the differences between the current and the new slot. For environment variables and secret files, it shows only the names that changed.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Run the apps
  flaskyard.server.slot:
    apps: "{{ lookup('flaskyard.server.model', 'apps', server='gunicorn') }}"
    releases: "{{ ansible_facts['flask_releases'] }}"
    declared: "{{ flask_apps | map(attribute='name') }}"
    templates:
      service: gunicorn.service.j2
      socket: slot.socket.j2
      gunicorn.conf.py: gunicorn.conf.py.j2
"""

RETURN = r"""
failures:
  description: Failures, by app.
  type: dict
  returned: when an app failed
timings:
  description: Seconds that each phase took, by app.
  type: dict
  returned: when O(retire_old_slots=false)
slots:
  description: The current slot of each app.
  type: dict
  returned: when O(retire_old_slots=false)
ansible_facts:
  description: Facts.
  type: dict
  returned: always
  contains:
    flask_failures:
      description: Failures so far, by app.
      type: dict
    flask_slots_pending:
      description: Names of apps for which a later phase may have something to do.
      type: list
      elements: str
    flask_slots_retained:
      description: Names of apps with an old slot that serves until the proxy's configuration changes.
      type: list
      elements: str
"""

import typing as t

from ..module_utils._apps.model import bare_app
from ..module_utils._host.actor import act
from ..module_utils._host.errors import Failures
from ..module_utils._host.sealed import SealedModule
from ..module_utils._releases.deploy_log import logged
from ..module_utils._releases.records import Records, prune_releases
from ..module_utils._slots.change import Change
from ..module_utils._slots.commanded import record_release_command
from ..module_utils._slots.needs import assert_host_has
from ..module_utils._slots.recipe import Recipe, asked_for, difference
from ..module_utils._slots.slots import MANAGERS, Slots
from ..module_utils._slots.survey import undeclared

_RELEASE_COMMANDS = {"run": "run its release command", "note": "write down that its release command has run on another host"}


def changes(options: dict[str, t.Any]) -> t.Iterator[Change]:
    """What every app is to run."""
    for app in options["apps"]:
        slots, name = Slots(app), app["name"]
        release = options["releases"].get(name) or slots.links.serving_release(app["paths"]["releases"])
        files, env, secret_files = options["files"][name], options["environments"][name], options["secret_files"].get(name, {})
        asked = asked_for(app, options["releases"].get(name), files, env, options["manager"], secret_files)
        yield Change(slots, Recipe(release.get("id") or "", release.get("dir") or "", files, env, secret_files), options["manager"], asked)


def run_all(module: SealedModule) -> tuple[dict[str, t.Any], Failures]:
    """Handle every app; the result, and the failures."""
    options, failures = module.options, Failures()
    diff: list[dict[str, str]] = []
    apps = list(changes(options))
    if not module.check_mode:
        for app in apps:
            app.ensure_secret_key()
    states = MANAGERS[options["manager"]].states([name for app in apps for name in app.names()])
    for app in apps:
        with failures.of(app.slots.name):
            change_one(module, app, states, diff)
    for name in undeclared(options["declared"]) if options["phase"] in ("all", "start") else ():
        diff.append({"prepared": f"{name}: stop, because it is no longer declared\n"})
        module.warn(f"app {name} is no longer declared and stops; its data and releases stay until you run the playbook remove with -e app={name}")
        if not module.check_mode:
            gone = bare_app(name)
            with failures.of(name), logged("stop", Records(gone)):
                Slots(gone).stop()
    facts = {"flask_slots_pending": [], "flask_slots_retained": [app.slots.name for app in apps if app.slots.links.retained()]}
    current = {app.slots.name: app.slots.links.current() for app in apps}
    timings = {app.slots.name: app.timings for app in apps if app.timings}
    return {"changed": bool(diff), "diff": diff, "slots": current, "timings": timings, "ansible_facts": facts}, failures


def change_one(module: SealedModule, app: Change, states: dict[str, dict[str, str]], diff: list[dict[str, str]]) -> None:
    """Do one phase, or all, for one app, appending to C(diff) what changes.

    :raises HostError: when it failed; what was current still is.
    """
    options, slots, phase = module.options, app.slots, module.options["phase"]
    if slots.name in options["cancelled"]:
        app.cancel()
        return
    if not module.check_mode:
        assert_host_has(slots.app["sandbox"])
    if asked := options["release_commands"].get(slots.name):
        diff.append({"prepared": f"{slots.name}: {_RELEASE_COMMANDS[asked]}\n"})
        if asked == "run" and not module.check_mode:
            with logged("deploy", Records(slots.app), app.recipe.release, failure_only=True):
                app.command(options["repeat_release_command"])
        elif not module.check_mode:
            record_release_command(slots.app, app.recipe.release)
    notes, drift = app.differences(states), app.was_asked_before()
    if phase == "command" or not notes:
        return
    before = slots.folder(slots.links.current() or "-").shown()
    diff += [{"prepared": "".join(f"{slots.name}: {note}\n" for note in notes)}, *difference(slots.name, before, app.shown())]
    if module.check_mode:
        return
    starts = phase == "start" and app.wanted() != slots.links.current()
    with logged("repair" if drift else "deploy", Records(slots.app), app.recipe.release, failure_only=starts):
        {"all": app.run, "start": app.start, "switch": app.finish}[phase]()
    if app.gap_seconds:
        module.warn(f"app {slots.name} is exclusive: nothing served for {app.gap_seconds:.1f} s")
    if drift:
        module.warn(f"app {slots.name}: repaired: {'; '.join(notes)}")
    if phase != "start":
        prune_releases(slots.app, slots.app["keep_releases"], in_use=slots.releases())


def retire_all(module: SealedModule) -> tuple[dict[str, t.Any], Failures]:
    """Stop what no proxy uses any more; the result, and the failures."""
    failures, diff = Failures(), []
    for slots in map(Slots, module.options["apps"]):
        if retained := slots.links.retained():
            diff.append({"prepared": "".join(f"{slots.name}: stop slot {slot}, which nothing reaches any more\n" for slot in retained.values())})
            if not module.check_mode:
                with failures.of(slots.name):
                    slots.retire_old()
    return {"changed": bool(diff), "diff": diff, "ansible_facts": {"flask_slots_retained": []}}, failures


def main() -> None:
    """Run the module."""
    module = SealedModule(
        argument_spec={
            "apps": {"type": "list", "elements": "dict", "required": True},
            "releases": {"type": "dict", "default": {}},
            "declared": {"type": "list", "elements": "str"},
            "manager": {"type": "str", "choices": [*MANAGERS], "default": "systemd"},
            "phase": {"type": "str", "choices": ["all", "plan", "command", "start", "switch"], "default": "all"},
            "repeat_release_command": {"type": "bool", "default": False},
            "by": {"type": "str", "default": ""},
            "release_commands": {"type": "dict", "default": {}},
            "cancelled": {"type": "list", "elements": "str", "default": []},
            "keep_going": {"type": "bool", "default": False},
            "retire_old_slots": {"type": "bool", "default": False},
            "templates": {"type": "dict", "default": {}},
            "parts": {"type": "dict", "default": {}},
            "files": {"type": "dict", "default": {}},
            "environments": {"type": "dict", "default": {}},
            "secret_files": {"type": "dict", "default": {}, "no_log": False},
            "sealed": {"type": "str", "no_log": True},
        },
        required_if=[("retire_old_slots", False, ["declared"])],
        supports_check_mode=True,
    )
    act("deploy", module.params["by"])
    result, failures = retire_all(module) if module.params["retire_old_slots"] else run_all(module)
    if failures:
        module.fail_json(msg=failures.report("These apps do not run what is declared."), failures=failures, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
