# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks and restarts, with the fakes of `test_change.py`: choices, refusals, and a kill at every moment."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import actor, paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError
from ansible_collections.flaskyard.server.plugins.module_utils._releases import deploy_log, wished
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records
from ansible_collections.flaskyard.server.plugins.module_utils._releases.settings import python_identity
from ansible_collections.flaskyard.server.plugins.module_utils._slots import recalled as recalled_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import restart as restart_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import rollback as rollback_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import survey
from ansible_collections.flaskyard.server.plugins.module_utils._slots.change import Change, SlotError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.recipe import Recipe, asked_for
from ansible_collections.flaskyard.server.plugins.module_utils._slots.restart import restart
from ansible_collections.flaskyard.server.plugins.module_utils._slots.rollback import Rollback, roll_back

from tests.unit.slots import test_change
from tests.unit.slots.test_change import Killed, Site

#: The app on its host in a folder.
site = test_change.site

FILES = {"service": "run @FLASKYARD_RELEASE_DIR@ as @FLASKYARD_SLOT@", "conf": "a setting"}
ENV = 'MODE="production"\n'
SECRET_FILES = {"keys/shop.pem": {"variable": "SHOP_KEY", "content": "AP8KCg=="}}


class Shop:
    """The app with its releases, each of which a controller has deployed."""

    def __init__(self, site: Site) -> None:
        self.site, self.records = site, Records(site.app)

    def deploy(self, release: str, **more: t.Any) -> None:
        """As a controller does it: the release, then its slot."""
        for kind, name, record in (("venvs", "v1", {}), ("releases", release, {"venv": "v1", "python": "3.13", "source": {"revision": release * 8}})):
            Path(self.site.app["paths"][kind], name).mkdir(parents=True, exist_ok=True)
            inputs = {"source": release, "python": python_identity("3.13"), "server_requirements": ["gunicorn==27.0.1"]}
            self.records.put(t.cast(t.Any, kind), {"id": name, "status": "built", "inputs": inputs, **record, **more})
        app = {**self.site.app, "wish": f"wish of {release}", "public": {}}
        wished.remember(app, self.records.facts(self.records.get("releases", release) or {}))
        self.site_run(release)

    def change(self, release: str) -> Change:
        """What a controller asks for when it has this release."""
        recipe = Recipe(release, self.records.tree("releases", release), FILES, ENV, SECRET_FILES)
        return Change(self.site.slots, recipe, "systemd", asked_for(self.site.app, {"id": release}, FILES, ENV, "systemd", SECRET_FILES))

    def site_run(self, release: str) -> list[str]:
        """Run the controller's side for a release; what it had to do."""
        change, slot = self.change(release), str(self.site.current)
        notes = change.differences(self.site.manager.states([slot]))
        if notes:
            change.run()
        return notes

    @property
    def release(self) -> str:
        return os.path.basename(self.site.slots.links.release())

    def withdrawn(self) -> list[str]:
        return sorted(record["id"] for record in self.records.all("releases") if "withdrawn" in record)

    def wished(self) -> tuple[str, str]:
        """The release that a run without a change goes on with, and the declared one."""
        stored = wished.recall("shop") or {}
        return stored["release"]["id"], stored["declared"]

    def log(self) -> list[tuple[str, str, str]]:
        return [(line["action"], line["release"], line["outcome"]) for line in deploy_log.entries("shop")]


@pytest.fixture
def shop(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(survey, "_SLOTS", str(tmp_path / "etc" / "{}" / "slots"))
    Path(tmp_path, "etc", "shop").mkdir(parents=True)
    Path(tmp_path, "etc", "shop", "slots").symlink_to(site.app["paths"]["slots"])
    for module in (survey, rollback_module, restart_module, recalled_module):
        if hasattr(module, "Slots"):
            monkeypatch.setattr(module, "Slots", lambda app: site.slots)
    monkeypatch.setattr(deploy_log, "assert_trusted_parents", lambda path: None)
    monkeypatch.setattr(paths, "DEPLOY_LOG", str(tmp_path / "log" / "deploys.jsonl"))
    # Not those of a host that the tests run on.
    monkeypatch.setattr(paths, "SETTINGS", str(tmp_path / "flaskyard.json"))
    monkeypatch.setattr(actor, "_present", actor.Actor("ada@laptop", "rollback"))
    return Shop(site)


def test_site_changes_nothing_after_a_rollback(shop: Shop) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    step = Rollback("shop").run()
    assert (shop.release, step.before["id"], step.after["id"]) == ("r1", "r2", "r1")
    assert shop.site.slots.present() == [shop.site.current] and shop.site.manager.running == {shop.site.current}
    assert (shop.withdrawn(), shop.wished(), shop.log()) == (["r2"], ("r1", "r2"), [("rollback", "r1", "ok")])
    assert shop.site_run("r1") == [], "the controller has the same wish for the same slot"
    assert "release r1 (r1r1r1r1r1r1), of " in step.words(done=True) and "serves in place of r2 (r2r2r2r2r2r2)" in step.words(done=True)
    assert (shop.records.get("releases", "r2") or {})["withdrawn"]["by"] == "ada@laptop"


def test_preview_changes_nothing(shop: Shop) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    calls = list(shop.site.manager.calls)
    result, failures = roll_back("shop", None, check=True)
    assert not failures and result["changed"] and "would serve in place of r2" in result["rolled_back"][0]
    assert (shop.release, shop.withdrawn(), shop.site.manager.calls, shop.log()) == ("r2", [], calls, [])


def test_rollback_uses_current_settings(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ENV", 'MODE="old"\n')
    shop.deploy("r1")
    monkeypatch.setitem(globals(), "ENV", 'MODE="today"\nQUOTED="a\\"b\nc"\n')
    shop.deploy("r2")
    Rollback("shop").run()
    found = shop.site.slots.folder(str(shop.site.current)).environment()
    assert (found["MODE"], found["QUOTED"]) == ("today", 'a"b\nc') and shop.site_run("r1") == []


@pytest.mark.parametrize("declared", [True, False])
def test_secret_key_is_a_setting_only_if_declared(shop: Shop, monkeypatch: pytest.MonkeyPatch, declared: bool) -> None:
    if declared:
        monkeypatch.setitem(globals(), "ENV", 'SECRET_KEY="own"\n')
    shop.deploy("r1")
    shop.deploy("r2")
    Rollback("shop").run()
    key = shop.site.slots.folder(str(shop.site.current)).environment()["SECRET_KEY"]
    assert (key == "own") is declared and shop.site_run("r1") == []


def test_each_rollback_goes_one_release_further_back(shop: Shop) -> None:
    for release in ("r1", "r2", "r3"):
        shop.deploy(release)
    Rollback("shop").run()
    assert (shop.release, shop.withdrawn()) == ("r2", ["r3"])
    Rollback("shop").run()
    assert (shop.release, shop.withdrawn(), shop.wished()) == ("r1", ["r2", "r3"], ("r1", "r3"))
    with pytest.raises(HostError, match="there is no earlier release of shop that served well; these are here: r3"):
        Rollback("shop").run()
    Rollback("shop", "r3").run()
    assert (shop.release, shop.withdrawn(), shop.wished()) == ("r3", ["r2"], ("r3", "r3")), "a rollback is undone, and withdraws nothing"
    Rollback("shop").run()
    assert shop.release == "r1"


def test_releases_skipped_by_a_rollback_are_withdrawn(shop: Shop) -> None:
    for release in ("r0", "r1", "r2", "r3"):
        shop.deploy(release)
    shop.site.gate.ill = {str(shop.change("r1").wanted())}
    with pytest.raises(SlotError):
        Rollback("shop", "r1").run()
    assert shop.withdrawn() == []
    shop.site.gate.ill.clear()
    Rollback("shop", "r1").run()
    assert shop.withdrawn() == ["r2", "r3"]
    Rollback("shop").run()
    assert shop.release == "r0", "and not forward to r2"


def test_new_source_serves_and_can_be_rolled_back(shop: Shop) -> None:
    for release in ("r1", "r2"):
        shop.deploy(release)
    Rollback("shop").run()
    shop.deploy("r3")
    assert shop.release == "r3"
    Rollback("shop").run()
    assert (shop.release, shop.withdrawn()) == ("r1", ["r2", "r3"])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda shop: shop.records.remove("releases", "r1"), "no other release is left on this host. Declare an older source, then deploy"),
        (lambda shop: Path(shop.records.tree("releases", "r1"), "more").touch(), "r1 .* was changed by somebody after it was built"),
        (lambda shop: Path(shop.records.tree("venvs", "v1"), "more").touch(), "r1 .* was changed by somebody after it was built"),
        (lambda shop: Path(shop.records.tree("venvs", "v1")).rmdir(), "r1 .* was changed by somebody after it was built"),
        (lambda shop: shop.records.put("releases", {**(shop.records.get("releases", "r1") or {}), "venv": None}), "in place"),
        (lambda shop: shop.records.note("r1", inputs={"python": "cpython 3.11 amd64 debian 12", "server_requirements": []}), "built for another distribution"),
        (
            lambda shop: shop.records.note("r1", inputs={"python": python_identity("3.13"), "server_requirements": ["uWSGI[x]>=2"]}),
            r"r1 .* was built for another server \(uwsgi; now gunicorn\)",
        ),
        (lambda shop: Path(shop.site.slots.folder(shop.site.current).path, "env").write_text("X=1"), "env was .*run site or deploy first"),
        (lambda shop: Path(shop.site.slots.folder(shop.site.current).path, "manifest.json").unlink(), "manifest.json was missing, .*run site or deploy first"),
        (lambda shop: Path(shop.site.slots.folder(shop.site.current).path, "record.json").unlink(), "an earlier version of Flaskyard started it"),
        (lambda shop: shop.records.note("r1", status="bad"), "no earlier release of shop that served well; these are here: r1"),
    ],
)
def test_unusable_release_is_refused_before_any_change(shop: Shop, damage: t.Callable[[Shop], None], words: str) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    damage(shop)
    calls = list(shop.site.manager.calls)
    result, failures = roll_back("shop", None, check=False)
    assert not result["changed"] and len(failures) == 1
    with pytest.raises(HostError, match=words):
        Rollback("shop").run()
    assert (shop.release, shop.withdrawn(), shop.site.manager.calls) == ("r2", [], calls)


@pytest.mark.parametrize(
    ("app", "release", "words"),
    [
        ("shop", "r1", "release r1 of shop is the one that serves; no other release is left"),
        ("shop", "r9", "there is no release 'r9' of shop here; these are here: r1|no other release is left"),
        ("blog", None, "there is no app 'blog' on this host; it has shop"),
        (None, "r9", "there is no release 'r9' of any app on this host"),
    ],
)
def test_unknown_name_is_answered_with_the_known_ones(shop: Shop, app: str | None, release: str | None, words: str) -> None:
    shop.deploy("r1")
    _result, failures = roll_back(app, release, check=False)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(*failures.values())


@pytest.mark.parametrize("failure", ["gate", "public address"])
def test_release_that_fails_leaves_everything_unchanged(shop: Shop, failure: str) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    slot = shop.site.current
    if failure == "gate":
        shop.site.gate.ill = {str(shop.change("r1").wanted())}
    else:
        shop.site.gate.public = [True, False, False]
    with pytest.raises(SlotError, match=f"slot {slot} serves as before"):
        Rollback("shop").run()
    assert (shop.site.current, shop.release, shop.withdrawn(), shop.wished()) == (slot, "r2", [], ("r2", "r2"))
    assert shop.log() == [("rollback", "r1", "failed")] and shop.site_run("r2") == []
    with pytest.raises(HostError, match="that served well; these are here: r1"):
        Rollback("shop").run()


def test_rollback_does_not_wait_for_a_draining_slot(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.deploy("r1")
    retiring = shop.site.current
    shop.deploy("r2")
    monkeypatch.setattr(shop.site.slots, "retires", lambda slot: slot == retiring)
    Rollback("shop").run()
    assert shop.release == "r1" and shop.site.current != retiring and shop.site_run("r1") == []


@pytest.mark.parametrize("call", range(5))
def test_next_run_finishes_a_rollback_killed_anywhere(shop: Shop, call: int) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    shop.site.manager.calls.clear()
    shop.site.manager.kill_at = call
    with pytest.raises(Killed):
        Rollback("shop").run()
    shop.site.manager.kill_at = -1
    assert shop.site.current in shop.site.manager.running
    release, declared = shop.wished()
    assert (release, declared, shop.withdrawn()) == ("r1", "r2", ["r2"])
    shop.site_run(release)
    assert shop.release == "r1" and shop.site_run(release) == [] and shop.site.slots.present() == [shop.site.current]


def test_overtaken_deploy_does_not_bring_the_withdrawn_release_back(shop: Shop) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    late = shop.change("r2")
    Rollback("shop").run()
    for phase in (late.run, late.command, late.start, late.finish):
        with pytest.raises(SlotError, match="release r2 .* was withdrawn by ada@laptop, and does not serve again unless you run with -e redeploy=true"):
            phase()
    assert shop.release == "r1"


def test_release_commands_that_ran_since_are_named(shop: Shop) -> None:
    for number, release in enumerate(("r0", "r1", "r2", "r3")):
        ran = {"command": f"upgrade {number}", "at": f"2100-01-0{number + 1}T03:04:05", "by": "ada@laptop"}
        shop.deploy(release, release_command=ran)
    result, _failures = roll_back("shop", "r1", check=False)
    assert result["release_commands"] == [
        "shop: upgrade 2 ran for release r2 at 2100-01-03 03:04 UTC, by ada@laptop",
        "shop: upgrade 3 ran for release r3 at 2100-01-04 03:04 UTC, by ada@laptop",
    ]


def test_branch_has_no_digest_to_record(shop: Shop) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    Path(paths.APPS, "shop", "wish.json").unlink()
    Rollback("shop").run()
    assert shop.release == "r1" and wished.recall("shop") is None


def test_restart_makes_a_new_slot_of_the_same_release(shop: Shop) -> None:
    shop.deploy("r1")
    before = shop.site.current
    shop.site.manager.calls.clear()
    after = restart("shop")
    assert (shop.site.current, shop.site.slots.present()) == (after, [after]) and after != before
    started = [f"install {after}", f"start {after}", f"enable {after}"]
    assert shop.site.manager.calls[:3] == started and shop.site.manager.calls[-2:] == [f"drain {before}", f"remove {before}"]
    assert shop.site_run("r1") == [] and restart("shop") not in (before, after) and shop.site_run("r1") == []
    assert shop.log() == [("restart", "r1", "ok")] * 2


def test_damaged_restart_counter_counts_as_zero(shop: Shop) -> None:
    shop.deploy("r1")
    Path(paths.APPS, "shop", "restarts").write_text('["half"]')
    assert restart("shop") == shop.site.current and shop.site_run("r1") == []


def test_failed_restart_keeps_the_old_slot(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.deploy("r1")
    before = shop.site.current
    monkeypatch.setattr(shop.site.manager, "fails_to_start", {shop.change("r1").recipe.slot(shop.change("r1").secret_key, 1)})
    with pytest.raises(SlotError, match=f"slot {before} serves as before"):
        restart("shop")
    assert shop.site.current == before and shop.site_run("r1") == [] and (shop.records.get("releases", "r1") or {})["status"] == "built"


@pytest.mark.parametrize("call", range(5))
def test_next_run_finishes_a_killed_restart(shop: Shop, call: int) -> None:
    shop.deploy("r1")
    shop.site.manager.calls.clear()
    shop.site.manager.kill_at = call
    with pytest.raises(Killed):
        restart("shop")
    shop.site.manager.kill_at = -1
    assert shop.site.current in shop.site.manager.running
    shop.site_run("r1")
    assert shop.site_run("r1") == [] and shop.site.slots.present() == [shop.site.current]


def test_all_apps_are_rolled_back_unless_one_is_named(shop: Shop) -> None:
    shop.deploy("r1")
    shop.deploy("r2")
    Path(paths.APPS, "blog").mkdir()
    result, failures = roll_back(None, None, check=False)
    assert len(result["rolled_back"]) == 1 and not failures
    assert json.loads(Path(paths.APPS, "shop", "wish.json").read_text())["declared"] == "r2"
