# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway host with the accounts of some apps, and repositories that it can reach as on a real server."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ROOT / "tests/hosts/hosts.py"
PREFIX = os.environ.get("FLASKYARD_HOSTS_PREFIX", "release")
DISTRIBUTION = os.environ.get("FLASKYARD_DISTRIBUTION", "trixie")

#: The apps whose accounts and directories exist; the tests share them.
APPS = ["shop", "blog", "wiki"]

#: Whether the host stays up, so that the next run uses it again.
KEEP = bool(os.environ.get("FLASKYARD_KEEP_HOSTS"))

App = dict[str, t.Any]

#: Makes repositories, and the account `git` that serves them over SSH.
REPOSITORY = """
git config --file /root/.gitconfig user.name a; git config --file /root/.gitconfig user.email a@example.com
git config --file /root/.gitconfig safe.directory '*'; export HOME=/root
id git >/dev/null 2>&1 || useradd --system --create-home --home-dir /srv/git --shell /usr/bin/git-shell git
usermod -p '*' git
runuser -u git -- mkdir -p /srv/git/.ssh
rm -rf /srv/git/*.git /srv/work; mkdir -p /srv/work/part /srv/work/shop
cd /srv/work/part; git init -q -b main; echo 'PART = 1' > part.py; git add .; git commit -q -m part
git clone -q --bare . /srv/git/part.git
cd /srv/work/shop; git init -q -b main; echo 'VERSION = 1' > app.py; git add .; git commit -q -m one; git tag v1
echo 'VERSION = 2' > app.py; git commit -q -a -m two; git tag -a -m two v2
git clone -q --bare . /srv/git/shop.git
git remote add origin /srv/git/shop.git
chown -R git: /srv/git
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one run of the module, and all of Ansible's output."""

    answer: dict[str, t.Any]
    printed: str

    @property
    def changed(self) -> bool:
        return bool(self.answer["changed"])

    @property
    def releases(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = self.answer["ansible_facts"]["flask_releases"]
        return found

    @property
    def release(self) -> dict[str, t.Any]:
        """The release of the only app."""
        assert not self.answer["failures"], self.answer["msg"]
        (release,) = self.releases.values()
        return t.cast("dict[str, t.Any]", release)

    @property
    def failure(self) -> str:
        """The message of the only app's failure."""
        assert self.answer.get("failed"), self.answer
        (failure,) = self.answer["failures"].values()
        return str(failure)


@dataclasses.dataclass(frozen=True)
class Host:
    """One server under test."""

    inventory: Path
    container: str
    scratch: Path

    def sh(self, script: str, *arguments: str, check: bool = True) -> str:
        """Run a shell script as root on the host."""
        command = ["podman", "exec", "--interactive", self.container, "sh", "-eu", "-s", "--", *arguments]
        done = subprocess.run(command, input=script, text=True, capture_output=True, check=False)
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def put(self, path: str, content: str | bytes) -> None:
        """Write a file on the host as root."""
        data = content.encode() if isinstance(content, str) else content
        subprocess.run(["podman", "exec", "--interactive", self.container, "sh", "-c", 'mkdir -p "${1%/*}"; cat > "$1"', "-", path], input=data, check=True)

    def play(self, tasks: list[dict[str, t.Any]], *options: str, environment: dict[str, str] | None = None, **variables: t.Any) -> str:
        """Run tasks on the host and return the output."""
        playbook = self.scratch / "play.json"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}]))
        ansible = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/release/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "answers",
            "ANSWER": str(self.scratch / "answer.json"),
        }
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", self.inventory, *options, playbook],
            env={**os.environ, **ansible, **(environment or {})},
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def release(self, *apps: App, play: tuple[str, ...] = (), controller: dict[str, str] | None = None, **options: t.Any) -> Result:
        """Run the module for apps as users write them.

        :param play: options of ansible-playbook.
        :param controller: environment of ansible-playbook.
        :param options: of the module, over those that the role gives.
        """
        arguments = {
            "apps": "{{ flask_apps | flaskyard.server.apps }}",
            "uv": self.facts["tools"]["uv"]["path"],
            "pythons": self.facts["pythons"],
            "build_timeout_seconds": 120,
            **self.index,
            **options,
        }
        task = {"flaskyard.server.release": arguments, "register": "result", "ignore_errors": True}
        printed = self.play([task], *play, environment=controller, flask_apps=[{"wsgi": "app:app", **app} for app in apps])
        return Result(self.answer, printed)

    @property
    def answer(self) -> dict[str, t.Any]:
        """The result of the last registered task."""
        answer: dict[str, t.Any] = json.loads((self.scratch / "answer.json").read_text())
        return answer

    @functools.cached_property
    def facts(self) -> dict[str, t.Any]:
        """The survey's results for the host."""
        self.play([{"flaskyard.server.survey": {}, "register": "result"}])
        facts: dict[str, t.Any] = self.answer["ansible_facts"]["flaskyard"]
        return facts

    @property
    def index(self) -> dict[str, t.Any]:
        """The package index of this machine."""
        variables = json.loads(self.inventory.read_text())["all"]["vars"]
        names = {"index_url": "python_index_url", "insecure_index": "python_insecure_index"}
        return {option: variables[name] for option, name in names.items() if name in variables}

    def exists(self, path: str) -> bool:
        """Whether a path exists. A link counts, whatever its target."""
        return self.sh('if [ -e "$1" ] || [ -L "$1" ]; then echo yes; fi', path) == "yes\n"


def hosts(command: str, *arguments: str) -> None:
    """Run one command of hosts.py."""
    subprocess.run([sys.executable, str(HOSTS), command, "--prefix", PREFIX, *arguments], check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def prepared_host(name: str, user: str, scratch: Path) -> Iterator[Host]:
    """A host on which the roles have made what a release needs."""
    made = ["podman", "exec", f"{PREFIX}-{name}", "test", "-d", "/srv/flask/shop"]
    if not (KEEP and subprocess.run(made, capture_output=True, check=False).returncode == 0):
        hosts("up", "--distribution", DISTRIBUTION, "--user", user, name)
    inventory = scratch / "inventory.json"
    published = json.loads((ROOT / f".cache/hosts/{PREFIX}/inventory.json").read_text())
    published["all"]["children"] = {"flask": {"hosts": {name: published["all"]["children"]["flask"]["hosts"][name]}}}
    inventory.write_text(json.dumps(published))
    host = Host(inventory, f"{PREFIX}-{name}", scratch)
    tasks = [
        {"ansible.builtin.import_role": {"name": "flaskyard.server.python"}},
        {"ansible.builtin.import_role": {"name": "flaskyard.server.app", "tasks_from": "accounts"}},
    ]
    host.play(tasks, flask_apps=[{"name": app, "source": {"pypi": "flask", "version": "3.1.3"}, "wsgi": "app:app"} for app in APPS])
    try:
        yield host
    finally:
        if not KEEP:
            hosts("down", name)


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with prepared_host("root", "root", tmp_path_factory.mktemp("root")) as host:
        yield host


@pytest.fixture
def fresh(host: Host) -> Host:
    """The host without any release, cache or repository."""
    host.sh("rm -rf /var/lib/flaskyard/apps /srv/flask/*/releases/* /srv/flask/*/releases/.source /srv/flask/*/venvs/* /srv/flask/*/source/*")
    return host


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a small app."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.py").write_text("VERSION = 1\n")
    (folder / "requirements.txt").write_text("itsdangerous==2.2.0\n")
    return folder


@pytest.fixture(scope="session")
def deploy_key(host: Host, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A key that may read the repositories of the host."""
    return make_repositories(host, tmp_path_factory.mktemp("key") / "id")


def make_repositories(host: Host, key: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    host.sh(REPOSITORY)
    host.put("/srv/git/.ssh/authorized_keys", key.with_suffix(".pub").read_text())
    return key.read_text()


@pytest.fixture
def commit(fresh: Host, deploy_key: str) -> Iterator[t.Callable[[str], str]]:
    """Add a file with some content to the branch main and return the commit."""

    def make(content: str) -> str:
        return fresh.sh(
            'export HOME=/root; cd /srv/work/shop; echo "$1" > extra; git add extra; '
            "git commit -q -m extra; git push -q origin main; chown -R git: /srv/git; git rev-parse HEAD",
            content,
        ).strip()

    fresh.sh(REPOSITORY)
    yield make
