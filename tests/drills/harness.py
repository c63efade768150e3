# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server under test: run playbooks on it, inspect it, send requests to it, and interrupt changes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import PROXIES

from tests.hosts.provisioned import provisioned_image
from tests.load import Load, Plan, Report, Target

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
#: Each proxy as a parameter of a fixture. test_proxy_contract.py and tests/conformance have Apache in every run, other drills only in the long tail.
EACH_PROXY = [PROXIES[0], *(pytest.param(proxy, marks=pytest.mark.long) for proxy in PROXIES[1:])]
HOSTS = [sys.executable, str(ROOT / "tests" / "hosts" / "hosts.py")]
PREFIX = os.environ.get("FLASKYARD_HOSTS_PREFIX", "drills")
DOMAIN = "probe.test"
MARKER = r"(?:\"marker\":\"|^)([\w-]+\.\w+)"
#: A shell condition: a build_command of `probe` is sleeping.
BUILDING = "systemctl is-active --quiet 'flaskyard-release-probe:*' && pgrep -x sleep >/dev/null"
App = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The output of a playbook, and its exit status."""

    rc: int
    output: str

    @property
    def changed(self) -> int:
        """Number of changed tasks, over all hosts."""
        return sum(map(int, re.findall(r"\bchanged=(\d+)", self.output)))

    @property
    def failure(self) -> str:
        """The message of a failed run for people, without Ansible's repetition of it in the result."""
        assert self.rc != 0, f"the run was to fail, and did not:\n{self.output[-4000:]}"
        return self.output[self.output.index("[ERROR]") :]

    def assert_says(self, *parts: str) -> None:
        """Check that the failure contains all `parts`: what failed, why, and what to do."""
        missing = [part for part in parts if part not in self.failure]
        assert not missing, f"the failure does not say {missing}:\n{self.failure[:6000]}"


@dataclass(frozen=True)
class Answer:
    """An HTTP response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Serving:
    """What a failed change must leave as it was: the slots, and the processes behind the proxy."""

    slots: tuple[str, ...]
    current: str
    main_pid: str
    proxy: str


class Host:
    """A throwaway host that `tests/hosts/hosts.py` made.

    :param name: host in the inventory of PREFIX.
    :param folder: where the variables of its runs are stored.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.container = name, f"{PREFIX}-{name}"
        #: The checkout of the collection that runs use.
        self.tree = ROOT
        self._variables = folder / f"{name}.json"
        self._inventory = ROOT / ".cache" / "hosts" / PREFIX / "inventory.json"
        self.address: str = json.loads(self._inventory.read_text())["all"]["children"]["flask"]["hosts"][name]["ansible_host"]

    @classmethod
    @contextlib.contextmanager
    def up(cls, name: str, folder: Path, distribution: str = "trixie", user: str = "root", domains: str = DOMAIN, image: str = "") -> Iterator[Host]:
        """A bare host, or one from an image, while the context lasts. With FLASKYARD_KEEP_HOSTS=1 it stays, and the next run uses it again."""
        if worker := os.environ.get("PYTEST_XDIST_WORKER"):
            name = f"{name}-{worker}"
        options = ["--prefix", PREFIX, "--distribution", distribution, "--user", user, "--image", image]
        keep = "FLASKYARD_KEEP_HOSTS" in os.environ
        if not (keep and subprocess.run(["podman", "container", "exists", f"{PREFIX}-{name}"], check=False).returncode == 0):
            subprocess.run([*HOSTS, "up", *options, f"{name}={domains}"], check=True, stdout=subprocess.DEVNULL)
        try:
            yield cls(name, folder)
        finally:
            if not keep:
                subprocess.run([*HOSTS, "down", "--prefix", PREFIX, name], check=True, stdout=subprocess.DEVNULL)

    # --- running playbooks

    def start(self, playbook: str, *options: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook in a separate process group."""
        # An image is used for hosts of any name, so the one name that is written to a file must not differ.
        self._variables.write_text(json.dumps({"target": self.name, "backup_host": "drills", **variables}))
        command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", self._inventory, "-e", f"@{self._variables}", *options]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(self.tree / "ansible.cfg"), "NO_COLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
        return subprocess.Popen(
            [*command, self.tree / "playbooks" / f"{playbook}.yml"],
            cwd=self.tree, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def play(self, playbook: str, *options: str, **variables: Any) -> Run:
        """Run a playbook of the collection, whether it succeeds or fails."""
        process = self.start(playbook, *options, **variables)
        output, dummy = process.communicate()
        return Run(process.returncode, output)

    # --- looking at the host

    def sh(self, script: str, check: bool = True) -> str:
        """Run a shell script as root, without SSH and Ansible, and return its output."""
        command = ["podman", "exec", "--interactive", self.container, "bash", "-eu", "-o", "pipefail", "-s"]
        done = subprocess.run(command, input=script, text=True, capture_output=True, check=False)
        assert not check or done.returncode == 0, f"{script}\nended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def memory_mb(self, account: str) -> float:
        """The proportional memory of all processes of an account, in MiB."""
        rollups = self.sh(f"for pid in $(pgrep -u {account}); do cat /proc/$pid/smaps_rollup || true; done")  # some end meanwhile
        return sum(map(int, re.findall(r"^Pss: +(\d+) kB", rollups, re.MULTILINE))) / 1024

    def reboot(self) -> None:
        """Restart the host, and wait until its boot is finished."""
        subprocess.run([*HOSTS, "reboot", "--prefix", PREFIX, self.name], check=True, stdout=subprocess.DEVNULL)

    def ask(
        self,
        path: str = "/",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        method: str = "GET",
        host: str = DOMAIN,
        port: int = 443,
        body: bytes | None = None,
        chunked: bool = False,
    ) -> Answer:
        """One request to the host, with path and headers unchanged. TLS asks for `host`, and so does the Host header unless given.

        :param chunked: send the body without its length.
        """
        connection = _Connection(self.address, host, port)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            given = list(headers.items()) if isinstance(headers, dict) else headers or []
            framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))} if body is not None else {}
            usual = {"Host": host, **({} if "Transfer-Encoding" in dict(given) else framing)}
            for name, value in [*((name, value) for name, value in usual.items() if name not in dict(given)), *given]:
                connection.putheader(name, value)
            connection.endheaders([body or b""] if chunked else body, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def arrivals(self, path: str) -> list[float]:
        """The times at which each line of an answer arrives, on the monotonic clock."""
        with contextlib.closing(_Connection(self.address, DOMAIN, 443)) as connection:
            connection.request("GET", path, headers={"Host": DOMAIN})
            response = connection.getresponse()
            return [time.monotonic() for dummy in iter(response.readline, b"")]

    def http_2(self, *paths: str, headers: list[tuple[str, str]] | None = None, body: bytes | None = None) -> list[httpx.Response]:
        """Requests over one HTTP/2 connection, all at once.

        :param headers: of each request; a name may be repeated.
        :param body: POST it, without its length.
        """

        async def name(request: httpx.Request) -> None:
            request.headers["Host"] = request.extensions["sni_hostname"] = DOMAIN

        async def content() -> AsyncIterator[bytes]:
            yield body or b""

        async def answers() -> list[httpx.Response]:
            transport = httpx.AsyncHTTPTransport(http1=False, http2=True, verify=False, limits=httpx.Limits(max_connections=1))
            given: dict[str, Any] = {"headers": headers, "event_hooks": {"request": [name]}, "timeout": 30}
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{self.address}", **given) as client:
                return await asyncio.gather(*(client.get(path) if body is None else client.post(path, content=content()) for path in paths))

        return asyncio.run(answers())


class _Connection(http.client.HTTPConnection):
    """A connection to an address under another name: HTTP on port 80, HTTPS on every other port."""

    def __init__(self, address: str, name: str, port: int) -> None:
        super().__init__(address, port, timeout=30)
        self._name = name

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        if self.port != 80:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock, server_hostname=self._name)


class Server:
    """A host with the application `probe`. A drill changes its declaration (`app`, `variables`) and code, and then applies them."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.source = host, folder / "probe"
        self._applied = ""
        self.reset()

    @classmethod
    @contextlib.contextmanager
    def provisioned(cls, name: str, folder: Path, domains: str = DOMAIN) -> Iterator[Self]:
        """A host on which `site.yml` has set up `probe`. It starts from an image, which the first caller makes from a bare Debian 13."""
        image = provisioned_image(cls._provision)
        with Host.up(name, folder, domains=domains, image=image) as host:
            # Folders in the image's overlayfs layer cannot be renamed, unlike folders on a disk (EXDEV).
            host.sh("cp -a /var/lib/flask-probe /var/lib/state; rm -r /var/lib/flask-probe; mv /var/lib/state /var/lib/flask-probe")
            server = cls(host, folder)
            server._applied = server._declared("site")
            yield server

    @classmethod
    def _provision(cls, image: str) -> None:
        """Make the image."""
        name = "provisioned"
        subprocess.run([*HOSTS, "up", "--prefix", PREFIX, f"{name}={DOMAIN}"], check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory() as folder:
            cls(Host(name, Path(folder)), Path(folder)).apply("site")
        subprocess.run([*HOSTS, "freeze", "--prefix", PREFIX, name, image], check=True, stdout=subprocess.DEVNULL)

    def reset(self) -> None:
        """Reset to the default declaration of `probe`, without changing the host."""
        shutil.rmtree(self.source, ignore_errors=True)
        shutil.copytree(APPS / "probe", self.source)
        self.app: App = probe(self.source)
        self.others: list[App] = []
        self.variables: dict[str, Any] = {}

    def replace(self, old: str, new: str) -> None:
        """Change the code of the application."""
        file = self.source / "probe.py"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    # --- running playbooks

    def start(self, playbook: str = "deploy", *options: str) -> subprocess.Popen[str]:
        """Start a playbook with the present declaration."""
        return self.host.start(playbook, *options, flask_apps=[self.app, *self.others], **self.variables)

    def play(self, playbook: str = "deploy", *options: str) -> Run:
        """Run a playbook with the present declaration, whether it succeeds or fails."""
        return self.host.play(playbook, *options, flask_apps=[self.app, *self.others], **self.variables)

    def apply(self, playbook: str = "deploy", *options: str) -> Run:
        """Run a playbook that must succeed."""
        run = self.play(playbook, *options)
        assert run.rc == 0, run.output[-6000:]
        if "--check" not in options:
            self._applied = self._declared(playbook)
        return run

    def begin(self, playbook: str = "deploy") -> Serving:
        """Bring the host to the declaration, and return what serves. If an earlier drill left the host like that, there is no run."""
        if self._applied not in {self._declared("site"), self._declared(playbook)}:
            self.apply(playbook)
        return self.serving()

    def _declared(self, playbook: str) -> str:
        files = {str(path): path.read_bytes().hex() for path in sorted(self.source.rglob("*")) if path.is_file()}
        return json.dumps([playbook, self.app, self.others, self.variables, files], sort_keys=True)

    def apply_twice(self, playbook: str = "deploy") -> None:
        """Apply the declaration, and check that the next run changes nothing."""
        self.apply(playbook)
        again = self.apply(playbook)
        assert again.changed == 0, again.output[-6000:]
        assert self.serving().slots == (self.serving().current,)

    # --- looking at it

    def serving(self, app: str = "probe") -> Serving:
        """The slots of an app, the current one, and the processes that answer, after earlier slots have retired."""
        self.wait(f"! systemctl is-active --quiet 'flaskyard-retire-{app}:*'")
        lines = self.host.sh(f"""
            ls /etc/flask/{app}/slots | xargs
            current=$(find /run/flask-{app} -type l -printf '%l ')  # the link has the protocol's name
            current=${{current% }}
            echo "${{current%.sock}}"
            systemctl show --property=MainPID --value "flask-{app}@${{current%.sock}}.service"
            pgrep 'nginx|apache2' | xargs
            ls /etc/systemd/system | sed -n 's/^flask-{app}@\\([^-]*\\).service$/\\1/p' | xargs""").splitlines()
        assert lines[0] == lines[4], "folders of slots and units of slots are not the same"
        return Serving(tuple(lines[0].split()), lines[1], lines[2], lines[3])

    def finish(self, load: Load) -> Report:
        """End a load once its clients have reached the current slot. A deploy ends earlier: with few threads, clients may still wait for the previous slot."""
        self.wait("! systemctl is-active --quiet 'flaskyard-retire-probe:*'")
        time.sleep(1)
        return load.finish()

    def marker(self) -> str:
        """The release and environment that answer, asked from outside."""
        answer = self.host.ask()
        assert answer.status == 200, answer
        return answer.body.decode().strip()

    def load(self, **settings: Any) -> Load:
        """A steady load: 32 clients over HTTPS on kept connections, with reads, writes, and one long request after another."""
        target = Target(f"https://{DOMAIN}", connect=self.host.address, verify=False)
        return Load(Plan(target, **{"seconds": 900, "rate": 160.0, "post_path": "/upload", "slow_path": "/slow?seconds=3", "marker": MARKER, **settings}))

    # --- interrupting what changes it

    def killed(self, what: str, when: str, playbook: str = "deploy") -> str:
        """Start a playbook, and SIGKILL `what` as soon as the shell condition `when` holds on the host. Returns the output until then.

        :param what: `playbook` for the controller's processes, `module` for the Python process on the host.
        """
        hit = f"""
            for i in $(seq 6000); do
                if {when}; then
                    {"pkill -KILL -f '^/usr/bin/python3$'" if what == "module" else ""}
                    echo hit; exit
                fi
                sleep 0.01
            done"""
        self._applied = ""
        process = self.start(playbook)
        seen = self.host.sh(hit)
        if what == "playbook":
            os.killpg(process.pid, signal.SIGKILL)
        output, dummy = process.communicate()
        assert seen == "hit", f"the moment to kill never came: {when}\n{output}"
        assert process.returncode != 0, f"the run was over before it was killed:\n{output[-3000:]}"
        self.wait("! pgrep -f '^/usr/bin/python3$'")
        return output

    def death(self, kill: str) -> Report:
        """Kill serving processes with a shell command under load, and check that the outage is short. Returns what the visitors saw.

        The manager has five seconds to notice it (supervisord checks once a second). Then the app starts, on a machine that may be busy.
        """
        with self.load(slow_path=None, post_path=None) as load:
            start = self.host.sh("cd /srv/flask/probe/current; TIMEFORMAT=%R; { time runuser -u flask-probe -- .venv/bin/python -c 'import probe'; } 2>&1")
            bound = 5 + 5 * float(start)
            self.host.sh(f"{kill}; sleep {bound + 1}")
            report = load.finish()
        print(f"{report.failed} of {report.requests} requests failed, {report.max_gap:.0f} ms without an answer, of {1000 * bound:.0f} at most")
        assert report.max_gap < 1000 * bound, report.failures
        return report

    def wait(self, condition: str, seconds: float = 60) -> float:
        """Wait until a shell condition holds on the host. Returns the seconds that it took."""
        begin = time.monotonic()
        while self.host.sh(f"if {condition} >/dev/null; then echo yes; fi") != "yes":
            assert time.monotonic() - begin < seconds, f"not within {seconds} s: {condition}"
            time.sleep(0.1)
        return time.monotonic() - begin


def probe(source: Path) -> App:
    """The application `probe` as most drills declare it."""
    return {
        "name": "probe",
        "source": {"path": str(source)},
        "wsgi": "probe:app",
        "domains": [DOMAIN],
        "tls": {"issuer": "selfsigned"},
        "healthcheck": {"path": "/healthz", "status": 200, "timeout_seconds": 15},
        "workers": 2,
        "threads": 4,
        "env": {"PROBE_MARKER": "a"},
    }


#: The lowest rate of answers per second of a load on a busy machine. Fewer would leave gaps without a measurement.
LEAST_RATE = 5


def assert_nothing_failed(report: Report, reloaded: bool = False, enough: int = 500) -> None:
    """Check that every request of the load had a good answer, and that there were enough of them.

    :param reloaded: whether the proxy's configuration changed meanwhile. The proxy then closes idle connections. If a request
        arrives at that moment, the client must send it again, as every browser does.
    """
    assert set(report.errors) <= ({"closed on reuse"} if reloaded else set()), report.failures
    assert set(report.statuses) == {200}, report.failures
    assert report.requests > enough and report.rate > LEAST_RATE
