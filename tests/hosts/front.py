# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of every proxy without an app: names, redirects, TLS, headers, and the service itself."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import pytest
from testinfra.host import Host

from tests.hosts.client import Site
from tests.hosts.exposure import bound


class FrontContract:
    """Tests for a host with the static folder of `probe` declared; the fixtures are of molecule/conftest.py."""

    service: ClassVar[str]
    header: ClassVar[str]
    """What it says of itself."""
    configtest: ClassVar[str]
    absent: ClassVar[int] = 502
    """The status where there is no app."""

    def test_plain_http_goes_to_the_canonical_name(self, site: Site) -> None:
        for domain in (site.domain, f"www.{site.domain}"):
            answer = replace(site, domain=domain).ask("/a?b=c", tls=False)
            assert (answer.status, answer.headers["Location"]) == (308, f"https://{site.domain}/a?b=c")

    def test_other_names_go_to_the_canonical_one(self, site: Site) -> None:
        answer = replace(site, domain=f"www.{site.domain}").ask("/a?b=c")
        assert (answer.status, answer.headers["Location"]) == (308, f"https://{site.domain}/a?b=c")

    def test_missing_app_gives_502_with_all_headers(self, site: Site) -> None:
        answer = site.ask()
        assert answer.status == self.absent
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == self.header, "and no version"

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_modern_tls_is_accepted(self, site: Site, version: ssl.TLSVersion) -> None:
        with site.connect(version) as connection:
            assert connection.version() == version.name.replace("_", ".")

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_old_tls_is_refused(self, site: Site) -> None:
        with pytest.raises(ssl.SSLError, match="(?i)protocol|alert"):
            site.connect(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)

    def test_http2_is_offered(self, site: Site) -> None:
        with site.connect(protocols=["h2", "http/1.1"]) as connection:
            assert connection.selected_alpn_protocol() == "h2"

    def test_service_is_sandboxed_and_reloads(self, host: Host, exposure: Callable[[str], float]) -> None:
        with host.sudo():
            assert exposure(f"{self.service}.service") <= bound(f"{self.service}.service")
            assert host.run(f"systemctl reload {self.service}").rc == 0
            assert host.service(self.service).is_enabled

    def test_killed_master_comes_back(self, host: Host, site: Site, unit_property: Callable[[str, str], str]) -> None:
        with host.sudo():
            killed = unit_property(self.service, "MainPID")
            host.check_output(f"kill -9 {killed}")
            # Its children may answer for a moment longer.
            end = time.monotonic() + 20
            while unit_property(self.service, "MainPID") in (killed, "0") and time.monotonic() < end:
                time.sleep(0.1)
        site.wait(self.absent)

    def test_configuration_causes_no_warnings(self, host: Host) -> None:
        with host.sudo():
            said = host.run(self.configtest)
        assert "warn" not in said.stderr, said.stderr
