# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role apache, with no app behind it yet: names, redirects, TLS and headers are right, and so is the service itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest
from testinfra.host import Host

from tests.hosts.client import Site


def test_plain_http_goes_to_the_canonical_name(site: Site) -> None:
    for domain in (site.domain, f"www.{site.domain}"):
        answer = replace(site, domain=domain).ask("/a?b=c", tls=False)
        assert (answer.status, answer.headers["Location"]) == (308, f"https://{site.domain}/a?b=c")


def test_other_names_go_to_the_canonical_one(site: Site) -> None:
    answer = replace(site, domain=f"www.{site.domain}").ask("/a?b=c")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{site.domain}/a?b=c")


def test_unknown_names_get_no_answer(site: Site) -> None:
    stranger = replace(site, domain="stranger.test")
    assert (stranger.ask().status, stranger.ask(tls=False).status) == (421, 421)


def test_an_app_that_is_not_there_is_a_502_with_all_headers(site: Site) -> None:
    answer = site.ask()
    assert answer.status == 502
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "Apache", "and no version"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_tls_is_spoken(site: Site, version: ssl.TLSVersion) -> None:
    with site.connect(version) as connection:
        assert connection.version() == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_not(site: Site) -> None:
    with pytest.raises(ssl.SSLError, match="(?i)protocol|alert"):
        site.connect(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


def test_http2_is_offered(site: Site) -> None:
    with site.connect(protocols=["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def test_service_is_sandboxed_and_reloads(host: Host, exposure: Callable[[str], float]) -> None:
    with host.sudo():
        assert exposure("apache2.service") <= 3.0
        assert host.run("systemctl reload apache2").rc == 0
        assert host.service("apache2").is_enabled


def test_killed_master_comes_back(host: Host, site: Site, unit_property: Callable[[str, str], str]) -> None:
    with host.sudo():
        host.check_output(f"kill -9 {unit_property('apache2', 'MainPID')}")
    site.wait(502)


def test_journal_of_the_configuration_is_quiet(host: Host) -> None:
    with host.sudo():
        said = host.run("apache2ctl configtest")
    assert "warn" not in said.stderr, said.stderr
