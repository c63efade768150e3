# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links from a release to the app's state, and files of the source for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.commands import StepError
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.state import link, link_instance, seed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for name in ("uploads/deep/.gitkeep", "pics/default.png", "pics/deep/more.png", "shop.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "state").mkdir()
    return folder


def linked(tree: Path, folders: list[str], files: list[str], seeded: list[str]) -> dict[str, str]:
    return link(tree, str(tree.parent / "state"), folders, files, seeded)


def test_folder_with_only_gitkeep_is_empty(tree: Path) -> None:
    assert linked(tree, ["uploads", "instance"], [], []) == {}
    assert [(tree / name).readlink() for name in ("uploads", "instance")] == [tree.parent / "state" / name for name in ("uploads", "instance")]


def test_link_that_hides_files_is_refused(tree: Path) -> None:
    with pytest.raises(StepError) as caught:
        linked(tree, ["pics"], [], ["pics/deep", "pics/def"])
    assert str(caught.value) == (
        "'pics' outlives releases and so is a link to the app's state, but the source or its build has files there (pics/default.png); take them out of "
        "the source (of a folder, .gitignore keeps local data out), or have them put there once: persist: [pics]"
    )


@pytest.mark.parametrize(("folders", "files", "way_out"), [(["shop.db"], [], "list a file in persist_files"), ([], ["pics"], "list a folder in persist")])
def test_file_is_not_a_folder(tree: Path, folders: list[str], files: list[str], way_out: str) -> None:
    with pytest.raises(StepError, match=f"in the source or its build it is not one; {way_out}$"):
        linked(tree, folders, files, [*folders, *files])


def test_files_of_the_source_are_copied_and_then_stay(tree: Path) -> None:
    state = tree.parent / "state"
    (state / "pics").mkdir()
    (state / "pics" / "default.png").write_text("the app's own")
    brought = linked(tree, ["pics"], ["shop.db", "words.txt"], ["pics", "shop.db", "words.txt"])
    assert set(brought) == {"pics", "shop.db"}
    seed(str(tree), str(state), [*brought])
    found = {str(path.relative_to(state)): path.read_text() for path in state.rglob("*") if path.is_file()}
    assert found == {"pics/default.png": "the app's own", "pics/deep/more.png": "pics/deep/more.png", "shop.db": "shop.db"}
    assert (tree / "pics/default.png").read_text() == "the app's own" and not (tree / "words.txt").exists() and (tree / "words.txt").is_symlink()


def test_different_content_is_noticed(tree: Path, tmp_path: Path) -> None:
    first = linked(tree, ["pics"], [], ["pics"])
    for number, text in enumerate(("pics/default.png", "another")):
        other = tmp_path / str(number)
        (other / "pics/deep").mkdir(parents=True)
        (other / "pics/default.png").write_text(text)
        (other / "pics/deep/more.png").write_text("pics/deep/more.png")
        assert (link(other, "/state", ["pics"], [], ["pics"]) == first) == (number == 0)


def test_package_below_src_finds_its_instance_folder_beside_it(tree: Path) -> None:
    (tree / "src/shop").mkdir(parents=True)
    (tree / "src/shop/__init__.py").touch()
    link_instance(tree, tree.parent / "state/instance")
    assert (tree / "src/instance").readlink() == tree.parent / "state/instance"


@pytest.mark.parametrize("there", ["src/__init__.py", "src/main.js", "src/instance/main.js"])
def test_folder_without_packages_gets_none(tree: Path, there: str) -> None:
    (tree / there).parent.mkdir(parents=True)
    (tree / there).touch()
    link_instance(tree, tree.parent / "state/instance")
    assert not (tree / "src/instance").is_symlink()


def test_instance_folder_below_src_with_files_is_refused(tree: Path) -> None:
    (tree / "src/instance").mkdir(parents=True)
    for name in ("shop.py", "instance/shop.db"):
        (tree / "src" / name).touch()
    with pytest.raises(StepError, match="the source has files there \\(src/instance/shop.db\\); take them out of it"):
        link_instance(tree, tree.parent / "state/instance")
