# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of a fileset, on real files. molecule scenarios cover units, and check mode on a bare host."""

from __future__ import annotations

import getpass
import grp
import itertools
import json
import multiprocessing
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import transaction as fileset
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.record import Record, known
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.transaction import Fileset, FilesetError
from ansible_collections.flaskyard.server.plugins.module_utils._host import locks, paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.path_state import PathError, assert_trusted_parents
from ansible_collections.flaskyard.server.plugins.module_utils._host.wishes import wish

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
File = dict[str, t.Any]
#: Audit events of what changes something.
CHANGING = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.symlink", "shutil.rmtree", "subprocess.Popen"}
#: More than this happens between the first change and the last.
STEPS = 20


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in. Above it, /tmp is everybody's, which the transaction would refuse."""
    monkeypatch.setattr(paths, "FILESETS", str(tmp_path / "state"))
    monkeypatch.setattr(fileset, "assert_trusted_parents", lambda path: None)
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def file(path: Path, content: str | None = None, **more: t.Any) -> File:
    ours = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
    return {"path": str(path), "content": content, "state": "file", "link": None, "mode": None, "secret": False, **ours, **more}


def run(files: list[File], check: bool = False, rehearse: bool = False, **steps: list[str]) -> dict[str, t.Any]:
    params: dict[str, t.Any] = {"name": "set", "files": files, "validate": [], "activate": [], "live": [], "units": [], "replaces": [], "confirm": [], **steps}
    params["rehearse"] = rehearse
    return Fileset(params, check=check, wish=wish(params)).run()


def content_of(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in place.rglob("*") if path.is_file()}


def test_files_links_directories_and_modes(place: Path) -> None:
    declared = [
        file(place / "a", "one\n", mode="0600"),
        file(place / "d", state="directory", mode="0750"),
        file(place / "d/b", "two\n"),
        file(place / "l", link="a"),
    ]
    assert run(declared)["changed_paths"] == [str(place / name) for name in ("a", "d", "d/b", "l")]
    assert content_of(place) == {"a": "one\n", "b": "two\n", "l": "one\n"}
    assert [stat.S_IMODE((place / name).stat().st_mode) for name in ("a", "d", "d/b")] == [0o600, 0o750, 0o644]
    assert run(declared)["changed"] is False


def test_nothing_is_done_when_nothing_changed(place: Path) -> None:
    declared = [file(place / "a", "one\n")]
    run(declared)
    before = (place / "a").stat().st_ino, (place / "a").stat().st_ctime_ns
    result = run(declared, validate=["false"], activate=["false"], confirm=["false"])
    assert (result["changed"], result["steps"]) == (False, [])
    assert ((place / "a").stat().st_ino, (place / "a").stat().st_ctime_ns) == before


def test_check_mode_reports_without_a_change(place: Path) -> None:
    run([file(place / "a", "one\n")])
    result = run([file(place / "a", "two\n"), file(place / "b", "new\n")], check=True)
    assert result["changed_paths"] == [str(place / "a"), str(place / "b")]
    assert [(diff["before"], diff["after"]) for diff in result["diff"]] == [("one\n", "two\n"), ("", "new\n")]
    assert content_of(place) == {"a": "one\n"}


def test_changed_mode_is_a_change_and_says_so(place: Path) -> None:
    run([file(place / "a", "one\n")])
    (place / "a").chmod(0o666)
    result = run([file(place / "a", "one\n")])
    assert "0666" in result["diff"][0]["before"] and "0644" in result["diff"][0]["after"]
    assert stat.S_IMODE((place / "a").stat().st_mode) == 0o644


def test_secrets_are_in_no_diff(place: Path) -> None:
    run([file(place / "a", "hunter1", secret=True)])
    result = run([file(place / "a", "hunter2", secret=True), file(place / "b", "hunter3", secret=True)])
    assert result["changed"] and "hunter" not in str(result)


@pytest.mark.parametrize("check", [True, False])
def test_secret_stays_hidden_after_its_declaration_is_gone(place: Path, check: bool) -> None:
    run([file(place / "a", "hunter1", secret=True), file(place / "b", "shown")])
    result = run([], check=check)
    assert "hunter" not in str(result) and "shown" in str(result)


def test_file_with_restricted_mode_is_secret(place: Path) -> None:
    run([file(place / "a", "hunter1", mode="0640")])
    (place.parent / "state/set/manifest.json").write_text(json.dumps({"paths": [str(place / "a")]}))  # of a version that did not remember
    assert "hunter" not in str(run([file(place / "a", "hunter2")], check=True))
    (place / "vendor").write_text("hunter3")
    (place / "vendor").chmod(0o600)
    assert "hunter" not in str(run([file(place / "a", "hunter2", mode="0640"), file(place / "vendor", "ours")]))
    assert "hunter" not in str(run([]))


@pytest.mark.parametrize(("step", "after"), [("validate", ", and no service saw the new ones"), ("activate", " and active"), ("confirm", " and active")])
def test_failing_step_restores_everything(place: Path, step: str, after: str) -> None:
    (place / "vendor").write_text("theirs\n")
    run([file(place / "a", "one\n"), file(place / "gone", "x\n")])
    # Activating the old files again must work: it fails only while the new ones are in place.
    failing = f"sh -c {shlex.quote(f'! grep -q two {place}/a || {{ echo why >&2; exit 7; }}')}"
    steps: dict[str, t.Any] = {step: [failing]}
    with pytest.raises(FilesetError, match=r"ended with 7:\nwhy") as caught:
        run([file(place / "a", "two\n"), file(place / "new", "y\n"), file(place / "vendor", "ours\n")], **steps)
    assert f"The old files are back{after}" in str(caught.value)
    assert content_of(place) == {"vendor": "theirs\n", "a": "one\n", "gone": "x\n"}
    assert run([file(place / "a", "one\n"), file(place / "gone", "x\n")])["changed"] is False


def test_steps_run_in_order_with_the_new_files_in_place(place: Path) -> None:
    log = place.parent / "log"
    steps: dict[str, t.Any] = {name: [f"sh -c {shlex.quote(f'echo {name} $(cat {place}/a) >> {log}')}"] for name in ("validate", "activate", "confirm")}
    run([file(place / "a", "new")], **steps)
    assert log.read_text() == "validate new\nactivate new\nconfirm new\n"


def test_undeclared_files_are_removed_and_vendor_files_restored(place: Path) -> None:
    (place / "vendor").write_text("theirs\n")
    (place / "default").symlink_to("/somewhere")
    run([file(place / "a", "one\n"), file(place / "vendor", "ours\n"), file(place / "default", state="absent")])
    assert content_of(place) == {"a": "one\n", "vendor": "ours\n"} and not os.path.lexists(place / "default")
    run([])
    assert content_of(place) == {"vendor": "theirs\n"}
    assert os.readlink(place / "default") == "/somewhere"
    assert not (place.parent / "state/set").exists(), "without files there is nothing to remember"
    assert run([])["changed"] is False


def test_files_of_others_are_not_touched(place: Path) -> None:
    (place / "other").write_text("other\n")
    run([file(place / "d", state="directory"), file(place / "d/a", "one\n")])
    (place / "d/theirs").write_text("x")
    run([])
    assert content_of(place) == {"other": "other\n", "theirs": "x"}


def test_link_in_place_of_a_file_is_replaced(place: Path) -> None:
    victim = place.parent / "victim"
    victim.write_text("precious\n")
    (place / "a").symlink_to(victim)
    run([file(place / "a", "one\n")])
    assert victim.read_text() == "precious\n" and not (place / "a").is_symlink()


def test_directory_in_the_way_is_refused(place: Path) -> None:
    (place / "a").mkdir()
    with pytest.raises(FilesetError, match="is a directory and a file is declared there"):
        run([file(place / "a", "one\n")])


def test_run_killed_before_activation_is_finished_by_the_next(place: Path) -> None:
    log = place.parent / "log"
    run([file(place / "a", "one\n"), file(place / "old", "x\n")])
    declared = [file(place / "a", "two\n"), file(place / "b", "new\n")]
    killed = multiprocessing.get_context("fork").Process(target=run, args=(declared,), kwargs={"activate": ["sh -c 'kill -9 $PPID'"]})
    killed.start()
    killed.join()
    assert killed.exitcode == -9 and content_of(place) == {"a": "two\n", "b": "new\n"}, "it was killed with the files in place"
    assert run(declared, check=True)["changed"], "check mode tells that there is something to finish"
    result = run(declared, activate=[f"touch {log}"])
    assert result["changed"] and log.exists(), "the handler is not lost"
    assert content_of(place) == {"a": "two\n", "b": "new\n"}
    assert run(declared, activate=["false"])["changed"] is False


def test_killed_run_of_files_no_longer_wanted_is_undone(place: Path) -> None:
    declared = [file(place / "a", "one\n")]
    run(declared)
    wrong = [file(place / "a", "bad\n"), file(place / "b", "bad\n")]
    killed = multiprocessing.get_context("fork").Process(target=run, args=(wrong,), kwargs={"validate": ["sh -c 'kill -9 $PPID'"]})
    killed.start()
    killed.join()
    log = place.parent / "log"
    assert run(declared, activate=[f"touch {log}"])["changed"]
    assert content_of(place) == {"a": "one\n"} and log.exists(), "who knows what the killed run had activated"


class Service:
    """Something that runs with the files as they were when it was last told, declared in an old way and a new one."""

    def __init__(self, place: Path) -> None:
        self._place, self._running = place, place.parent / "running"
        self._see = f"sh -c {shlex.quote(f'grep -r . {place} | sort')}"
        self.steps: dict[str, t.Any] = {"activate": [f"sh -c {shlex.quote(f'{self._see} > {self._running}')}"]}
        folder = [file(place / "d", state="directory"), file(place / "d/b", "b\n")]
        self.declared = {
            "old": [file(place / "a", "one\n"), file(place / "gone", "x\n"), file(place / "vendor", "ours\n"), file(place / "l", state="absent"), *folder],
            "new": [file(place / "a", "two\n"), file(place / "new", "y\n")],
        }
        self._contents = {
            "old": {"a": "one\n", "gone": "x\n", "vendor": "ours\n", "b": "b\n"},
            "new": {"a": "two\n", "new": "y\n", "vendor": "theirs\n", "l": "theirs\n"},
        }

    def begin(self) -> None:
        """The old declaration on a fresh host."""
        shutil.rmtree(self._place.parent / "state", ignore_errors=True)
        shutil.rmtree(self._place)
        self._place.mkdir()
        (self._place / "vendor").write_text("theirs\n")
        (self._place / "l").symlink_to("vendor")
        run(self.declared["old"], **self.steps)

    def killed_at(self, step: int, declared: str, **steps: list[str]) -> bool:
        """Run a declaration and SIGKILL it before the change of this number; whether there is one."""

        def victim() -> None:
            numbers = itertools.count()
            sys.addaudithook(lambda event, dummy: os.kill(os.getpid(), signal.SIGKILL) if event in CHANGING and next(numbers) == step else None)
            run(self.declared[declared], **{**self.steps, **steps})

        process = multiprocessing.get_context("fork").Process(target=victim)
        process.start()
        process.join()
        return process.exitcode == -signal.SIGKILL

    def assert_settles(self, declared: str) -> None:
        """A run brings about what is declared, the service runs with it, and there is no more to do."""
        run(self.declared[declared], **self.steps)
        assert content_of(self._place) == self._contents[declared]
        assert (self._place / "d").exists() == (declared == "old") and (self._place / "l").is_symlink() == (declared == "new")
        assert self._running.read_text() == subprocess.run(shlex.split(self._see), capture_output=True, text=True, check=True).stdout, "it was not told"
        assert run(self.declared[declared], **self.steps)["changed"] is False


@pytest.fixture
def service(place: Path) -> Service:
    return Service(place)


@pytest.mark.parametrize("after", ["new", "old"])
def test_run_killed_anywhere_is_finished_by_the_next(service: Service, after: str) -> None:
    for step in itertools.count():
        service.begin()
        killed = service.killed_at(step, "new")
        service.assert_settles(after)
        if not killed:
            break
    assert step > STEPS


def test_refused_run_killed_anywhere_activates_the_old_files(service: Service) -> None:
    for step in itertools.count():
        service.begin()
        killed = service.killed_at(step, "new", confirm=["false"])
        service.assert_settles("old")
        if not killed:
            break
    assert step > STEPS


@pytest.mark.parametrize("after", ["new", "old"])
@pytest.mark.parametrize("between", ["new", "old"])
def test_second_killed_run_loses_nothing(service: Service, between: str, after: str) -> None:
    for step in itertools.count():
        service.begin()
        assert service.killed_at(-1, "new", confirm=["sh -c 'kill -9 $PPID'"])
        killed = service.killed_at(step, between)
        service.assert_settles(after)
        if not killed:
            break
    assert step > STEPS


def test_set_known_only_to_a_killed_run_is_removed(service: Service, place: Path) -> None:
    service.begin()
    run([])
    assert known() == []
    begun = multiprocessing.get_context("fork").Process(target=run, args=(service.declared["new"],), kwargs={"confirm": ["sh -c 'kill -9 $PPID'"]})
    begun.start()
    begun.join()
    assert not (place.parent / "state/set/manifest.json").exists() and known() == ["set"]
    assert run([])["changed"]
    assert content_of(place) == {"vendor": "theirs\n", "l": "theirs\n"} and known() == []
    assert run([])["changed"] is False


def test_partly_removed_set_leaves_the_files_of_the_distribution(service: Service, place: Path) -> None:
    for step in itertools.count():
        service.begin()
        service.declared["none"] = []
        killed = service.killed_at(step, "none")
        run([])
        assert content_of(place) == {"vendor": "theirs\n", "l": "theirs\n"}
        if not killed:
            break
    assert step > STEPS


def test_socket_in_the_way_is_refused_and_left(place: Path) -> None:
    os.mkfifo(place / "b")
    with pytest.raises(FilesetError, match="is a device, socket or pipe"):
        run([file(place / "a", "one\n"), file(place / "b", "two\n")])
    assert (place / "b").is_fifo() and not (place / "a").exists()


def test_next_run_activates_what_failed_to_activate(place: Path) -> None:
    log = place.parent / "log"
    run([file(place / "a", "one\n")])
    with pytest.raises(FilesetError, match="but activating them failed too"):
        run([file(place / "a", "two\n")], activate=["false"])
    assert run([file(place / "a", "one\n")], activate=[f"touch {log}"])["changed"] and log.exists()


def test_two_runs_at_once_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(FilesetError, match="another run is at work here"), Record("set").locked():
        run([file(place / "a", "two\n")])


def test_missing_account_is_accepted_only_in_check_mode(place: Path) -> None:
    declared = [file(place / "a", "one\n", owner="nobody-has-this-name")]
    assert run(declared, check=True)["changed"]
    with pytest.raises(FilesetError, match="no account or group 'nobody-has-this-name'"):
        run(declared)


@pytest.mark.parametrize(("path", "trusted"), [("/etc/x", True), ("/etc/a/b/c", True), ("/tmp/x", False), ("/tmp/a/b", False)])
def test_root_writes_only_where_nobody_else_can(path: str, trusted: bool) -> None:
    if trusted:
        assert_trusted_parents(path)
    else:
        with pytest.raises(PathError, match="root writes only where nobody else can"):
            assert_trusted_parents(path)


def test_rehearsal_tries_what_differs_and_changes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same, old, new = file(place / "same", "same"), file(place / "other", "old"), file(place / "other", "new")
    run([same, old])
    tried: list[list[str]] = []
    monkeypatch.setattr(fileset, "rehearse", lambda folder, states, commands: tried.append([*states, *commands]))
    for files, check in (([same, old], False), ([same, new], True)):
        run(files, check=check, rehearse=True, validate=["true"])
    assert tried == []
    assert run([same, new], rehearse=True, validate=["true"], activate=["false"])["changed"] is False
    assert tried == [[str(place / "other"), "true"]] and content_of(place) == {"same": "same", "other": "old"}
    assert run([same, old])["changed"] is False
