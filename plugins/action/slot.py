# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the slots: renders the files of every app here, and sends all of them in one call."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._apps.procfile import SERVING, ProcfileError, parse_procfile, with_procfile
from ..module_utils._host.environment_file import environment_file
from ..module_utils._host.errors import Failures
from ..module_utils._host.sealed import seal
from ..module_utils._slots.recipe import TOKENS, asked_for
from ..plugin_utils.operator import operator
from ..plugin_utils.render import Renderer
from ..plugin_utils.rollout import Rollout
from ..plugin_utils.surveyed import holds, outdated, results, with_facts

#: The keys of an app that the host needs. The others, including secrets, stay on the controller.
_SENT = (
    *("name", "unit", "user", "canonical", "port_suffix", "domains", "mount", "protocol", "healthcheck", "graceful_timeout_seconds", "keep_releases"),
    *("exclusive", "release_command", "release_command_once", "release_command_timeout_seconds", "work", "sandbox", "packages", "paths"),
)


display = Display()


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.slot) with rendered files."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Render the files, and run one phase or all for the apps that the survey has not found as declared."""
        self._variables: dict[str, t.Any] = task_vars or {}
        super().run(tmp, self._variables)
        self._facts: dict[str, t.Any] = self._variables.get("ansible_facts", {})
        self._failed: dict[str, str] = dict(self._facts.get("flask_failures", {}))
        self._web_lines: dict[str, str] = {}
        self._rollout = Rollout(self._variables)
        args = dict(self._task.args)
        # An app without a new release stays unchanged, with its present settings.
        apps: list[dict[str, t.Any]] = [app for app in args.get("apps") or [] if app["name"] not in self._failed]
        apps = [self._with_procfile(app, args) for app in apps]
        apps = [app for app in apps if app["name"] not in self._failed]
        args["environments"] = {app["name"]: environment_file(app["env"]) for app in apps}
        args["secret_files"] = {app["name"]: app["files"] for app in apps if app["files"]}
        args["apps"] = [{key: app[key] for key in _SENT} for app in apps]
        args["by"] = operator()
        phase: str = args.setdefault("phase", "all")
        repeat = boolean(args.get("repeat_release_command", False)) and phase in ("all", "plan", "command")
        asked = {} if args.get("retire_old_slots") else {app["name"]: asked for app in apps if (asked := self._rollout.release_command(app, repeat))}
        args["release_commands"] = asked
        if phase == "plan":
            apps = [app for app in apps if not self._is_evident(app["name"], args)]
        elif phase == "command":
            apps = [app for app in apps if asked.get(app["name"]) == "run"]
        args["files"] = rendered(Renderer(self, self._variables), apps, args.pop("templates", None) or {}, args.pop("parts", None) or {})
        phases = {"all": self._all, "plan": self._plan, "command": self._command, "start": self._start, "switch": self._switch}
        result = self._ask(args) if args.get("retire_old_slots") else phases[phase](args)
        return with_facts(result, result["ansible_facts"])

    def _with_procfile(self, app: dict[str, t.Any], args: dict[str, t.Any]) -> dict[str, t.Any]:
        text: str | None = ((args.get("releases") or {}).get(app["name"]) or {}).get("procfile")
        try:
            completed = with_procfile(app, text)
            if app["procfile"] and (unused := [f"{name}: {line}" for name, line in parse_procfile(text or "").items() if name in SERVING]):
                self._web_lines[app["name"]] = ", ".join(unused)
            return completed
        except ProcfileError as error:
            self._failed[app["name"]] = str(error)
            if not args.get("keep_going"):
                raise AnsibleActionFail(Failures(self._failed).report("These apps do not run what is declared.")) from error
            return app

    def _all(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        return self._ask(args) if self._pending(args) else self._unchanged(args)

    def _plan(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        if pending := self._pending(args):
            return self._guarded({"changed": False, "ansible_facts": {"flask_slots_pending": pending, "flask_failures": self._failed}})
        return self._unchanged(args)

    def _command(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        pending = self._facts["flask_slots_pending"]
        held = self._held(args, pending)
        commands = {name: asked for name, asked in args["release_commands"].items() if asked == "run" and name not in held}
        facts: dict[str, t.Any] = {"flask_slots_pending": pending, "flask_failures": self._failed}
        if not commands or self._task.check_mode:
            return self._guarded({"changed": False, "ansible_facts": facts})
        apps = [app for app in args["apps"] if app["name"] in commands]
        result = self._ask({**args, "apps": apps, "release_commands": commands})
        ran = {app["name"]: {"release_command": app["release_command"]["command"]} for app in apps if app["name"] not in result.get("failures", {})}
        releases: dict[str, dict[str, t.Any]] = {name: {**release, **ran.get(name, {})} for name, release in (args.get("releases") or {}).items()}
        result["ansible_facts"] = {**result["ansible_facts"], **facts, "flask_failures": self._failed, "flask_releases": releases}
        return result

    def _start(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        if self._rollout.is_alone(self._facts["flask_slots_pending"]) or self._task.check_mode:
            return self._ask({**args, "phase": "all", "release_commands": args["release_commands"] if self._task.check_mode else {}})
        held = self._held(args, self._facts["flask_slots_pending"])
        notes = {name: asked for name, asked in args["release_commands"].items() if asked == "note"}
        result = self._ask({**args, "apps": [app for app in args["apps"] if app["name"] not in held], "release_commands": notes})
        result["ansible_facts"] |= {"flask_slots_pending": self._facts["flask_slots_pending"], "flask_failures": self._failed}
        return result

    def _switch(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        held = self._held(args, self._facts["flask_slots_pending"])
        result = self._ask({**args, "release_commands": {}, "cancelled": held})
        result["ansible_facts"]["flask_failures"] = self._failed
        return result

    def _held(self, args: dict[str, t.Any], pending: list[str]) -> list[str]:
        """The apps that stop here because they failed on another host."""
        held = {name: host for app in args["apps"] if (name := app["name"]) in pending and (host := self._rollout.failed_elsewhere(name))}
        self._failed |= {name: f"it failed on the host {host}, so what runs here stays as it is" for name, host in held.items()}
        return [*held]

    def _ask(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Call the module and return its result."""
        result: dict[str, t.Any] = self._execute_module(
            module_name="flaskyard.server.slot", module_args=seal(args, "files", "environments", "secret_files"), task_vars=self._variables
        )
        facts: dict[str, t.Any] = result.setdefault("ansible_facts", {})
        if not args.get("retire_old_slots") and "flask_slots_retained" in facts:
            facts["flask_slots_retained"] += self._retained_by_others(args["files"])
        if result.get("changed") and not self._task.check_mode:
            facts |= outdated(self._variables, "slots", "releases")
        for app, phases in result.get("timings", {}).items():
            self._say(app, ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in phases.items()))
        if failures := result.get("failures"):
            self._failed |= failures
            facts["flask_failures"] = self._failed
            if args.get("keep_going"):
                result["failed"] = False
                for part in ("msg", "exception"):
                    result.pop(part, None)
                for app, words in Failures(failures).headlines().items():
                    display.warning(f"{self._variables.get('inventory_hostname')}: app {app} does not run what is declared: {words}")
        return result if args.get("retire_old_slots") else self._guarded(result)

    def _say(self, app: str, words: str) -> None:
        display.display(f"{self._variables.get('inventory_hostname')}, {app}: {words}")

    def _guarded(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """The result. It is a failure if a failed app still serves with its old protocol, because the proxy would no longer reach it."""
        spoken = self._facts.get("flaskyard", {}).get("protocols", {})
        apps = [app for app in self._task.args.get("apps") or [] if app["name"] in self._failed]
        if stranded := [app["name"] for app in apps if spoken.get(app["name"], app["protocol"]) != app["protocol"]]:
            words = f"The proxy is left as it is, since {', '.join(stranded)} would speak another protocol than what serves now."
            raise AnsibleActionFail(Failures(self._failed).report(words))
        return result

    def _pending(self, args: dict[str, t.Any]) -> list[str]:
        """The apps that the survey has not found as declared, and those that are no longer declared."""
        found, releases = results(self._variables, "slots"), args.get("releases") or {}

        def is_pending(app: dict[str, t.Any]) -> bool:
            name = app["name"]
            if self._is_evident(name, args):
                return True
            made_of = args["files"][name], args["environments"][name], args.get("manager", "systemd"), args["secret_files"].get(name)
            return not holds(found[name], asked_for(app, releases.get(name), *made_of))

        pending = [app["name"] for app in args["apps"] if is_pending(app)]
        for name in [name for name in pending if name in self._web_lines]:
            self._say(name, f"the Procfile's line '{self._web_lines[name]}' is not used: the key server says what serves")
        if "slots" not in self._facts.get("flaskyard", {}).get("survey", {}):
            return pending or ["all that is not declared"]
        return pending + sorted(set(found) - set(args.get("declared") or []))

    def _is_evident(self, name: str, args: dict[str, t.Any]) -> bool:
        """Whether an app is pending, whatever its files are: it is unknown, something is missing, or another release or a command is due."""
        found, release = results(self._variables, "slots").get(name), (args.get("releases") or {}).get(name)
        return found is None or bool(found["differences"]) or name in args["release_commands"] or bool(release and release.get("id") != found["release"])

    def _unchanged(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """The result if everything runs as declared."""
        found, names = results(self._variables, "slots"), [app["name"] for app in args["apps"]]
        retained = [name for name in names if found[name]["retained"]]
        facts = {"flask_failures": self._failed, "flask_slots_pending": [], "flask_slots_retained": retained + self._retained_by_others(names)}
        return self._guarded({"changed": False, "slots": {name: found[name]["slot"] for name in names}, "ansible_facts": facts})

    def _retained_by_others(self, names: t.Collection[str]) -> list[str]:
        """Retained slots of apps with another server, which were in a separate call."""
        return [name for name in self._facts.get("flask_slots_retained", []) if name not in names]


def rendered(renderer: Renderer, apps: list[dict[str, t.Any]], templates: dict[str, str], parts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The files of each app's slot, by name. If a template renders to nothing for an app, the app does not get that file.

    :param templates: by name of the file.
    :param parts: by key of an app whose items have files, and by suffix of the file.
    """
    files: dict[str, dict[str, str]] = {app["name"]: {} for app in apps}
    for name, template in templates.items():
        for app, text in zip(apps, renderer.render_each(template, "app", apps, TOKENS), strict=True):
            if text.strip():
                files[app["name"]][name] = text
    for key, suffixes in parts.items():
        items = [(app, part) for app in apps for part in _instances(app[key])]
        for suffix, template in suffixes.items() if items else ():
            for (app, part), text in zip(items, renderer.render_each(template, "app, part", items, TOKENS), strict=True):
                files[app["name"]][f"{part['file']}.{suffix}"] = text
    return files


def _instances(items: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    """The parts for the items of a list of an app. A process has one for each of its C(count)."""
    for item in items:
        if "count" not in item:
            yield {**item, "file": f"schedule.{item['name']}"}
        for number in range(1, item.get("count", 0) + 1):
            yield {**item, "number": number, "file": f"process.{item['name']}.{number}"}
