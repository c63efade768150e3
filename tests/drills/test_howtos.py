# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The how-to pages, followed by their text on a real host: what they declare is applied, and every command is run.

These are the pages that need nothing but a host. `tests/offline/test_pages.py` takes the declarations of all pages through a run without one.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages import ROOT, commands, declared

from .harness import APPS, Host

SHOP, BLOG, BOTH = "shop.example.com", "blog.example.com", "www.example.com"
WORK = "Migrations, workers and schedules"
#: A database as it was elsewhere: with an extension in its own schema, as at Heroku.
OLD_DATABASE = """
runuser -u postgres -- createdb old
runuser -u postgres -- pg_dump --no-owner --no-privileges --schema=public flask-shop | sed '/SCHEMA public/d' | runuser -u postgres -- psql -q old
runuser -u postgres -- psql -q old <<'END'
CREATE SCHEMA heroku_ext;
CREATE EXTENSION pg_trgm SCHEMA heroku_ext;
INSERT INTO "user" VALUES ('imported');
END
"""
pytestmark = pytest.mark.long


class Reader:
    """Somebody with a host, two apps in folders, and the pages."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.code = host, folder / "shop" / "shop" / "__init__.py"
        shutil.copytree(APPS / "shop", folder / "shop")
        self._sources: dict[str, dict[str, Any]] = {
            "shop": {"source": {"path": str(folder / "shop")}},
            "blog": {"source": {"path": str(APPS / "plain")}, "wsgi": "plain:app"},
        }
        self.variables: dict[str, Any] = {}

    def declare(self, page: str, heading: str) -> None:
        """Take what a page shows below a heading into the inventory; the code is here, and the host signs its own certificates."""
        [content] = [content for found, content in declared(ROOT / "docs/howto" / page) if found == heading]
        apps = [{**app, **self._sources[app["name"]], "tls": {"issuer": "selfsigned"}} for app in content.pop("flask_apps")]
        self.variables |= {"flask_apps": apps, **content}

    def play(self, playbook: str, *options: str) -> str:
        """Run a playbook with what is declared."""
        run = self.host.play(playbook, *options, **self.variables)
        assert run.rc == 0, run.output[-6000:]
        return run.output

    def follow(self, page: str, *headings: str, instead: dict[str, str] | None = None) -> dict[str, str]:
        """Run the commands of a page, or of some of its sections; what each printed.

        :param instead: what this host has in place of a value of the page, such as the id of a release.
        """
        said = {}
        for line in commands(ROOT / "docs/howto" / page, *headings):
            command = line
            for value, mine in (instead or {}).items():
                command = command.replace(value, mine)
            program, *words = shlex.split(command)
            if program == "ansible-playbook":
                said[line] = self.play(words[0].removeprefix("flaskyard.server."), *words[1:])
            else:
                said[line] = self.host.sh(f"cd /root; {command} {'' if '<' in command else '</dev/null'}")
        return said

    def ask(self, path: str = "/", host: str = SHOP, method: str = "GET") -> str:
        """The text of a good answer."""
        answer = self.host.ask(path, host=host, method=method, body=b"" if method == "POST" else None)
        assert answer.status == 200, answer
        return answer.body.decode()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One who has followed the page on work, so that the shop runs with a database, a worker and a schedule."""
    folder = tmp_path_factory.mktemp("howtos")
    with Host.up("howtos", folder, domains=f"{SHOP},{BLOG},{BOTH}") as host:
        reader = Reader(host, folder)
        reader.declare("work.md", WORK)
        reader.play("site")
        yield reader


def test_work(reader: Reader) -> None:
    assert reader.ask("/orders", method="POST") == "ordered\n"
    reader.host.sh("for dummy in $(seq 100); do grep -q delivered /var/lib/flask-shop/delivered && exit; sleep 0.2; done; exit 1")
    reader.host.sh("systemctl start flask-shop@$(readlink /run/flask-shop/current.sock | cut -d. -f1)-schedule.nightly.service")
    assert "tidied up, " in reader.host.sh("flaskyard logs -n 50 shop")
    assert "changed=0 " in reader.play("site")


def test_databases(reader: Reader) -> None:
    reader.declare("databases.md", "Databases and queues")
    reader.variables["flask_apps"][0]["domains"] = [SHOP]
    reader.host.sh(OLD_DATABASE)
    here = {"pg_dump ": "runuser -u postgres -- pg_dump ", '"OLD_DATABASE_URL"': "old"}
    reader.follow("databases.md", instead=here)
    assert reader.ask("/users") == "imported\n", "the old data takes the place of what the app had"
    reader.host.sh('runuser -u postgres -- psql -q old --command "INSERT INTO \\"user\\" VALUES (\'later\')"')
    reader.follow("migration.md", "Copy the data", instead=here)
    assert reader.ask("/users") == "imported\nlater\n"


def test_settings(reader: Reader) -> None:
    reader.declare("work.md", WORK)
    reader.follow("settings.md", "A new SECRET_KEY")
    assert reader.ask().startswith("shop, ")


def test_operations(reader: Reader) -> None:
    reader.declare("work.md", WORK)
    for greeting in ("hello", "welcome"):
        reader.code.write_text(re.sub(r'f"\w+, ', f'f"{greeting}, ', reader.code.read_text()))
        reader.play("deploy")
    newest = re.findall(r"[0-9a-f]{12}", reader.host.sh("flaskyard releases shop"))[0]
    said = reader.follow("operations.md", "Day to day", "Go back", "Run a command", instead={"1a2b3c4d5e6f": newest})
    assert reader.ask().startswith("welcome, "), "gone back, and forth"
    assert any("created ada" in output for output in said.values()) and "ada\n" in reader.ask("/users")
    for verb in ("status", "releases shop", "history", "restart shop", "logs shop"):
        reader.host.sh(f"flaskyard {verb}")
    assert "changed=0 " in reader.play("site")


def test_backups(reader: Reader) -> None:
    reader.declare("work.md", WORK)
    before = reader.ask("/users")
    said = reader.follow("backups.md")
    assert json.loads(said["flask-backup status"]) and reader.ask("/users") == before


def test_several_apps(reader: Reader) -> None:
    reader.declare("several_apps.md", "Several apps on one host")
    reader.play("site")
    reader.follow("several_apps.md", "Several apps on one host")
    assert (reader.ask(host=BLOG), reader.ask().partition(",")[0]) == ("plain", "welcome")
    reader.declare("several_apps.md", "Several apps on one domain")
    reader.play("site")
    assert (reader.ask("/blog/", host=BOTH), reader.ask(host=BOTH).partition(",")[0]) == ("plain", "welcome")
    reader.variables["flask_apps"].pop()
    reader.play("site")
    reader.follow("several_apps.md", "Remove an app")
    assert reader.host.sh("ls -d /srv/flask/blog /var/lib/flask-blog 2>/dev/null || true") == ""
    reader.follow("several_apps.md", "One app on several hosts")
