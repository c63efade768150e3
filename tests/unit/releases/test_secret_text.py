# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in URLs stay out of what people read."""

from __future__ import annotations

import urllib.parse

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.secret_text import mask, secrets_of, split_credentials
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "split"),
    [
        ("https://example.com/a.git", ("https://example.com/a.git", "", None)),
        ("https://user:pass%40word@example.com:8443/a.git", ("https://example.com:8443/a.git", "user", "pass@word")),
        ("https://token@example.com/a.git", ("https://example.com/a.git", "token", "")),
        ("ssh://git@example.com/a.git", ("ssh://git@example.com/a.git", "", None)),
        ("git@example.com:a.git", ("git@example.com:a.git", "", None)),
        ("/srv/a@b.git", ("/srv/a@b.git", "", None)),
    ],
)
def test_credentials_are_split_from_a_url(url: str, split: tuple[str, str, str | None]) -> None:
    assert split_credentials(url) == split


@given(st.text(alphabet="0123456789%@:/é #?", min_size=6, max_size=20), st.sampled_from(["https", "socks5"]))
def test_no_password_is_left_however_it_is_written(password: str, scheme: str) -> None:
    quoted = urllib.parse.quote(password, safe="")
    url = f"{scheme}://user:{quoted}@example.com/simple"
    masked = mask(f"failed: {url} and {password} and {quoted}.", secrets_of([url]))
    assert masked == f"failed: {scheme}://***@example.com/simple and *** and ***."


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("ssh://git@example.com/a.git", set()),
        ("https://git@example.com/a.git", set()),
        ("https://abcdefgh1234@example.com/a.git", {"abcdefgh1234"}),
        ("https://a:b@example.com/ socks5://c:d%20e@example.com", {"b", "d e", "d%20e"}),
        ("not a url", set()),
    ],
)
def test_secrets_in_text_are_found(url: str, secrets: set[str]) -> None:
    assert secrets_of([url]) == secrets


def test_unknown_urls_are_masked_too() -> None:
    assert mask("see https://a:b@example.com/x and git@example.com", set()) == "see https://***@example.com/x and git@example.com"
