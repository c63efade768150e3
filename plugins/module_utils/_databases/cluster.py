# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL cluster for this host's apps: make it use our configuration, start it, and check it.

The configuration belongs to root and is in a separate folder. Debian's folder of the cluster belongs to the account postgres, so that account makes the link
to our file there. The role postgresql runs this module as a program: its fileset activates the configuration and checks it with it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
import typing as t

from .._host import units
from .._host.commands import run
from .._host.errors import HostError
from .._host.program import complain
from . import postgresql

CONFIGURATION = "/etc/flask-postgresql/postgresql.conf"
PORT = "5432"
_PATIENCE_SECONDS = 30.0
_ERRORS = """SELECT coalesce(json_agg(words), '[]') FROM (
    SELECT format('pg_hba.conf, line %s: %s', line_number, error) AS words FROM pg_hba_file_rules WHERE error IS NOT NULL
    UNION ALL SELECT format('pg_ident.conf, line %s: %s', line_number, error) FROM pg_ident_file_mappings WHERE error IS NOT NULL
) AS found"""
_PENDING = "SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart"
_LOADED = "SELECT to_json(pg_conf_load_time())"


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A cluster under its Debian name."""

    version: str
    name: str
    up: bool

    @property
    def unit(self) -> str:
        """The name of its unit."""
        return f"postgresql@{self.version}-{self.name}.service"

    @property
    def folder(self) -> str:
        """The folder of its configuration."""
        return f"/etc/postgresql/{self.version}/{self.name}"

    @property
    def link(self) -> str:
        """The link in that folder to our configuration."""
        return f"{self.folder}/conf.d/flaskyard.conf"

    @property
    def is_linked(self) -> bool:
        """Whether the link is there."""
        return os.path.islink(self.link) and os.readlink(self.link) == CONFIGURATION


def present() -> Cluster:
    """The cluster on PostgreSQL's default port.

    :raises HostError: if there is none.
    """
    rows = [line.split() for line in run(["pg_lsclusters", "--no-header"]).stdout.splitlines()]
    for version, name, port, status, *dummy in rows:
        if port == PORT:
            return Cluster(version, name, status.startswith("online"))
    found = ", ".join(f"{row[0]}/{row[1]} on port {row[2]}" for row in rows) or "none at all"
    raise HostError(
        f"there is no PostgreSQL cluster on port {PORT}, which is where apps look ({found}). Give one this port in its postgresql.conf, "
        "or make one: pg_createcluster 17 main"
    )


def differences() -> list[str]:
    """What is wrong with the cluster, in words."""
    cluster = present()
    if not cluster.is_linked:
        return [f"PostgreSQL {cluster.version}/{cluster.name} did not use {CONFIGURATION}"]
    if not postgresql.answers():
        return [f"PostgreSQL {cluster.version}/{cluster.name} did not answer"]
    return [f"{name} waited for a restart of PostgreSQL" for name in postgresql.query(_PENDING)]


def activate() -> None:
    """Make the cluster use the present configuration, with a restart only if a reload is not enough.

    :raises HostError: if it cannot, with PostgreSQL's message.
    """
    cluster = present()
    if not os.path.exists(CONFIGURATION):
        run(postgresql.as_superuser("rm", "--force", cluster.link))
    elif not cluster.is_linked:
        run(postgresql.as_superuser("ln", "--symbolic", "--force", "--no-dereference", CONFIGURATION, cluster.link))
    # Read the whole configuration as a start would, without starting anything.
    run(postgresql.as_superuser(f"/usr/lib/postgresql/{cluster.version}/bin/postgres", "-C", "config_file", "-D", cluster.folder), cwd="/")
    if not postgresql.answers():
        _start(cluster)
    else:
        _refuse_errors()
        before = postgresql.query(_LOADED)
        units.systemctl("reload", cluster.unit)
        _wait(lambda: postgresql.query(_LOADED) != before)
        if postgresql.query(_PENDING):
            units.systemctl("restart", cluster.unit)
            _see(cluster)
    _refuse_errors()


def _start(cluster: Cluster) -> None:
    run(["systemctl", "reset-failed", cluster.unit], check=False)
    units.systemctl("restart", cluster.unit, timeout=600)
    _see(cluster)


def _see(cluster: Cluster) -> None:
    """Check that the server answers. Debian's unit does not report a failed start."""
    if not _wait(postgresql.answers):
        raise HostError(f"PostgreSQL {cluster.version}/{cluster.name} does not start\n{units.journal(cluster.unit)}")


def _refuse_errors() -> None:
    if found := postgresql.query(_ERRORS):
        raise HostError("PostgreSQL refuses its configuration: " + "; ".join(found))


def _wait(happens: t.Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not (happened := happens()) and time.monotonic() < end:
        time.sleep(0.1)
    return happened


def main() -> int:
    """Activate the configuration, or with the argument C(check) check it."""
    try:
        if sys.argv[1:] == ["check"]:
            if found := differences():
                raise HostError("; ".join(found))
        else:
            activate()
    except HostError as error:
        complain(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
