# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reason of a failure, found in journals of real runs: every server with an app that cannot be imported, one that exits, and one that is unhealthy.

Frames of libraries are left out of C(journals/).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._slots.reasons import headline, mentions, reason, without_consequences, without_journal

JOURNALS = Path(__file__).parent / "journals"
SERVERS = ["fastcgi", "granian", "gunicorn", "mod_wsgi", "passenger", "uwsgi", "waitress"]
MISSING = "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"
UNHEALTHY = "GET /healthz gave status 500; expected status 200, 2 times in a row within 8 s (key healthcheck)"


def journal(name: str) -> str:
    return (JOURNALS / f"{name}.log").read_text()


@pytest.mark.parametrize("server", SERVERS)
def test_exception_of_an_import_is_the_reason(server: str) -> None:
    assert reason(journal(f"{server}-imp")) == f"{MISSING}: add it to the requirements, correct the key wsgi, or name the folder of the code in directory"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("attr", "AttributeError: module 'probe' has no attribute 'nothere': if the key wsgi names it, correct the key"),
        (
            "uncalled",
            "TypeError: create() takes 0 positional arguments but 2 were given: if it is the app's factory, call it in the key wsgi, as in shop:create_app()",
        ),
    ],
)
def test_wrong_wsgi_names_the_key(name: str, words: str) -> None:
    assert reason(journal(f"gunicorn-{name}")) == words
    assert "wsgi" not in reason(journal(f"gunicorn-{name}"), "release_command")


@pytest.mark.parametrize("server", SERVERS)
def test_unhealthy_app_is_reported_with_its_exception(server: str) -> None:
    assert headline("gate", UNHEALTHY, journal(f"{server}-health")).splitlines() == [
        "gate: GET /healthz gave status 500 (RuntimeError: the database is gone)",
        "expected status 200, 2 times in a row within 8 s (key healthcheck)",
    ]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("fastcgi", "Main process exited, code=exited, status=3/NOTIMPLEMENTED"),
        ("granian", "Unexpected exit from worker-1"),
        ("gunicorn", "Worker (pid:573) exited with code 3"),
        ("mod_wsgi", ""),
        ("passenger", "The application process exited prematurely."),
        ("uwsgi", "worker 1 (pid: 1633) died"),
        ("waitress", "Main process exited, code=exited, status=3/NOTIMPLEMENTED"),
    ],
)
def test_server_output_explains_an_exiting_worker(server: str, words: str) -> None:
    assert reason(journal(f"{server}-exits")) == words


def test_port_of_the_old_slot_suggests_exclusive() -> None:
    first = headline("gate", "GET / gave no answer (timed out); the service does not stay up", journal("gunicorn-busy")).splitlines()
    assert first == [
        "gate: OSError: [Errno 98] Address already in use: another process holds the port or lock; if it is the old slot, set exclusive: true",
        "GET / gave no answer (timed out); the service does not stay up",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ("Worker exiting\nall is well\n", ""),
        ("ValueError: said, not raised", ""),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'DATABASE_URL'\n", "KeyError: 'DATABASE_URL'"),
        ("Traceback (most recent call last):\n  File\njinja2.exceptions.TemplateNotFound: x\n  more\n", "jinja2.exceptions.TemplateNotFound: x"),
        ("Traceback (most recent call last):\n  File\nAssertionError\n", "AssertionError"),
        ("Traceback (most recent call last):\n  File\n[08:18] [ERROR] another worker\n  File\nKeyError: 1\n", "KeyError: 1"),
        ("Traceback (most recent call last):\n  File\nA: 1\nlater\nTraceback (most recent call last):\n  File\nB: 2\n", "B: 2"),
        (
            "Traceback (most recent call last):\n  f\nOSError: [Errno 28] No space left on device\n",
            "OSError: [Errno 28] No space left on device: free some space (df -h)",
        ),
        (
            "Traceback (most recent call last):\n  f\nOSError: [Errno 97] Address family not supported by protocol\n",
            "OSError: [Errno 97] Address family not supported by protocol: if it asks for the host's network interfaces, set sandbox.netlink: true",
        ),
        (
            "Traceback (most recent call last):\n  f\nFileNotFoundError: [Errno 2] No such file or directory: '/dev/ttyS0'\n",
            "FileNotFoundError: [Errno 2] No such file or directory: '/dev/ttyS0': name the device in sandbox.devices",
        ),
        ("Started x.service - X.\nno queue\nx.service: Main process exited, code=exited, status=1/FAILURE\n", "no queue"),
        (
            "Started x.service - X.\nx.service: Main process exited, code=killed, status=11/SEGV\n",
            "Main process exited, code=killed, status=11/SEGV",
        ),
        ("a@1 starts\nno queue\na@1 has ended: Exited too quickly\n", "no queue"),
        ("a@1 starts\nno queue\na@1 starts\n", "no queue"),
        ("a@1 starts\na@1 starts\na@1 has ended: Exited too quickly\n", ""),
        ("x.service: Failed with result 'oom-kill'.", "it ran out of memory: raise sandbox.memory_max_mb"),
        ("Traceback (most recent call last):\n  f\nValueError: " + "x" * 1000, "ValueError: " + "x" * 287 + "…"),
    ],
)
def test_reason_is_one_line(text: str, found: str) -> None:
    assert reason(text) == found


def test_running_app_without_an_answer_is_reported() -> None:
    seen = "GET /healthz gave no answer (timed out); expected status 200"
    assert headline("gate", seen, journal("uwsgi-exits")) == "gate: GET /healthz gave no answer (timed out) (worker 1 (pid: 1633) died)\nexpected status 200"


def test_wrong_body_is_reported() -> None:
    seen = "GET / gave status 200 without 'ready' in its body; expected 'ready'"
    assert headline("gate", seen, journal("gunicorn-health")) == f"gate: {seen}"


@pytest.mark.parametrize("name", ["shop@1", "shop@1-process.worker.1", "shop@1-process.worker"])
def test_longer_name_is_not_a_mention(name: str) -> None:
    assert not mentions("shop@1-process.worker.10 does not stay up", name)
    assert mentions(f"shop@1-process.worker.10 does not stay up\n{name} neither.", name)


def test_command_is_quoted_without_its_journal() -> None:
    said = 'systemctl start a.service ended with 1:\nJob for a.service failed.\nSee "systemctl status a.service" and more.\n--- journal of a.service\nlines'
    assert without_journal(said) == "systemctl start a.service ended with 1:\nJob for a.service failed."


def test_excerpt_keeps_the_traceback_of_the_app() -> None:
    halted = journal("gunicorn-halt")
    excerpt = without_consequences(halted)
    assert MISSING in excerpt and "HaltServer" in halted and "HaltServer" not in excerpt
    assert set(halted.splitlines()) - set(excerpt.splitlines()) == {
        line for line in halted.splitlines() if "Halt" in line or line.startswith("During handling")
    }
    assert excerpt.count("Traceback") == 1
