# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in URLs: take them out, and mask them in texts for people."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

_USERINFO = re.compile(r"(\w+://)[^/@\s'\"]*:[^/@\s'\"]*@")
#: In an SSH address, the user is part of the address.
_ANY_USERINFO = re.compile(r"\b((?!(?:git\+)?ssh:)[A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|USERNAME|(^|_)(AUTH|KEY|APIKEY)(_|$)", re.IGNORECASE)

_SHORTEST_TOKEN = 8


class Credentials(t.NamedTuple):
    """A URL without its user and password, and those two. C(password) is None if the URL has no credentials."""

    url: str
    user: str
    password: str | None


def split_credentials(url: str) -> Credentials:
    """Take the credentials out of an HTTP URL. The user of an SSH URL is part of its address and stays.

    A user name without a password in an HTTP URL is a token: the user is the token, and the password is empty.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return Credentials(url, "", None)
    userinfo, dummy, host = parts.netloc.rpartition("@")
    user, dummy, password = userinfo.partition(":")
    return Credentials(urllib.parse.urlunsplit(parts._replace(netloc=host)), urllib.parse.unquote(user), urllib.parse.unquote(password))


def secrets_of(values: t.Iterable[str]) -> set[str]:
    """The credentials in all URLs among the values, as written and as decoded.

    A user name without a password counts if it may be a token: not in an SSH address, and not as short as C(git).
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
    """The text with all URLs stripped of user and password."""
    return _ANY_USERINFO.sub(r"\1", text)


def mask(text: str, secrets: t.Iterable[str]) -> str:
    """The text with the secrets, and user and password of every URL, masked."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _USERINFO.sub(r"\1***@", text)
