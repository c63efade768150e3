# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases from repositories: over SSH with a deploy key or a forwarded agent, over HTTP with a token, from the host's own disk."""

from __future__ import annotations

import subprocess
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Host, make_repositories, prepared_host

SSH = "ssh://git@localhost/srv/git/shop.git"
TOKEN = "canary-token-4711"
TRUSTING = {"accept_new_host_key": True}

#: Serves /srv/git over HTTP like a plain file server, to clients with the token. It is slow enough that others can list git's processes.
HTTP_SERVER = f"""
import base64, functools, http.server, time
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.2)
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"deploy:{TOKEN}").decode():
            return super().do_GET()
        self.send_response(401); self.send_header("WWW-Authenticate", "Basic realm=git"); self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", 8418), functools.partial(Handler, directory="/srv/git")).serve_forever()
"""


def text(host: Host, release: dict[str, t.Any], name: str) -> str:
    return host.sh('cat "$1"', f"{release['dir']}/{name}").strip()


def test_branch_tag_and_commit_with_a_deploy_key(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    def shop(version: str) -> dict[str, t.Any]:
        return {"name": "shop", "source": {"git": SSH, "version": version, "deploy_key": deploy_key, **TRUSTING}}

    first = fresh.release(shop("main"))
    assert text(fresh, first.release, "app.py") == "VERSION = 2"
    assert not fresh.release(shop("main")).changed
    assert not fresh.exists(f"{first.release['dir']}/.git")

    assert text(fresh, fresh.release(shop("v1")).release, "app.py") == "VERSION = 1"
    annotated = fresh.release(shop("v2"))
    assert not annotated.changed and annotated.release["id"] == first.release["id"], "a tag of the same commit is the same release"
    old = fresh.sh("git -C /srv/work/shop rev-parse v1").strip()
    assert not fresh.release(shop(old)).changed

    moved = commit("moved")
    told = fresh.release(shop("main"), play=("--check",))
    assert told.changed and told.release["source"]["revision"] == moved
    assert text(fresh, fresh.release(shop("main")).release, "extra") == "moved"

    fresh.sh("mv /srv/git/shop.git /srv/git/away.git")
    assert not fresh.release(shop(moved)).changed, "a known commit needs no network"
    assert "no such repository" in fresh.release(shop("main")).failure


def test_commit_inside_a_branch(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    between = commit("between")
    commit("last")
    release = fresh.release({"name": "shop", "source": {"git": SSH, "version": between, "deploy_key": deploy_key, **TRUSTING}}).release
    assert text(fresh, release, "extra") == "between"


@pytest.mark.long
def test_http_with_token_from_a_server_without_shallow_clones(fresh: Host, commit: t.Callable[[str], str]) -> None:
    between = commit("between")
    commit("last")
    fresh.sh("for i in part shop; do HOME=/root git -C /srv/git/$i.git update-server-info; done")
    fresh.put("/srv/serve.py", HTTP_SERVER)
    fresh.sh("systemctl stop git-http 2>/dev/null || true; systemd-run --quiet --collect --unit=git-http python3 /srv/serve.py; sleep 1")
    # The process list must never show the token.
    fresh.sh(
        "systemd-run --quiet --collect --unit=watcher sh -c "
        '\'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; sleep 0.02; done > /run/cmdlines\''
    )
    for version in ("main", between):
        app = {"name": "shop", "source": {"git": f"http://deploy:{TOKEN}@localhost:8418/shop.git", "version": version, "insecure": True}}
        made = fresh.release(app, play=("-vvv", "--diff"))
        assert text(fresh, made.release, "extra") == ("last" if version == "main" else "between")
        assert made.release["source"]["location"] == "http://localhost:8418/shop.git"
        assert TOKEN not in made.printed
    fresh.sh("systemctl stop watcher")
    assert "ls-remote" in fresh.sh("cat /run/cmdlines")
    assert TOKEN not in fresh.sh("cat /run/cmdlines; journalctl -q --no-pager; cat /var/lib/flaskyard/apps/shop/releases/*")
    wrong = fresh.release(
        {"name": "shop", "source": {"git": "http://deploy:canary-wrong@localhost:8418/shop.git", "version": "main", "insecure": True}}, play=("-vvv",)
    )
    assert "the server refused the access" in wrong.failure and "canary-wrong" not in wrong.printed


def test_deploy_key_is_never_printed_nor_logged(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    secret = deploy_key.splitlines()[2]
    for version in ("main", "nowhere"):
        made = fresh.release({"name": "shop", "source": {"git": SSH, "version": version, "deploy_key": deploy_key, **TRUSTING}}, play=("-vvv", "--diff"))
        assert secret not in made.printed
    assert secret not in fresh.sh("journalctl -q --no-pager")
    fresh.sh('! grep -rqF "$1" /run /tmp /var/tmp /var/lib/flaskyard /srv/flask', secret)


def test_submodules_come_along(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    fresh.sh(
        "export HOME=/root; cd /srv/work/shop; git -c protocol.file.allow=always submodule --quiet add /srv/git/part.git part; "
        "git config -f .gitmodules submodule.part.url ../part.git; git commit -q -a -m part; git push -q origin main; chown -R git: /srv/git",
    )
    release = fresh.release({"name": "shop", "source": {"git": SSH, "version": "main", "deploy_key": deploy_key, **TRUSTING}}).release
    assert text(fresh, release, "part/part.py") == "PART = 1"
    assert fresh.sh('find "$1" -name .git', release["dir"]) == ""


#: The Git LFS API for downloads, with the files from a push to the repository on disk, and the command by which an SSH server tells its address.
LFS_SERVER = """
import http.server, json, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["objects"]
        link = lambda o: {"download": {"href": f"http://localhost:8425/{o['oid']}"}}
        self.answer(json.dumps({"objects": [{**o, "actions": link(o)} for o in wanted]}).encode())
    def do_GET(self):
        (path,) = pathlib.Path("/srv/git/shop.git/lfs/objects").rglob(self.path.strip("/"))
        self.answer(path.read_bytes())
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Type", "application/vnd.git-lfs+json"); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 8425), Handler).serve_forever()
"""
LARGE = """
export HOME=/root; cd /srv/work/shop; git lfs install --skip-repo >/dev/null; git lfs track '*.bin' >/dev/null
head -c 300000 /dev/urandom > model.bin; git add .; git commit -q -m large; git push -q origin main; chown -R git: /srv/git
mkdir -p /srv/git/git-shell-commands
cat > /srv/git/git-shell-commands/git-lfs-authenticate <<'END'
#!/bin/sh
echo '{"href": "http://localhost:8425/lfs"}'
END
chmod -R a+rx /srv/git/git-shell-commands
systemctl stop lfs 2>/dev/null || true
systemd-run --quiet --collect --unit=lfs python3 -c "$1"
"""


def test_files_of_git_lfs_have_their_content(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    commit("VERSION = 1")
    fresh.sh("dpkg -s git-lfs >/dev/null 2>&1 || { apt-get update -q; apt-get install -y -q git-lfs; } >&2")
    fresh.sh(LARGE, LFS_SERVER)
    app = {"name": "shop", "source": {"git": SSH, "version": "main", "deploy_key": deploy_key, **TRUSTING}}
    hidden = "/usr/bin/git-lfs.hidden"
    fresh.sh('mv /usr/bin/git-lfs "$1"', hidden)
    try:
        refused = "the repository keeps model.bin in Git LFS, and the host has no git-lfs; add it: build_packages: [git-lfs]"
        assert fresh.release(app).failure == refused
    finally:
        fresh.sh('mv "$1" /usr/bin/git-lfs', hidden)
    release = fresh.release(app).release
    fresh.sh('cmp /srv/work/shop/model.bin "$1/model.bin"; ! test -e "$1/.git"', release["dir"])
    fresh.sh("chmod o+x /srv/git; chown -R flask-shop-b: /srv/git/shop.git")
    release = fresh.release({"name": "shop", "source": {"git": "/srv/git/shop.git", "version": "main"}}).release
    fresh.sh('cmp /srv/work/shop/model.bin "$1/model.bin"', release["dir"])
    fresh.sh("systemctl stop lfs")


def test_pointers_of_git_lfs_in_a_folder_are_refused(fresh: Host, source: Path) -> None:
    (source / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (source / "model.bin").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 300000\n")
    assert fresh.release({"name": "shop", "source": {"path": str(source)}}).failure == (
        "the source has only the Git LFS pointers of model.bin; for source.path, run git lfs pull there; otherwise use source.git"
    )


def test_release_without_its_public_files_is_refused(fresh: Host, source: Path) -> None:
    (source / "dist").mkdir()
    (source / "dist/index.html").write_text("x")
    (source / ".gitignore").write_text("/dist\n")
    app = {"name": "shop", "source": {"path": str(source)}, "static": [{"url": "/files", "path": "dist"}], "domains": ["shop.test"]}
    assert "dist is needed and not sent, as .gitignore names it or nothing is in it" in fresh.release(app).failure
    assert fresh.release({**app, "build_command": "true"}).failure == (
        "static, URL '/files': 'dist' is not in the release, and must be a folder\ncorrect the key, add the path to the source, or make it in build_command"
    )
    built = {**app, "build_command": "mkdir dist; touch dist/index.html; ln -s dist link; touch file"}
    assert fresh.release(built).answer["notices"] == {}
    for keys, words in (
        ({"static": [{"url": "/files", "path": "file"}]}, "static, URL '/files': 'file' is a file, and must be a folder"),
        ({"static": [{"url": "/robots.txt", "path": "dist"}]}, "static, URL '/robots.txt': 'dist' is a folder, and must be a file"),
        ({"static": [{"url": "/files", "path": "link"}]}, "'link' is or leads through a symbolic link, which the proxy does not follow, and must be a folder"),
        ({"static": [{"url": "/desk", "path": "dist", "fallback": "desk.html"}]}, "static, URL '/desk', fallback: 'dist/desk.html' is not in the release"),
        ({"maintenance_page": "down.html"}, "maintenance_page: 'down.html' is not in the release, and must be a file"),
    ):
        assert words in fresh.release({**built, **keys}).failure
    assert not fresh.release({**built, "static": [{"url": "/desk", "path": "dist", "fallback": "index.html"}]}).changed


def test_repository_on_the_host(fresh: Host, commit: t.Callable[[str], str]) -> None:
    fresh.sh("cp -r /srv/git/shop.git /srv/readable.git; chown -R root: /srv/readable.git")
    app = {"name": "shop", "source": {"git": "file:///srv/readable.git", "version": "main"}}
    assert "belongs to another account" in fresh.release(app).failure
    fresh.sh("chown -R flask-shop-b: /srv/readable.git")
    release = fresh.release(app).release
    assert text(fresh, release, "app.py") == "VERSION = 2"


FAILURES: dict[str, tuple[dict[str, str], list[str]]] = {
    "no such version": ({"git": SSH, "version": "nowhere"}, ["no branch and no tag 'nowhere'"]),
    "no such commit": ({"git": SSH, "version": "1" * 40}, ["no commit 1111", "was it pushed?"]),
    "no such repository": ({"git": SSH + "x", "version": "main"}, ["git ls-remote", "no such repository"]),
    "no such host": ({"git": "https://nowhere.invalid/shop.git", "version": "main"}, ["the host name cannot be resolved"]),
    "nobody listens": ({"git": "https://localhost:9/shop.git", "version": "main"}, ["cannot be reached from this host"]),
    "no access": ({"git": SSH, "version": "main", "deploy_key": ""}, ["the server refused the access", "source.deploy_key"]),
    "another host key": ({"git": SSH, "version": "main", "known_hosts": "localhost ssh-ed25519 {other}"}, ["host key is not the one known"]),
}
OTHER_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIFV3c1LhWz5xRFFBSWWBEM2QdIVMwhSb05s8Wc0M6VvO"


@pytest.mark.parametrize("what", FAILURES)
def test_failures_say_why(fresh: Host, deploy_key: str, commit: t.Callable[[str], str], what: str) -> None:
    given, words = FAILURES[what]
    source: dict[str, t.Any] = {key: value.format(other=OTHER_KEY) for key, value in {"deploy_key": deploy_key, **given}.items() if value}
    if not source["git"].startswith("ssh"):
        del source["deploy_key"]
    elif "known_hosts" not in source:
        source |= TRUSTING
    failure = fresh.release({"name": "shop", "source": source}).failure
    assert [word for word in words if word not in failure] == [], failure


def test_known_hosts_are_enough_and_needed(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    known = fresh.sh("sed 's/^/localhost /' /etc/ssh/ssh_host_ed25519_key.pub")
    source = {"git": SSH, "version": "main", "deploy_key": deploy_key}
    refused = fresh.release({"name": "shop", "source": source}).failure
    assert "source.known_hosts" in refused and "source.accept_new_host_key: true" in refused
    assert fresh.release({"name": "shop", "source": {**source, "known_hosts": known}}).release["id"]


def test_key_accepted_once_stays_accepted(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    source = {"git": SSH, "version": "main", "deploy_key": deploy_key}
    assert fresh.release({"name": "shop", "source": {**source, **TRUSTING}}).changed
    assert not fresh.release({"name": "shop", "source": source}).changed
    assert not fresh.release({"name": "shop", "source": source}, play=("--check",)).changed


@pytest.fixture
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose login account has sudo."""
    with prepared_host("admin", "admin", tmp_path_factory.mktemp("admin")) as host:
        yield host


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """The socket of an empty agent on the controller."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.05)
    yield socket
    process.terminate()
    process.wait()


@pytest.mark.long
def test_forwarded_agent_through_sudo(admin: Host, agent: Path, tmp_path: Path) -> None:
    make_repositories(admin, tmp_path / "id")
    environment = {"SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", tmp_path / "id"], env=environment, check=True)
    app = {"name": "shop", "source": {"git": SSH, "version": "main", **TRUSTING}}
    assert "the server refused the access" in admin.release(app).failure
    forwarding = {**environment, "ANSIBLE_SSH_ARGS": "-o ForwardAgent=yes -o ControlMaster=no"}
    made = admin.release(app, controller=forwarding)
    assert text(admin, made.release, "app.py") == "VERSION = 2"
    assert not admin.release(app, controller=forwarding).changed
    assert admin.sh("ls -d /run/flaskyard-agents/* 2>/dev/null || true") == ""


def test_private_dependency_is_fetched_with_the_source_key(fresh: Host, deploy_key: str, commit: t.Callable[[str], str]) -> None:
    """Its code is built without access to that key."""
    fresh.sh("""
        export HOME=/root; rm -rf /srv/work/lib /srv/git/lib.git; mkdir -p /srv/work/lib; cd /srv/work/lib
        printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n' > pyproject.toml
        printf 'import os, glob, setuptools\nseen = glob.glob("/tmp/deploy_key") + [n for n in os.environ if "SSH_AUTH" in n]\n' > setup.py
        printf 'setuptools.setup(name="privlib", version="1.0", py_modules=["privlib"], keywords=seen)\n' >> setup.py
        echo 'NAME = 1' > privlib.py
        git init -q -b main; git add .; git commit -q -m lib; git clone -q --bare . /srv/git/lib.git; chown -R git: /srv/git/lib.git""")
    for installer in ("uv", "pip"):
        commit(f"privlib @ git+ssh://git@localhost/srv/git/lib.git@main\n# {installer}")
        source = {"git": SSH, "version": "main", "deploy_key": deploy_key, **TRUSTING}
        release = fresh.release({"name": "shop", "source": source, "installer": installer, "requirements": "extra"}).release
        assert fresh.sh('cd /; "$1/bin/python" -c "import privlib; print(privlib.NAME)"', release["venv"]).strip() == "1"
        assert fresh.sh('cat "$1"/lib/python3*/site-packages/privlib-1.0.dist-info/METADATA', release["venv"]).count("Keywords") == 0
        assert not fresh.exists(f"{release['dir']}/.flaskyard-repositories")


def test_source_without_a_key_cannot_have_such_a_dependency(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("privlib @ git+ssh://git@localhost/srv/git/lib.git\n")
    failure = fresh.release({"name": "shop", "source": {"path": str(source)}}).failure
    assert "the dependencies take ssh://git@localhost/srv/git/lib.git, which needs an SSH key, and only a source of git has one" in failure
