# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of flask-backup that need no repository; the rest is proven on hosts, in the scenario backup."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import typing as t
from pathlib import Path

import jinja2
import pytest
from ansible.plugins.filter.core import FilterModule
from hypothesis import given
from hypothesis import strategies as st

from roles.backup.files.flask_backup import agent, model, mounts, restore, save, verify
from roles.backup.files.flask_backup.accounts import account_of

ROLE = Path(__file__).parents[2] / "roles" / "backup"


def run_agent(verb: str, directory: Path, **options: t.Any) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-IB", agent.__file__, verb]
    return subprocess.run(argv, cwd=directory, capture_output=True, check=False, **options)


def database(path: Path, rows: int = 1, wal: bool = False) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(rows)))
    connection.execute("COMMIT")
    return connection


def rows(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def members(stream: bytes, target: Path) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
        archive.extractall(target)
        return set(archive.getnames())


# --- the agent


@pytest.mark.parametrize("name", ["shop.sqlite3", "instance/a?b#c%20d%.db", "new\nline.db"])
def test_a_database_in_use_is_copied_with_what_is_only_in_its_log(tmp_path: Path, name: str) -> None:
    state, target = tmp_path / "state", tmp_path / "target"
    with contextlib.closing(database(state / name, rows=300, wal=True)):
        assert (state / f"{name}-wal").stat().st_size > 0
        done = run_agent("dump", state)
    assert (done.returncode, done.stderr.strip()) == (0, b"")
    assert members(done.stdout, target) == {name}
    assert rows(target / name) == 300


def test_what_an_app_may_plant_is_met_without_harm(tmp_path: Path) -> None:
    state, outside = tmp_path / "state", tmp_path / "outside"
    database(outside / "secret.db").close()
    database(state / "good.db").close()
    (state / "link.db").symlink_to(outside / "secret.db")
    (state / "folder").symlink_to(outside)
    os.mkfifo(state / "pipe.db")
    (state / "broken.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    done = run_agent("dump", state, timeout=30)
    assert done.returncode == 0
    assert b"broken.db" in done.stderr
    assert members(done.stdout, tmp_path / "target") == {"good.db"}
    listed = {json.loads(line)[0] for line in run_agent("list", state, timeout=30).stdout.splitlines()}
    assert listed == {"good.db", "broken.db"}


def test_a_database_that_stays_locked_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(database(tmp_path / "a.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(agent, "WAIT_SECONDS", 0.1)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
        assert agent.dump() == 1


def test_check_tells_a_sound_database_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database(path, rows=5000).close()
    content = bytearray(path.read_bytes())
    assert run_agent("check", tmp_path, input=bytes(content)).returncode == 0
    content[8192:12288] = bytes(4096)
    assert run_agent("check", tmp_path, input=bytes(content)).returncode == 1


def test_write_replaces_the_database_and_drops_the_log_of_the_old_one(tmp_path: Path) -> None:
    source, state = tmp_path / "source", tmp_path / "state"
    database(source / "instance/a.db", rows=7).close()
    stream = run_agent("dump", source).stdout
    old = database(state / "instance/a.db", rows=300, wal=True)
    done = run_agent("write", state, input=stream)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(os.listdir(state / "instance")) == ["a.db"]
    assert rows(state / "instance/a.db") == 7
    old.close()


# --- what root does with words of an app


@pytest.mark.parametrize("relative", ["/etc/passwd", "../x", "a/../../x", "link/x", "file/../../x"])
def test_no_path_leads_out_of_its_directory(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(model.BackupError, match="no path below"):
        model.inside(root, relative)


def test_a_plain_path_stays(tmp_path: Path) -> None:
    assert model.inside(tmp_path, "a/b c") == tmp_path / "a/b c"


def test_problems_are_kept_by_app() -> None:
    problems = model.Problems()
    assert not problems
    with problems.collecting("databases", "shop"):
        raise model.BackupError("locked")
    with problems.collecting("path"):
        raise OSError("gone")
    assert problems.of("shop") and not problems.of("blog")
    assert str(problems) == "  - databases: locked\n  - path: gone"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"Op": "lstat", "Path": "/x", "Err": 2}, True),
        ({"message": "lstat /x: no such file or directory"}, True),
        ({"Op": "open", "Path": "/x", "Err": 13}, False),
        ({"message": "open /x: permission denied"}, False),
    ],
)
def test_a_vanished_file_is_no_problem(error: dict[str, t.Any], expected: bool) -> None:
    assert save.vanished(error) is expected


# --- what root reads


#: Forbids links in one directory and reads a file.
READ = """
import sys
from roles.backup.files.flask_backup import mounts
mounts.forbid_links(sys.argv[1])
print(open(sys.argv[2]).read())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
@pytest.mark.parametrize("path", ["state/link/secret", "state/sub/link/secret", "state/file-link", "state/own"])
def test_links_in_a_guarded_tree_are_refused_at_every_component(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of another app")
    (tmp_path / "state" / "sub").mkdir(parents=True)
    (tmp_path / "state" / "own").write_text("own")
    for link in ("link", "sub/link"):
        (tmp_path / "state" / link).symlink_to(tmp_path / "outside")
    (tmp_path / "state" / "file-link").symlink_to(tmp_path / "outside" / "secret")
    argv = ["unshare", "--mount", sys.executable, "-c", READ, str(tmp_path / "state"), str(tmp_path / path)]
    done = subprocess.run(argv, cwd=ROLE.parents[1], capture_output=True, text=True, check=False)
    if path == "state/own":
        assert done.stdout == "own\n", done.stderr
    else:
        assert "Too many levels of symbolic links" in done.stderr
        assert (tmp_path / path).read_text() == "of another app", "the rest of the host sees nothing of it"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root may")
def test_guard_begins_where_others_can_write() -> None:
    with tempfile.TemporaryDirectory(dir=account_of("root").pw_dir) as folder:
        own = Path(folder) / "own"
        theirs = own / "theirs"
        (theirs / "deep").mkdir(parents=True)
        os.chown(theirs, 4242, 4242)
        (Path(folder) / "way").symlink_to("own")
        (own / "file").touch()
        (theirs / "back").symlink_to(own)
        expected = {
            "own": str(own), "own/theirs": str(theirs), "own/theirs/deep": str(theirs), "way/theirs/deep": str(theirs),
            "own/theirs/back/file": str(theirs), "way": "", "own/file": "", "missing": "",
        }  # fmt: skip
        assert {name: mounts.first_open_directory(f"{folder}/{name}") for name in expected} == expected


# --- restore


def test_exchange_swaps_in_one_step_and_back(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    for expected in ("new", "old"):
        restore.exchange(tmp_path / "new", str(tmp_path / "old"))
        assert os.listdir(tmp_path / "old") == [expected]


def test_exchange_moves_when_there_is_nothing_to_replace(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    restore.exchange(tmp_path / "new", str(tmp_path / "state"))
    assert os.listdir(tmp_path) == ["state"]


def test_exchange_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(OSError, match="one disk"):
        restore.exchange(tmp_path / "missing", str(tmp_path / "state"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root may")
def test_give_maps_the_owner_and_leaves_what_is_of_others(tmp_path: Path) -> None:
    tree, victim = tmp_path / "tree", tmp_path / "victim"
    (tree / "sub").mkdir(parents=True)
    victim.touch()
    (tree / "sub" / "link").symlink_to(victim)
    for name, owner in (("mine", 4242), ("roots", 0), ("others", 4343)):
        (tree / "sub" / name).touch()
        os.chown(tree / "sub" / name, owner, owner)
    for path in (tree, tree / "sub"):
        os.chown(path, 4242, 4242)
    restore.give(tree, "nobody")
    nobody = account_of("nobody")
    found = {name: (tree / "sub" / name).lstat().st_uid for name in ("mine", "roots", "others", "link")}
    assert found == {"mine": nobody.pw_uid, "roots": 0, "others": 4343, "link": 0}
    assert tree.stat().st_uid == (tree / "sub").stat().st_uid == nobody.pw_uid
    assert victim.stat().st_uid == 0


# --- verify


def test_compare_finds_another_content_under_the_same_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, root = tmp_path / "live", tmp_path / "root"
    copies = root / live.relative_to("/")
    for folder in (live, copies):
        folder.mkdir(parents=True)
        for name, text in (("same", "abc"), ("rotten", "abc"), ("changed", "abc")):
            (folder / name).write_text("aXc" if name == "rotten" and folder == copies else text)
            os.utime(folder / name, ns=(1, 1))
    (live / "changed").write_text("longer")
    (live / "new").touch()
    problems = model.Problems()
    user = account_of("root").pw_name if os.geteuid() == 0 else os.environ["USER"]
    assert verify.compare(str(live), user, root, problems) == 1
    assert "rotten" in str(problems) and len(str(problems).splitlines()) == 1


# --- the files that the role writes


def rendered(template: str, **variables: t.Any) -> dict[str, t.Any]:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"), trim_blocks=True)
    filters = FilterModule().filters()
    environment.filters.update({name: filters[name] for name in ("to_json", "comment")})
    return tomllib.loads(environment.get_template(template).render(ansible_managed="Ansible managed", **variables))


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(repository=ANY_TEXT, environment=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3), secret=ANY_TEXT)
def test_secrets_arrive_as_they_were_given(repository: str, environment: dict[str, str], secret: str) -> None:
    commands = [{"name": "a.b", "environment": {"TOKEN": secret}}, {"name": "plain"}]
    values = rendered("secrets.toml.j2", backup_repository=repository, backup_environment=environment, backup_commands=commands)
    assert values == {"repository": repository, "environment": environment, "command_environment": {"a.b": {"TOKEN": secret}}}
