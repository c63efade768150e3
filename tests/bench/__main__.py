# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench`: measure the figures Flaskyard promises, on fresh throwaway hosts, and exit 1 if one is missed.

Ratios compare runs of the same round, one after the other, so that a busy machine weighs on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.load import Plan, Target, run

from .figures import BenchError, Figure, table
from .memory import Memory
from .parts import FETCHING, parts_of
from .peers import Pyinfra
from .serving import Serving

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CACHE = ROOT / ".cache" / "bench"
SITE = ROOT / "playbooks" / "site.yml"
DEPLOY = ROOT / "playbooks" / "deploy.yml"
ROLLBACK = ROOT / "playbooks" / "rollback.yml"
STANDIN = HERE / "standin.yml"
SYMLINKS = HERE / "symlinks.yml"
APPS = ROOT / "tests" / "apps"
DOMAIN = "guestbook.test"
#: What the app `code` runs beside its web server in the last rounds. Each deploy waits for the process to stay up.
UP_SECONDS = 1
WORK: dict[str, Any] = {
    "processes": [{"name": "worker", "command": "sleep infinity", "healthy_after_seconds": UP_SECONDS}],
    "schedules": [{"name": "nightly", "command": "true", "calendar": "daily"}],
}


@dataclass(frozen=True)
class Run:
    """One run of a playbook. `processor` is the controller's processor time, which a busy machine does not stretch; `parts` are the seconds by
    what they went to.
    """

    seconds: float
    processor: float
    modules: int
    changed: int
    parts: dict[str, float]


class Bench:
    """Hosts of one prefix: `one` with the guestbook, `many` with `apps` small applications."""

    def __init__(self, prefix: str, apps: int) -> None:
        self._prefix = prefix
        self._hosts = ROOT / ".cache" / "hosts" / prefix
        domains = [f"app{number:02}.test" for number in range(1, apps + 1)]
        self._domains = {"one": [DOMAIN], "many": domains, "code": ["code.test"]}
        #: The code that changes from deploy to deploy.
        self._code = CACHE / "code"
        code = {**plain("code.test"), "source": {"path": str(self._code)}}
        self._apps = {"one": [guestbook()], "many": [plain(domain) for domain in domains], "code": [code]}

    def up(self) -> None:
        """Make fresh hosts, and a certificate authority that knows their domains."""
        for name, domains in self._domains.items():
            self._command("up", f"{name}={','.join(domains)}")
        self._command("ca")

    def down(self) -> None:
        """Remove them."""
        self._command("down")

    def play(self, playbook: Path, host: str, *, may_change: bool = False) -> Run:
        """Run `playbook` on `host`.

        :raises BenchError: when it fails, or changes something although nothing is left to change.
        """
        CACHE.mkdir(parents=True, exist_ok=True)
        calls, log, variables = (CACHE / f"{playbook.stem}-{host}.{kind}" for kind in ("calls", "log", "json"))
        calls.unlink(missing_ok=True)
        extra = {"source": str(self._code), "venv": "/srv/flask/code/current/.venv"}
        variables.write_text(json.dumps({"target": host, "flask_apps": self._apps[host], "tls_email": "bench@example.com", **extra}))
        inventory = str(self._hosts / "inventory.json")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", inventory, "-e", f"@{variables}", str(playbook)]
        environment = os.environ | {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "remote_calls",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "REMOTE_CALLS": str(calls),
        }
        print(f"{playbook.stem} on {host} …", end=" ", flush=True)
        with log.open("w") as output:
            begin, used = time.monotonic(), processor_seconds()
            code = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
            seconds, used = time.monotonic() - begin, processor_seconds() - used
        lines = [line.split("\t", 1) for line in calls.read_text().splitlines()] if calls.exists() else []
        stats: dict[str, int] = next((json.loads(what) for kind, what in lines if kind == "stats"), {})
        tasks = [what for kind, what in lines if kind == "task"]
        result = Run(seconds, used, sum(kind == "module" for kind, dummy in lines), stats.get("changed", 0), parts_of(tasks, begin, begin + seconds))
        print(f"{result.seconds:.1f} s, {result.modules} modules, {result.changed} changed")
        if code:
            raise BenchError(f"{playbook.name} failed on {host}; the last lines of {log}:\n{tail(log)}")
        if result.changed and not may_change:
            raise BenchError(f"{playbook.name} changed {result.changed} things on {host} in a second run; see {log}")
        return result

    def seconds_of(self, command: str, host: str) -> float:
        """Seconds that a shell command takes on a host."""
        script = f"TIMEFORMAT=%R; time {command} >/dev/null"
        done = subprocess.run(["podman", "exec", f"{self._prefix}-{host}", "bash", "-c", script], capture_output=True, text=True, check=True)
        return float(done.stderr.split()[-1])

    def write_code(self) -> None:
        """Change the code of the host `code`."""
        shutil.copytree(APPS / "plain", self._code, dirs_exist_ok=True)
        (self._code / "version.txt").write_text(f"{time.time_ns()}\n")

    def write_requirements(self) -> None:
        """Change the manifest of the host `code`, so that it needs a new virtualenv, with what has been downloaded before."""
        (self._code / "requirements.txt").write_text(f"flask\n# {time.time_ns()}\n")

    def add_work(self) -> None:
        """Give the app of the host `code` a process and a schedule."""
        self._apps["code"][0] |= WORK

    def peer(self) -> Pyinfra:
        """pyinfra, told to keep the host `one` as it is."""
        peer = Pyinfra(CACHE / "pyinfra", self._hosts / "inventory.json", "one")
        print("pyinfra keeps", ", ".join(f"{number} {kind}" for kind, number in peer.prepare().items()))
        return peer

    def first_run(self) -> tuple[float, dict[str, float]]:
        """Return the seconds from the start of the first run on the bare host `one` until its page answers over valid HTTPS, and what they went to."""
        begin = time.monotonic()
        parts = self.play(SITE, "one", may_change=True).parts
        inventory = json.loads((self._hosts / "inventory.json").read_text())
        address = inventory["all"]["children"]["flask"]["hosts"]["one"]["ansible_host"]
        target = Target(f"https://{DOMAIN}", connect=address, ca_file=self._hosts / "acme-root.pem")
        report = asyncio.run(run(Plan(target, clients=1, fresh=0, requests=1, paths=("/healthz",))))
        if report.failed:
            raise BenchError(f"https://{DOMAIN} does not answer after the first run: {report.failures}")
        return time.monotonic() - begin, parts

    def _command(self, verb: str, *arguments: str) -> None:
        command = [sys.executable, str(ROOT / "tests" / "hosts" / "hosts.py"), verb, "--prefix", self._prefix, *arguments]
        subprocess.run(command, cwd=ROOT, check=True)


def guestbook() -> dict[str, Any]:
    """Return the app item of the sample application, on SQLite and without a worker."""
    return {
        "name": "guestbook",
        "source": {"path": str(APPS / "guestbook")},
        "wsgi": "guestbook:create_app()",
        "domains": [DOMAIN],
        "static": [{"url": "/static", "path": "guestbook/static"}],
        "persist": ["instance", "uploads"],
        "release_command": "flask db upgrade",
        "healthcheck": {"path": "/healthz", "status": 200},
    }


def plain(domain: str) -> dict[str, Any]:
    """Return the app item of one of many small applications; one worker each, so that the host holds them."""
    return {
        "name": domain.removesuffix(".test"),
        "source": {"path": str(APPS / "plain")},
        "wsgi": "plain:app",
        "domains": [domain],
        "workers": 1,
        "healthcheck": {"path": "/healthz", "status": 200},
    }


def measure(prefix: str, apps: int, rounds: int, keep: bool) -> list[Figure]:
    """Take the figures of runs."""
    bench = Bench(prefix, apps)
    try:
        bench.up()
        first, parts = bench.first_run()
        bench.play(SITE, "many", may_change=True)
        bench.play(STANDIN, "one", may_change=True)
        peer = bench.peer()
        one, standin, many, theirs = zip(
            *((bench.play(SITE, "one"), bench.play(STANDIN, "one"), bench.play(SITE, "many"), peer.run()) for dummy in range(rounds)), strict=True
        )
        bench.write_code()
        bench.play(SITE, "code", may_change=True)
        bench.play(SYMLINKS, "code", may_change=True)
        deploys, unchanged, dependencies, rollbacks, with_work = [], [], [], [], []
        for dummy in range(rounds):
            bench.write_code()
            deploys.append((bench.play(DEPLOY, "code", may_change=True), bench.play(SYMLINKS, "code", may_change=True)))
            unchanged.append(bench.play(DEPLOY, "code"))
            bench.write_requirements()
            dependencies.append(bench.play(DEPLOY, "code", may_change=True))
            rollbacks.append(bench.play(ROLLBACK, "code", may_change=True))
        bench.add_work()
        for dummy in range(rounds):
            bench.write_code()
            with_work.append((bench.play(DEPLOY, "code", may_change=True), bench.play(SYMLINKS, "code", may_change=True)))
        status = [bench.seconds_of("flaskyard status", "many") for dummy in range(rounds)]
    finally:
        if not keep:
            bench.down()
    return [
        Figure("first run, bare host to HTTPS 200, seconds", [first], 120),
        *(Figure(f"first run, {part}: seconds", [seconds]) for part, seconds in sorted(parts.items(), key=lambda part: -part[1])),
        Figure("first run, package managers and downloads: share", [sum(parts.get(part, 0) for part in FETCHING) / first], least=0.6),
        Figure("no change, 1 app: remote modules", [run.modules for run in one], 5),
        Figure(f"no change, {apps} apps: remote modules", [run.modules for run in many], 5),
        Figure("no change, 1 app: seconds", [run.seconds for run in one]),
        Figure("stand-in for four roles: seconds", [run.seconds for run in standin]),
        ratio("no change, 1 app / stand-in", one, standin, 0.5),
        Figure("no change, 1 app: controller's processor, seconds", [run.processor for run in one]),
        Figure("no change, 1 app / pyinfra with the same resources", [run.seconds / other for run, other in zip(one, theirs, strict=True)], 0.5),
        Figure(f"no change, {apps} apps: seconds", [run.seconds for run in many]),
        ratio(f"no change, {apps} apps / 1 app", many, one, 1.25 if apps <= 20 else 1.6),
        ratio(f"no change, {apps} apps / 1 app: controller's processor", many, one, of="processor"),
        Figure("deploy of changed code: seconds", [ours.seconds for ours, dummy in deploys]),
        ratio("deploy of changed code / copying and a link, unchecked", [ours for ours, dummy in deploys], [theirs for dummy, theirs in deploys], 0.75),
        Figure("deploy of changed code, with a worker and a schedule: seconds", [ours.seconds for ours, dummy in with_work]),
        Figure(
            f"the same, without the {UP_SECONDS} s that the worker has to stay up / copying and a link, unchecked",
            [(ours.seconds - UP_SECONDS) / theirs.seconds for ours, theirs in with_work],
            0.75,
        ),
        Figure("deploy without a change: seconds", [run.seconds for run in unchanged], 3),
        Figure(
            "deploy of another dependency, over one of changed code: seconds",
            [run.seconds - ours.seconds for run, (ours, dummy) in zip(dependencies, deploys, strict=True)],
            3,
        ),
        # Half of what ansistrano's rollback took, which checks nothing.
        Figure("rollback, through gate and switch: seconds", [run.seconds for run in rollbacks], 2.9),
        Figure("rollback: remote modules", [run.modules for run in rollbacks], 1),
        Figure(f"flaskyard status, {apps} apps: seconds", status, 1),
    ]


def ratio(name: str, runs: Sequence[Run], others: Sequence[Run], most: float | None = None, *, of: str = "seconds") -> Figure:
    """Return the figure of `runs` against `others`, round by round."""
    return Figure(name, [getattr(ours, of) / getattr(theirs, of) for ours, theirs in zip(runs, others, strict=True)], most)


def processor_seconds() -> float:
    """Return the processor time of all the programs run so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tail(log: Path, lines: int = 30) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def main() -> int:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="no-change runs of each kind; the median counts [%(default)s]")
    parser.add_argument("--apps", type=int, default=20, help="apps on the second host [%(default)s]")
    parser.add_argument("--prefix", default="bench", help="prefix of the throwaway hosts [%(default)s]")
    parser.add_argument("--only", choices=("runs", "serving", "memory"), help="what runs of playbooks take, how a host serves, or what workers weigh")
    parser.add_argument("--keep", action="store_true", help="leave the hosts of the runs, to look inside")
    arguments = parser.parse_args()
    prefix, rounds = arguments.prefix, arguments.rounds
    parts: dict[str, Callable[[], list[Figure]]] = {
        "runs": lambda: measure(prefix, arguments.apps, rounds, arguments.keep),
        "serving": lambda: Serving(prefix).measure(rounds),
        "memory": lambda: Memory(prefix, guestbook()).measure(rounds),
    }
    try:
        figures = [figure for name, part in parts.items() if arguments.only in (None, name) for figure in part()]
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n" + table(figures))
    return 1 if any(figure.verdict == "MISSED" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
