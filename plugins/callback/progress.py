# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output for people who watch a run: what changes, on which hosts and when, and at the end every failure in full."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Show changes and failures, with the time
version_added: 0.1.0
description:
  - Prints a line for each role and for each task that changes something or fails. Each line begins with the time since the start of the run.
  - On a terminal, the last line shows the current task.
  - Repeats all failures at the end, in full, by host.
  - With C(-v) or more, prints everything that the callback P(ansible.builtin.default#callback) prints, and then the failures and times.
  - Uses words for all information. Colours only repeat it.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - Set C(stdout_callback) in the configuration, or the environment variable C(ANSIBLE_STDOUT_CALLBACK).
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = flaskyard.server.progress
"""

import os
import shutil
import sys
import time
import typing as t

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default

from ..plugin_utils.failure import failure_text

_SLOWEST = 3
#: Their results are messages to people.
_MESSAGES = ("debug", "ansible.builtin.debug", "ansible.legacy.debug")


def _when_verbose(event: str) -> t.Callable[[t.Any, t.Any], None]:
    """An event of which the default callback prints something, and this one only with C(-v)."""

    def show(self: t.Any, subject: t.Any) -> None:
        if self._display.verbosity:
            getattr(super(CallbackModule, self), event)(subject)

    return show


class CallbackModule(Default):
    """Prints the lines."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "flaskyard.server.progress"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._stage: str | None = None
        self._stages: dict[str, float] = {}
        self._stage_began = self._began
        #: By task and remark: the hosts.
        self._hosts: dict[tuple[str, str], list[str]] = {}
        self._task: t.Any = None
        self._failures: dict[str, list[str]] = {}
        #: By task and host.
        self._items: dict[tuple[str, str], list[str]] = {}
        self._live = _Live(self._display)

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity)

    # --- what runs

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Name the play and its hosts."""
        self._enter(None)
        if self._verbose:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        checking = " (check mode: nothing is changed)" if play.check_mode else ""
        self._display.display(f"\n{play.get_name().strip()}{checking}", color=C.COLOR_HIGHLIGHT)

    def _task_start(self, task: t.Any, prefix: str | None = None) -> None:
        role = task._role.get_name().rpartition(".")[2] if task._role else "tasks"
        self._enter(role)
        self._task = task
        if self._verbose:
            super()._task_start(task, prefix)
        else:
            self._live.show(f"{self._clock()}  {role}: {_title(task)}")

    def _enter(self, stage: str | None) -> None:
        """Finish the previous task's lines, and begin a stage."""
        self._flush()
        if stage == self._stage:
            return
        now = time.monotonic()
        if self._stage:
            self._stages[self._stage] = self._stages.get(self._stage, 0) + now - self._stage_began
        self._stage, self._stage_began = stage, now
        if stage and not self._verbose:
            self._display.display(f"{self._clock()}  {stage}")

    # --- what came of it

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Note a change; print a message."""
        if self._verbose:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings_and_exception(result)
        if result.result.get("changed") and not _is_include(result.task):
            self._note(result, "changed")
        elif result.task.action in _MESSAGES:
            self._clean_results(result.result, result.task.action)
            for message in _messages(result.result):
                self._display.display(f"      {self.host_label(result)}: {message}")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Report the failure at once, and keep the reason for the end."""
        if self._verbose:
            super().v2_runner_on_failed(result, ignore_errors)
        else:
            self._handle_warnings(result.result)  # an exception repeats the message, which comes at the end
            self._note(result, "failed, ignored" if ignore_errors else "failed")
        if not ignore_errors and not _is_rescued(result.task):
            self._keep(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Report at once that the host does not answer, and keep the reason for the end."""
        ignored = bool(result.task.ignore_unreachable)
        if self._verbose:
            super().v2_runner_on_unreachable(result)
        else:
            self._handle_warnings(result.result)
            self._note(result, "unreachable, ignored" if ignored else "unreachable")
        if not ignored:
            self._keep(result)

    # In a loop, the whole task counts; of retries, the last.
    v2_runner_on_skipped = _when_verbose("v2_runner_on_skipped")
    v2_runner_item_on_ok = _when_verbose("v2_runner_item_on_ok")
    v2_runner_item_on_skipped = _when_verbose("v2_runner_item_on_skipped")
    v2_runner_retry = _when_verbose("v2_runner_retry")
    v2_playbook_on_include = _when_verbose("v2_playbook_on_include")

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        """Keep the reason for the end."""
        self._items.setdefault((result.task._uuid, result.host.get_name()), []).append(f"{self._get_item_label(result.result)}: {failure_text(result.result)}")
        if self._verbose:
            super().v2_runner_item_on_failed(result)

    def _print_task_banner(self, task: t.Any) -> None:
        # Called by the callback that this one extends, before a diff.
        if self._verbose:
            super()._print_task_banner(task)
        else:
            self._last_task_banner = task._uuid
            self._display.display(f"{self._clock()}    {_title(task)}:")

    def _note(self, result: t.Any, word: str) -> None:
        if self._task is None or result.task._uuid != self._task._uuid:  # strategies other than linear
            self._flush()
            self._task = result.task
        self._hosts.setdefault((result.task._uuid, word), []).append(self.host_label(result))

    def _flush(self) -> None:
        """Print the lines of a task: one for each outcome, with the hosts."""
        for (dummy, word), hosts in self._hosts.items():
            color = {"changed": C.COLOR_CHANGED, "failed": C.COLOR_ERROR, "unreachable": C.COLOR_UNREACHABLE}.get(word, C.COLOR_WARN)
            shown = "would change" if word == "changed" and self._task.check_mode else word
            self._display.display(f"{self._clock()}    {_title(self._task)}: {shown} ({', '.join(hosts)})", color=color)
        self._hosts = {}
        self._live.clear()

    def _keep(self, result: t.Any) -> None:
        where = f"{result.task._role.get_name().rpartition('.')[2]}: {_title(result.task)}" if result.task._role else _title(result.task)
        host = result.host.get_name()
        reasons = self._items.pop((result.task._uuid, host), None) or [failure_text(result.result)]
        self._failures.setdefault(host, []).append("\n".join([where, *reasons]))

    # --- the end

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Report that no host is left."""
        self._enter(None)
        if self._verbose:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Print Ansible's own recap, where the time went, and what failed."""
        self._enter(None)
        super().v2_playbook_on_stats(stats)
        slowest = sorted(self._stages.items(), key=lambda stage: -stage[1])[:_SLOWEST]
        shares = ", ".join(f"{stage} {int(seconds)} s" for stage, seconds in slowest if seconds >= 1)
        self._display.display(f"{self._clock().strip()} in all" + (f"; longest: {shares}" if shares else ""))
        for host, texts in sorted(self._failures.items()):
            for text in texts:
                title, dummy, reason = text.partition("\n")
                self._display.display(f"\nFailed on {host}, {title}", color=C.COLOR_ERROR)
                self._display.display("\n".join(f"  {line}" for line in reason.splitlines()))

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60:3d}:{seconds % 60:02d}"


def _title(task: t.Any) -> str:
    """The name of a task without its role, which is the stage."""
    return str(task.get_name()).strip().rpartition(" : ")[2]


def _is_include(task: t.Any) -> bool:
    return str(task.action).rpartition(".")[2] in ("include_tasks", "include_role", "import_tasks", "import_role")


def _is_rescued(task: t.Any) -> bool:
    """Whether a block around the task handles its failure."""
    inner, outer = task, task._parent
    while outer:
        if getattr(outer, "rescue", None) and any(part._uuid == inner._uuid for part in outer.block):
            return True
        inner, outer = outer, outer._parent
    return False


def _messages(result: dict[str, t.Any]) -> t.Iterator[str]:
    for item in result.get("results", [result]):
        shown = {key: value for key, value in item.items() if not key.startswith("_ansible_") and key not in ("changed", "failed", "skipped", "item")}
        for value in [shown["msg"]] if "msg" in shown else shown.values():
            yield value if isinstance(value, str) else "\n".join(map(str, value)) if isinstance(value, list) else str(value)


class _Live:
    """The last line of a terminal. Other output replaces it, and the line is printed again below."""

    def __init__(self, display: t.Any) -> None:
        self._process, self._text = os.getpid(), ""
        self._on = sys.stdout.isatty() and not display.verbosity
        if self._on:
            write = display.display

            def display_above(*args: t.Any, **kwargs: t.Any) -> None:
                # Workers are forked from this process, and send their output to it.
                text = self._text if os.getpid() == self._process else ""
                if text:
                    self.clear()
                write(*args, **kwargs)
                if text:
                    self.show(text)

            display.display = display_above

    def show(self, text: str) -> None:
        """Show the line without a line break."""
        if self._on:
            self.clear()
            self._text = text
            sys.stdout.write(text[: shutil.get_terminal_size().columns - 1])
            sys.stdout.flush()

    def clear(self) -> None:
        """Clear the line."""
        if self._on and self._text and os.getpid() == self._process:
            self._text = ""
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
