# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role apache without an app: the contract of every proxy."""

from __future__ import annotations

from dataclasses import replace

from tests.hosts.client import Site
from tests.hosts.front import FrontContract


class TestApache(FrontContract):
    """The contract, and what is Apache's own."""

    service, header, configtest = "apache2", "Apache", "apache2ctl configtest"
    absent = 503

    def test_unknown_names_are_refused(self, site: Site) -> None:
        stranger = replace(site, domain="stranger.test")
        assert (stranger.ask().status, stranger.ask(tls=False).status) == (421, 421)
