# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of each build step, allowed package indexes, and locks."""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._releases.environment import Audience, step_environment
from ansible_collections.flaskyard.server.plugins.module_utils._releases.forge_keys import FORGE_KEYS
from ansible_collections.flaskyard.server.plugins.module_utils._releases.index_environment import InsecureIndexError, index_environment
from ansible_collections.flaskyard.server.plugins.module_utils._releases.sandbox import secrets_of_app
from ansible_collections.flaskyard.server.plugins.module_utils._releases.secret_text import without_credentials
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.commands import StepError
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.git import strip_mirror
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.manifest import read_manifest

from tests.locks import LOCKS, wanted

GIVEN = index_environment(
    "https://ada:canary@pypi.example.com/simple",
    ["https://canary-token@more.example.com/simple"],
    environment={"HTTPS_PROXY": "http://ada:canary@proxy.example.com", "UV_INDEX_MORE_PASSWORD": "canary", "NPM_TOKEN": "canary", "ODD": "1"},
)


@pytest.mark.parametrize(
    ("audience", "secret"),
    [
        ("git", {"HTTPS_PROXY"}),
        ("install", {"HTTPS_PROXY", "UV_INDEX_MORE_PASSWORD", "NPM_TOKEN", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL", "UV_INDEX"}),
        ("code", set()),
    ],
)
def test_each_step_gets_its_own_credentials(audience: Audience, secret: set[str]) -> None:
    found = step_environment(audience, GIVEN)
    assert {name for name, value in found.items() if "canary" in value} == secret
    assert found["ODD"] == "1" and found["HOME"].startswith("/var/tmp/")


def test_build_commands_know_the_index_without_its_password() -> None:
    found = step_environment("code", GIVEN)
    assert found["PIP_INDEX_URL"] == "https://pypi.example.com/simple" and found["HTTPS_PROXY"] == "http://proxy.example.com"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://a:b@example.com/x https://c@example.com", "https://example.com/x https://example.com"),
        ("http://a:b@c@example.com/@x", "http://example.com/@x"),
        ("git+https://token@example.com/a.git", "git+https://example.com/a.git"),
        ("ssh://git@example.com/a.git git+ssh://git@example.com/a.git", "ssh://git@example.com/a.git git+ssh://git@example.com/a.git"),
        ("see a@example.com", "see a@example.com"),
    ],
)
def test_urls_lose_their_credentials(text: str, clean: str) -> None:
    assert without_credentials(text) == clean


@pytest.mark.parametrize(
    "settings",
    [
        {"index_url": "http://a:canary@localhost/simple"},
        {"extra_index_urls": ["https://example.com", "http://example.com"]},
        {"environment": {"UV_INDEX": "more=http://example.com"}},
        {"environment": {"PIP_FIND_LINKS": "http://example.com"}},
    ],
)
def test_indexes_over_http_are_refused_unless_accepted(settings: dict[str, t.Any]) -> None:
    with pytest.raises(InsecureIndexError, match="python_insecure_index: true") as refused:
        index_environment(**settings)
    assert "canary" not in str(refused.value)
    assert index_environment(**settings, insecure=True)["PIP_TRUSTED_HOST"] in ("localhost", "example.com")


def test_http_proxy_is_not_an_index() -> None:
    assert index_environment(environment={"https_proxy": "http://proxy.example.com:3128"})["https_proxy"]


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("--index-url http://example.com/simple", False),
        ("part @ git+http://example.com/part.git", False),
        ("part @ git+git://example.com/part.git", False),
        ("part @ http://example.com/part.whl", False),
        ("-r http://example.com/more.txt", False),
        ("part @ http://example.com/part.whl \\\n    --hash=sha256:00", True),
        ("part==1  # see http://example.com", True),
        ("part @ https://example.com/part.whl", True),
    ],
)
def test_requirements_over_http_need_a_hash(tmp_path: Path, line: str, accepted: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    if accepted:
        assert read_manifest(tmp_path, None, "uv")
        return
    with pytest.raises(StepError, match="python_insecure_index"):
        read_manifest(tmp_path, None, "uv")
    assert read_manifest(tmp_path, None, "uv", insecure=True)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"git": "http://example.com/a.git"}, "source.insecure: true"),
        ({"git": "git://localhost/a.git"}, "source.insecure: true"),
        ({"git": "https://example.com/a.git", "insecure": True}, "has no meaning here"),
        ({"git": "git@example.com:a.git", "known_hosts": "x", "accept_new_host_key": True}, "exclude each other"),
        ({"git": "http://example.com/a.git", "insecure": True}, None),
        ({"git": "/srv/a.git"}, None),
        ({"git": "file:///srv/a.git"}, None),
    ],
)
def test_open_connections_to_repositories_are_refused(source: dict[str, t.Any], words: str | None) -> None:
    app = {"name": "shop", "wsgi": "app:app", "source": {"version": "main", **source}}
    if words is None:
        assert complete_apps([app])
        return
    with pytest.raises(AppModelError, match=words):
        complete_apps([app])


def test_messages_do_not_show_secrets_of_a_build_command() -> None:
    app = {"source": {"location": None}, "build_command": "NPM_TOKEN=canary1 npm ci; curl https://a:canary2@example.com"}
    assert secrets_of_app(app, {"DEPLOY_TOKEN": "canary3"}) == {"canary1", "canary2", "canary3"}


@pytest.mark.parametrize("name", wanted())
def test_every_lock_is_named_in_the_collection(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    pins = re.findall(r"^([\w.-]+==\S+)", text, re.MULTILINE)
    assert all(requirement in pins for requirement in wanted()[name] if "==" in requirement)
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:])


def test_no_lock_is_left_over() -> None:
    assert {path.stem for path in LOCKS.glob("*")} == set(wanted())


def test_servers_that_the_user_names_are_not_locked() -> None:
    app: dict[str, t.Any] = {"name": "shop", "wsgi": "app:app", "source": {"path": "/srv"}}
    (locked, written, none) = complete_apps(
        [app, {**app, "name": "blog", "server_requirements": ["gunicorn==27.0.1"]}, {**app, "name": "wiki", "server": "mod_wsgi"}]
    )
    assert [app["server_lock"] for app in (locked, written, none)] == ["gunicorn", None, None]


def test_forge_keys_have_the_fingerprints_that_the_forges_publish() -> None:
    published = {
        "github.com": {"+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU", "p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"},
        "gitlab.com": {"eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8", "HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw"},
        "bitbucket.org": {"ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM", "FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0"},
        "codeberg.org": {"mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g", "T9FYDEHELhVkulEKKwge5aVhVTbqCW0MIRwAfpARs/E"},
    }
    found: dict[str, set[str]] = {}
    for line in FORGE_KEYS:
        host, dummy, key = line.split()
        digest = hashlib.sha256(base64.b64decode(key)).digest()
        found.setdefault(host, set()).add(base64.b64encode(digest).decode().rstrip("="))
    assert found == published


def test_mirror_keeps_no_hooks_or_configuration(tmp_path: Path) -> None:
    for name in (
        "HEAD",
        "packed-refs",
        "config",
        "config.worktree",
        "commondir",
        "hooks/post-checkout",
        "objects/pack/x",
        "objects/info/alternates",
        "refs/heads/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    strip_mirror(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {"HEAD", "packed-refs", "objects/pack/x", "refs/heads/x"}
