# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain names: accepted ones, and messages for refused ones."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.sites import sites

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "."}, "wsgi": "shop:app", "tls": {"issuer": "selfsigned"}}
EXPECTED = "expected a lower-case host name such as shop.example.com"


@pytest.mark.parametrize("domains", [["intranet"], ["shop.test", "*.shop.test"], ["xn--mller-kva.example"], ["a", "*.b.test"]], ids=str)
def test_names_that_can_be_served(domains: list[str]) -> None:
    assert complete_apps([{**APP, "domains": domains}])[0]["canonical"] == domains[0]


@pytest.mark.parametrize(
    ("domains", "problem"),
    [
        (
            ["192.0.2.7"],
            f"domains[0] is '192.0.2.7'; {EXPECTED}. A browser does not say which address it asks for, so no certificate can be chosen by it; give the host a "
            "name, in DNS or in /etc/hosts",
        ),
        (
            ["my_app.example.com"],
            f"domains[0] is 'my_app.example.com'; {EXPECTED}. No host name has an underscore (RFC 1123), and no authority signs one; use my-app.example.com",
        ),
        (["müller.example"], f"domains[0] is 'müller.example'; {EXPECTED}. Write it as xn--mller-kva.example"),
        (["Shop.example.com"], f"domains[0] is 'Shop.example.com'; {EXPECTED}. Write it as shop.example.com"),
        (["*.*.test"], f"domains[0] is '*.*.test'; {EXPECTED}"),
        (["*"], f"domains[0] is '*'; {EXPECTED}"),
        (["localhost"], f"domains[0] is 'localhost'; {EXPECTED}"),
        (["*.shop.test"], "domains begins with '*.shop.test', and the first name is the canonical one; put a whole name before it"),
    ],
)
def test_invalid_names_are_refused_with_the_valid_form(domains: list[str], problem: str) -> None:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, "domains": domains}])
    assert caught.value.problems == [f"app 'shop': {problem}"]


@pytest.mark.parametrize(
    ("domains", "problem"),
    [
        (
            ["shop.test", "*.shop.test"],
            "domains: an authority signs '*.shop.test' only by the DNS challenge; set challenge: dns in tls, or issuer files with a certificate for it",
        ),
        (
            ["intranet"],
            "domains: no public authority signs 'intranet'; set tls: {issuer: selfsigned}, or issuer files with a certificate of your own",
        ),
    ],
)
def test_names_that_no_public_authority_signs(domains: list[str], problem: str) -> None:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, "tls": {"issuer": "letsencrypt"}, "domains": domains}])
    assert caught.value.problems == [f"app 'shop': {problem}"]


def test_wildcard_is_served_and_read_last() -> None:
    [site] = sites(complete_apps([{**APP, "domains": ["shop.test", "*.shop.test", "www.shop.test"]}]))
    assert (site["served"], site["redirected"], site["file"]) == (["shop.test", "*.shop.test"], ["www.shop.test"], "~shop")


def test_dns_signs_wildcards_and_asks_nobody_else() -> None:
    domains = ["shop.test", "*.shop.test"]
    complete_apps([{**APP, "tls": {"challenge": "dns"}, "domains": domains}])
    with pytest.raises(AppModelError, match="tls: challenge has no effect with issuer 'selfsigned', which asks no authority; remove it"):
        complete_apps([{**APP, "tls": {"issuer": "selfsigned", "challenge": "dns"}, "domains": domains}])
