# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role nginx without an app: the contract of every proxy."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from tests.hosts.client import Site
from tests.hosts.front import FrontContract


class TestNginx(FrontContract):
    """The contract, and what is nginx's own."""

    service, header, configtest = "nginx", "nginx", "nginx -t"

    def test_unknown_names_get_no_answer(self, site: Site) -> None:
        stranger = replace(site, domain="stranger.test")
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            stranger.connect()
        with pytest.raises(OSError):
            stranger.ask(tls=False)
