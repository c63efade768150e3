# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials inside URLs: take them out, and keep them out of what people read."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

_USERINFO = re.compile(r"(\w+://)[^/@\s'\"]*:[^/@\s'\"]*@")
#: The user of an address of ssh is part of the address.
_ANY_USERINFO = re.compile(r"\b((?!(?:git\+)?ssh:)[A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|USERNAME|(^|_)(AUTH|KEY|APIKEY)(_|$)", re.IGNORECASE)

_SHORTEST_TOKEN = 8


class Credentials(t.NamedTuple):
    """A URL without its user and password, and those two; C(password) is None when the URL has none."""

    url: str
    user: str
    password: str | None


def split_credentials(url: str) -> Credentials:
    """Take the credentials out of an http URL; an ssh URL's user is part of its address and stays.

    A lone user name before the host of an http URL is a token: it is the user, with an empty password.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return Credentials(url, "", None)
    userinfo, dummy, host = parts.netloc.rpartition("@")
    user, dummy, password = userinfo.partition(":")
    return Credentials(urllib.parse.urlunsplit(parts._replace(netloc=host)), urllib.parse.unquote(user), urllib.parse.unquote(password))


def secrets_of(values: t.Iterable[str]) -> set[str]:
    """The credentials in any URL among the values, as written and as decoded.

    A lone user name counts when it may be a token: not in an address of ssh, and not as short as C(git).
    """
    found = set()
    for value in values:
        for url in re.findall(r"\w+://\S+", value):
            parts = urllib.parse.urlsplit(url)
            user, dummy, password = parts.netloc.rpartition("@")[0].partition(":")
            token = user if parts.scheme != "ssh" and len(user) >= _SHORTEST_TOKEN else ""
            secret = password or token
            found |= {secret, urllib.parse.unquote(secret)}
    return found - {""}


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name may hold credentials."""
    return _SECRET_NAME.search(name) is not None


def without_credentials(text: str) -> str:
    """The text with nothing before the host of any URL in it."""
    return _ANY_USERINFO.sub(r"\1", text)


def mask(text: str, secrets: t.Iterable[str]) -> str:
    """The text without the secrets, nor any user and password in a URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _USERINFO.sub(r"\1***@", text)
