# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `progress`: its output on a terminal and in a file."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLAY = """
- name: A separate play
  hosts: all
  gather_facts: false
  serial: "{{ batch | default(0) }}"
  strategy: "{{ strategy | default('linear') }}"
  tasks:
    - name: Say hello
      ansible.builtin.debug: {msg: "hello {{ inventory_hostname }}"}
    - name: Write a file
      ansible.builtin.copy: {content: "a line\\n", dest: "{{ playbook_dir }}/{{ inventory_hostname }}.txt", mode: "0644"}
      diff: true
    - name: Fail, and go on
      ansible.builtin.command: {argv: ["false"]}
      ignore_errors: true
      check_mode: false
    - name: Try
      check_mode: false
      block:
        - name: Fail, and be rescued
          ansible.builtin.command: {argv: [sh, -c, "echo rescued >&2; exit 3"]}
      rescue:
        - name: Go on
          ansible.builtin.command: {argv: ["true"]}
    - name: Fail for some items
      ansible.builtin.command: {argv: [sh, -c, "echo printed; echo complained >&2; exit {{ item }}"]}
      loop: [0, 7]
      check_mode: false
      when: inventory_hostname == 'two' and fail | default(true) | bool
    - name: Keep a secret
      ansible.builtin.command: {argv: [sh, -c, "echo canary-4711; exit 1"]}
      no_log: true
      check_mode: false
      when: inventory_hostname == 'one' and secret | default(false) | bool
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "play.yml").write_text(PLAY)
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"one": {}, "two": {}}, "vars": variables}}))
    return tmp_path


def command(folder: Path, *options: str) -> list[str]:
    return [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.yml"), str(folder / "play.yml"), *options]


def environment(callback: str) -> dict[str, str]:
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections")}
    return {**os.environ, **settings, "ANSIBLE_STDOUT_CALLBACK": callback}


def printed(folder: Path, *options: str, callback: str = "flaskyard.server.progress") -> str:
    """Both streams of a run whose output is not a terminal."""
    done = subprocess.run(command(folder, *options), env=environment(callback), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def test_lines_say_what_changes_and_where(folder: Path) -> None:
    text = printed(folder, "-e", "fail=false")
    assert re.search(r"^  \d:\d\d  tasks$", text, re.M) and "\nA separate play\n" in text
    assert re.search(r"^  \d:\d\d    Write a file: changed \((one, two|two, one)\)$", text, re.M)
    assert "      one: hello one\n" in text and "+a line" in text
    assert re.search(r"Fail, and go on: failed, ignored \((one, two|two, one)\)", text)
    assert re.search(r"^one +: ok=\d+ +changed=3 .*rescued=1 +ignored=1", text, re.M), "Ansible's own recap, which scripts read"
    assert re.search(r"^\d:\d\d in all", text, re.M)
    assert "Failed on" not in text and "\x1b" not in text and "\r" not in text and "TASK" not in text


def test_failures_are_shown_in_full_at_the_end(folder: Path) -> None:
    text = printed(folder, "-e", "secret=true")
    end = text.partition("PLAY RECAP")[2]
    assert "Failed on two, Fail for some items\n" in end and "(rc 7)" in end
    assert "complained" in end and "printed" in end and end.count("Failed on two") == 1, "nothing of what was rescued"
    assert "Failed on one, Keep a secret\n" in end and "no_log" in end and "canary" not in text


def test_check_mode_says_that_nothing_changes(folder: Path) -> None:
    text = printed(folder, "--check", "-e", "fail=false")
    assert "A separate play (check mode: nothing is changed)" in text
    assert "Write a file: would change (" in text and "+a line" in text and "Write a file: changed" not in text


@pytest.mark.parametrize("options", [["-e", "batch=1"], ["-e", "strategy=free"]], ids=["serial", "free"])
def test_batches_and_strategies_lose_nothing(folder: Path, options: list[str]) -> None:
    text = printed(folder, *options)
    for host in ("one", "two"):
        assert re.search(rf"Write a file: changed \((?:one, |two, )?{host}", text) and f"{host}: hello {host}" in text
    assert "Failed on two, Fail for some items\n" in text and text.count("PLAY RECAP") == 1


def test_verbose_shows_everything_the_default_does(folder: Path) -> None:
    def lines(callback: str) -> list[str]:
        for name in ("one", "two"):
            (folder / f"{name}.txt").unlink(missing_ok=True)
        text = printed(folder, "-v", "--limit", "two", callback=callback)
        return [line for line in text.splitlines() if not re.search(r"\d{4}-\d\d-\d\d|delta|src:|time:|inode|ansible-tmp|Using ", line)]

    default, ours = lines("ansible.builtin.default"), lines("flaskyard.server.progress")
    assert [line for line in default if line not in ours] == [] and len(default) > 30
    assert "Failed on two, Fail for some items" in ours


def test_terminal_shows_the_task_that_runs(folder: Path) -> None:
    reader, writer = pty.openpty()
    settings = {**environment("flaskyard.server.progress"), "TERM": "xterm"}
    process = subprocess.Popen(command(folder, "-e", "fail=false"), env=settings, stdout=writer, stderr=writer)
    os.close(writer)
    shown = b""
    try:
        while part := os.read(reader, 65536):
            shown += part
    except OSError:  # how a pseudo-terminal ends
        pass
    assert process.wait() == 0
    text = shown.decode()
    assert re.search(r"tasks: Write a file\r\x1b\[K", text), "the line is taken away again"
    standing = [line.rpartition("\r\x1b[K")[2] for line in text.replace("\r\n", "\n").split("\n")]
    assert any("Write a file: changed" in line for line in standing)
    assert not any(re.search(r"\d  tasks: ", line) for line in standing)
