# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the module certificate up to the authority; molecule/tls asks a real one."""

from __future__ import annotations

import os
import re
import shutil
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._certificates import key_pairs as certificates
from ansible_collections.flaskyard.server.plugins.module_utils._certificates import survey
from ansible_collections.flaskyard.server.plugins.module_utils._certificates.run import CertificateRun
from ansible_collections.flaskyard.server.plugins.module_utils._certificates.store import Store
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import run

ROLE = Path(__file__).resolve().parents[3] / "roles" / "tls"

URL = "https://ca.test/dir"
WEBROOT = "/var/lib/flask-acme"

# As certbot 5.8 writes it.
RENEWAL = f"""\
version = 5.8.0
archive_dir = /etc/flask-tls/certbot/archive/shop
[renewalparams]
account = c5e961cbbdf62257519a623f8ed46600
server = {URL}
authenticator = webroot
webroot_path = {WEBROOT},
[[webroot_map]]
shop.test = {WEBROOT}
www.shop.test = {WEBROOT}
[acme_renewal_info]
ari_retry_after = 2026-11-21T09:58:22
"""


class Host:
    """A directory of certificates, and runs of the module on it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "flask-tls"
        self.reloads = root / "reloads"

    def run(self, *apps: dict[str, t.Any], stage: str = "placeholder", check: bool = False, **params: t.Any) -> tuple[dict[str, t.Any], list[str]]:
        run = CertificateRun(self.params(*apps, stage=stage, **params), check)
        return run.run(), run.problems + run.warnings

    def params(self, *apps: dict[str, t.Any], stage: str = "placeholder", **params: t.Any) -> dict[str, t.Any]:
        return {
            "apps": list(apps),
            "stage": stage,
            "directory": str(self.root),
            "selfsigned_days": 825,
            "certbot": ["/nonexistent/certbot"],
            "acme_directory": URL,
            "webroot": WEBROOT,
            "probe": False,
            "reload_command": f"sh -c 'echo >> {self.reloads}'",
            **params,
        }

    def names(self, app: str = "shop") -> tuple[str, ...]:
        folder = self.root / "live" / app
        return certificates.inspect((folder / "fullchain.pem").read_text(), (folder / "privkey.pem").read_text()).names

    def lineage(self, *domains: str, days: int = 90) -> None:
        """What certbot leaves for the app shop."""
        certbot = self.root / "certbot"
        pair = certificates.self_sign(list(domains), days)
        for folder in ("live/shop", "renewal", "accounts/ca.test/dir/c5e961cbbdf62257519a623f8ed46600"):
            (certbot / folder).mkdir(parents=True)
        for name, text in zip(("fullchain.pem", "privkey.pem"), pair, strict=True):
            (certbot / "live/shop" / name).write_text(text)
        (certbot / "renewal/shop.conf").write_text(RENEWAL)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def app(*domains: str, name: str = "shop", issuer: str = "letsencrypt", pair: tuple[str, str] | None = None) -> dict[str, t.Any]:
    certificate, key = pair or (None, None)
    return {"name": name, "domains": list(domains), "tls": {"issuer": issuer, "certificate": certificate, "key": key}}


@pytest.mark.parametrize("issuer", ["letsencrypt", "selfsigned"])
def test_placeholder_is_made_once(host: Host, issuer: str) -> None:
    result, problems = host.run(app("shop.test", "www.shop.test", issuer=issuer))
    assert (result["changed"], result["reloaded"], problems) == (True, False, []), "no proxy knows the name yet"
    assert host.names() == ("shop.test", "www.shop.test")
    assert host.run(app("www.shop.test", "shop.test", issuer=issuer))[0]["changed"] is False


def test_added_domain_renews_a_self_signed_certificate(host: Host) -> None:
    host.run(app("shop.test", issuer="selfsigned"))
    assert host.run(app("shop.test", "new.test", issuer="selfsigned"))[0]["changed"]
    assert host.names() == ("shop.test", "new.test")


def test_check_mode_reports_and_changes_nothing(host: Host) -> None:
    apps = [app("shop.test"), app("bank.test", name="bank", issuer="files", pair=certificates.self_sign(["bank.test"], 9))]
    checked, dummy = host.run(*apps, stage="issue", check=True)
    assert checked["changed"] and checked["issued"] == {"shop": "there is none yet"}
    assert checked["diff"]["after"] == f"bank: files for bank.test\nshop: certbot {URL} for shop.test\n"
    assert not host.root.exists() and not host.reloads.exists()


def test_placeholder_in_check_mode_predicts_the_run(host: Host) -> None:
    apps = [app("shop.test"), app("bank.test", name="bank", issuer="files", pair=certificates.self_sign(["bank.test"], 9))]
    predicted, dummy = host.run(*apps, check=True)
    done, dummy = host.run(*apps)
    assert (predicted["changed"], predicted["diff"]) == (done["changed"], done["diff"])


def test_wrong_files_replace_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    good = certificates.self_sign(["shop.test"], 9)
    host.run(app("shop.test", issuer="files", pair=good))
    other = certificates.self_sign(["shop.test"], 9)
    for pair, domain, reason in (((good[0], other[1]), "shop.test", "belongs to another"), (other, "www.shop.test", "and not for www.shop.test")):
        result, problems = host.run(app(domain, issuer="files", pair=pair), app("other.test", name="other"))
        assert reason in problems[0] and problems[0].startswith("app shop: ")
        assert (host.root / "live/shop/fullchain.pem").read_text() == good[0]
        assert "other" in result["certificates"], "one app's failure kept another from its certificate"
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 10 * 86400)
    assert "expired on" in host.run(app("shop.test", issuer="files", pair=other))[1][0]
    result, messages = host.run(app("shop.test", issuer="files", pair=good))
    assert not result["changed"] and "expired on" in messages[0], "what is live already is only warned of"


def test_certbot_certificate_replaces_the_placeholder(host: Host) -> None:
    host.run(app("shop.test"))
    host.lineage("shop.test", "www.shop.test")
    assert host.run(app("shop.test", "www.shop.test"), stage="issue")[0]["issued"] == {}
    assert (host.root / "live/shop").resolve() == (host.root / "certbot/live/shop").resolve()


@pytest.mark.parametrize(
    ("domains", "params", "why"),
    [
        (["shop.test", "www.shop.test"], {}, None),
        (["shop.test"], {}, "it is for shop.test, www.shop.test"),
        (["shop.test", "www.shop.test", "new.test"], {}, "it is for shop.test, www.shop.test"),
        (["shop.test", "www.shop.test"], {"acme_directory": "https://other.test/dir"}, f"it is from {URL}"),
        (["shop.test", "www.shop.test"], {"webroot": "/srv/acme"}, f"it would be renewed through {WEBROOT}"),
    ],
)
def test_reasons_to_contact_the_authority(host: Host, domains: list[str], params: dict[str, t.Any], why: str | None) -> None:
    host.lineage("shop.test", "www.shop.test")
    host.run(app("shop.test", "www.shop.test"))
    result, dummy = host.run(app(*domains), stage="issue", check=True, **params)
    assert result["issued"].get("shop") == why
    assert result["changed"] is (why is not None)


def test_new_challenge_contacts_the_authority(host: Host) -> None:
    host.lineage("shop.test", "www.shop.test")
    shop = app("shop.test", "www.shop.test")
    shop["tls"]["challenge"] = "dns"
    assert "set tls_dns_provider and tls_dns_credentials" in host.run(shop, stage="issue", check=True)[1][0]
    result, dummy = host.run(shop, stage="issue", check=True, dns_authenticator="dns-ovh")
    assert result["issued"]["shop"] == "it would be renewed by webroot"


def test_domains_without_a_challenge_are_missing_in_certbots_map(host: Host) -> None:
    host.lineage("shop.test")
    settings = host.root / "certbot/renewal/shop.conf"
    settings.write_text(re.sub(r"\[\[webroot_map(.*\n)*", "", RENEWAL))
    host.run(app("shop.test"))
    assert host.run(app("shop.test"), stage="issue")[0]["changed"] is False


def test_lost_account_contacts_the_authority(host: Host) -> None:
    host.lineage("shop.test", "www.shop.test")
    Store(str(host.root)).forget_account(URL)
    assert "account" in host.run(app("shop.test", "www.shop.test"), stage="issue", check=True)[0]["issued"]["shop"]


def test_failure_of_certbot_keeps_the_certificate(host: Host) -> None:
    host.run(app("shop.test"))
    result, problems = host.run(app("shop.test"), app("blog.test", name="blog", issuer="selfsigned"), stage="issue")
    assert "/nonexistent/certbot is not installed" in problems[0]
    assert result["certificates"]["shop"]["kind"] == result["certificates"]["blog"]["kind"] == "selfsigned"


def test_unused_certificates_are_removed(host: Host) -> None:
    host.lineage("shop.test", "www.shop.test")
    host.run(app("shop.test"), app("blog.test", name="blog", issuer="selfsigned"))
    host.run(app("shop.test", issuer="selfsigned"), app("blog.test", "b.test", name="blog", issuer="selfsigned"))
    result, dummy = host.run(app("shop.test", issuer="selfsigned"), stage="issue")
    assert result["changed"] and "blog" not in result["diff"]["after"]
    assert [str(path.relative_to(host.root)) for path in sorted(host.root.glob("*/*"))] == [
        "certbot/accounts", "certbot/live", "certbot/renewal", "live/shop", "selfsigned/shop",
    ]  # fmt: skip
    assert len(list(host.root.glob("selfsigned/shop/*"))) == 1
    assert not list(host.root.glob("certbot/*/shop*"))
    assert host.run(app("shop.test", issuer="selfsigned"), stage="issue")[0]["changed"] is False


def test_certificates_in_use_are_kept(host: Host) -> None:
    apps = [app("shop.test", issuer="selfsigned"), app("blog.test", name="blog", issuer="selfsigned")]
    host.run(*apps)
    needs_blog = f"test -e {host.root}/live/blog/fullchain.pem"
    result, problems = host.run(apps[0], stage="issue", reload_command=needs_blog)
    assert "the certificates of blog are kept" in problems[0] and result["reloaded"]
    assert host.names("blog") == ("blog.test",) and result["removed"] == []
    result, problems = host.run(apps[0], stage="issue")
    assert problems == [] and result["removed"][0] == "live/blog"
    assert not list(host.root.glob("*/blog"))


def test_refused_files_do_not_take_the_live_lineage_away(host: Host) -> None:
    host.lineage("shop.test")
    host.run(app("shop.test"))
    dummy, problems = host.run(app("shop.test", issuer="files", pair=("", "")), stage="issue")
    assert problems and host.names() == ("shop.test",)


def test_reload_that_failed_is_tried_again(host: Host) -> None:
    host.run(app("shop.test"))
    new = app("shop.test", "www.shop.test", issuer="selfsigned")
    dummy, problems = host.run(new, reload_command="false")
    assert "the proxy does not use them yet" in problems[0]
    assert host.run(new, check=True)[0]["changed"]
    result, problems = host.run(new)
    assert (result["changed"], result["reloaded"], problems) == (True, True, [])
    assert host.run(new)[0]["changed"] is False
    assert host.reloads.read_text() == "\n"


@pytest.mark.parametrize(
    ("active", "broken", "told", "status"),
    [
        ("nginx", "", "nginx", 0),
        ("apache2", "", "apache2", 0),
        ("nginx apache2", "", "nginx apache2", 0),
        ("", "", "", 0),
        ("nginx apache2", "nginx", "nginx apache2", 1),
        ("apache2", "apache2", "apache2", 1),
    ],
)
def test_every_proxy_that_runs_is_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, active: str, broken: str, told: str, status: int) -> None:
    stubs = {
        "systemctl": f"""case "$*" in
            "--quiet is-active "*) echo " {active} " | grep -q " $3 " ;;
            "reload "*) echo $2 >>{tmp_path}/told; [ $2 != "{broken}" ] ;;
            *) exit 9 ;;
        esac""",
        "journalctl": 'eval "echo the log of \\${$#}"',
    }
    for name, text in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "told").touch()
    done = run(yaml.safe_load((ROLE / "defaults/main.yml").read_text())["tls_reload_command"], check=False)
    assert ((tmp_path / "told").read_text().split(), done.returncode, done.stderr) == (told.split(), status, "")
    assert done.stdout.split("\n")[0] == (f"the log of {broken}" if broken else "")


def test_missing_files_come_back(host: Host) -> None:
    for tls in (app("shop.test"), app("shop.test", issuer="files", pair=certificates.self_sign(["shop.test"], 9))):
        host.run(tls)
        shutil.rmtree((host.root / "live/shop").resolve())
        assert host.run(tls, check=True)[0]["changed"] and host.run(tls)[0]["changed"]
        assert host.names() == ("shop.test",)


def test_keys_are_root_only_and_never_in_a_result(host: Host) -> None:
    pair = certificates.self_sign(["shop.test"], 9)
    result, dummy = host.run(app("shop.test", issuer="files", pair=pair))
    assert pair[1].splitlines()[1] not in str(result)
    assert all(path.stat().st_mode & 0o077 == 0 for path in [host.root, *host.root.rglob("*")])


@pytest.mark.parametrize("issuer", ["selfsigned", "files"])
def test_survey_reports_missing_files(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, issuer: str) -> None:
    monkeypatch.setattr(paths, "CERTIFICATES", str(tmp_path / "records"))
    pair = certificates.self_sign(["shop.test"], 90) if issuer == "files" else None
    wanted = app("shop.test", issuer=issuer, pair=pair)
    host.run(wanted)
    survey.remember(host.params(wanted), "a wish")
    assert survey.survey() == {"placeholder": {"wish": "a wish", "differences": [], "live": {"shop": {"kind": issuer, "names": ["shop.test"]}}}}
    assert "PRIVATE" not in (tmp_path / "records" / "placeholder.json").read_text()
    shutil.rmtree(host.root / issuer)
    assert survey.survey()["placeholder"]["differences"]


def test_records_forget_a_removed_app(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "CERTIFICATES", str(tmp_path / "records"))
    shop, blog = app("shop.test", issuer="selfsigned"), {**app("blog.test", issuer="selfsigned"), "name": "blog"}
    host.run(shop, blog)
    survey.remember(host.params(shop, blog), "a wish")
    survey.forget("wiki")
    assert survey.survey()["placeholder"]["wish"] == "a wish"
    survey.forget("blog")
    assert survey.survey()["placeholder"]["wish"] == ""
    assert "blog" not in (tmp_path / "records" / "placeholder.json").read_text()
