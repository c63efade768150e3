# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain names: which are valid, and which an authority can sign."""

from __future__ import annotations

import ipaddress
import typing as t

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#: RFC 1123 host names, which exclude addresses. The first of several labels may be a wildcard (RFC 6125, 6.4.3).
NAME = rf"(?=.{{1,253}}$)(?!localhost$)((\*\.)?({_LABEL}\.)+)?[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"


def advice(name: str) -> str:
    """How to correct a name that is not valid; empty if there is no advice."""
    try:
        ipaddress.ip_address(name.strip("[]"))
        return "a browser does not say which address it asks for, so no certificate can be chosen by it; give the host a name, in DNS or in /etc/hosts"
    except ValueError:
        pass
    if "_" in name:
        return f"no host name has an underscore (RFC 1123), and no authority signs one; use {name.replace('_', '-')}"
    try:
        plain = name.lower().encode("idna").decode()
    except UnicodeError:
        return ""
    return f"write it as {plain}" if plain != name else ""


def is_wildcard(name: str) -> bool:
    """Whether a name matches all names with one more label."""
    return name.startswith("*.")


def name_problems(given: dict[str, t.Any]) -> t.Iterator[str]:
    """Names that contradict the certificate's keys. Each name is valid by itself."""
    domains = given.get("domains", [])
    tls = given.get("tls", {})
    issuer, challenge = tls.get("issuer", "letsencrypt"), tls.get("challenge", "http")
    if issuer != "letsencrypt" and "challenge" in tls:
        yield f"tls: challenge has no effect with issuer {issuer!r}, which asks no authority; remove it"
    if domains and is_wildcard(domains[0]):
        yield f"domains begins with {domains[0]!r}, and the first name is the canonical one; put a whole name before it"
    for domain in domains if issuer == "letsencrypt" else ():
        if is_wildcard(domain) and challenge != "dns":
            yield f"domains: an authority signs {domain!r} only by the DNS challenge; set challenge: dns in tls, or issuer files with a certificate for it"
        elif "." not in domain:
            yield f"domains: no public authority signs {domain!r}; set tls: {{issuer: selfsigned}}, or issuer files with a certificate of your own"
