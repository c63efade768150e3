# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app on several hosts of a run: which host runs its release command, and on which host it failed."""

from __future__ import annotations

import typing as t

Variables = dict[str, t.Any]


class Rollout:
    """The hosts of a play. One host reads the facts of all.

    :param variables: of the task on this host.
    """

    def __init__(self, variables: Variables) -> None:
        self._host: str = variables["inventory_hostname"]
        self._hosts: list[str] = list(variables.get("ansible_play_hosts") or [self._host])
        self._hostvars: t.Mapping[str, t.Any] = variables.get("hostvars") or {}
        self._own: dict[str, t.Any] = variables.get("ansible_facts", {})

    def is_alone(self, apps: t.Collection[str]) -> bool:
        """Whether no other host of the play has any of these apps, so that this host need not wait."""
        facts = [self._facts(host) for host in self._hosts if host != self._host]
        return not any(app in one.get(key, {}) for one in facts for key in ("flask_releases", "flask_failures") for app in apps)

    def failed_elsewhere(self, app: str) -> str:
        """Another host where an app has failed in this run; empty if there is none."""
        return next((host for host in self._hosts if host != self._host and app in self._facts(host).get("flask_failures", {})), "")

    def release_command(self, app: dict[str, t.Any], repeat: bool) -> t.Literal["", "run", "note"]:
        """What this host must do about the release command of an app: nothing, run it, or note that another host ran it.

        Hosts with the same release and environment of the app share what the command changes, unless C(release_command_once) is false.

        :param app: the app as the model completes it.
        :param repeat: whether to run a command again that has run already.
        """
        command = (app.get("release_command") or {}).get("command")
        release = self._release(self._host, app["name"])
        if not command or not release:
            return ""
        hosts = [self._host]
        if app["release_command_once"]:
            hosts = [host for host in self._hosts if self._release(host, app["name"]) and self._key(host, app) == self._key(self._host, app)]
        if repeat:
            return "run" if hosts[0] == self._host else ""
        ran = {host for host in hosts if self._release(host, app["name"]).get("release_command") == command}
        if self._host in ran:
            return ""
        return "note" if ran else "run" if hosts[0] == self._host else ""

    def _key(self, host: str, app: dict[str, t.Any]) -> t.Any:
        return self._release(host, app["name"]).get("id"), self._facts(host).get("flask_environments", {}).get(app["name"])

    def _release(self, host: str, app: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = self._facts(host).get("flask_releases", {}).get(app) or {}
        return found if found.get("id") else {}

    def _facts(self, host: str) -> t.Mapping[str, t.Any]:
        if host == self._host:
            return self._own
        found: t.Mapping[str, t.Any] = self._hostvars[host].get("ansible_facts", {}) if host in self._hostvars else {}
        return found
