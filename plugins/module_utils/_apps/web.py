# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an app or another service is on the web: domains, path, rules, certificate. It completes them, and finds conflicts between two places."""

from __future__ import annotations

import ipaddress
import typing as t

from .keys import SERVICE, WEB
from .names import name_problems
from .schema import Problem, check_mapping, complete

#: The default port, which URLs leave out.
HTTPS_PORT = 443
#: How long a stream may take: an hour.
STREAMING_SECONDS = 3600
#: How much longer than the server the proxy waits, so that the client gets the server's error, which says more than a 504.
LONGER_SECONDS = 5


def complete_web(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """Every key that a proxy needs of a place on the web, except how to reach what is behind it."""
    web = complete(WEB, given)
    domains: list[str] = web["domains"]
    longest = STREAMING_SECONDS if web["streaming"] else web["timeout_seconds"]
    return {
        **web,
        "name": given["name"],
        "unit": f"flask-{given['name']}",
        "canonical": domains[0] if domains else None,
        "port_suffix": "" if web["public_port"] == HTTPS_PORT else f":{web['public_port']}",
        "mount": web["path"].rstrip("/"),
        "streaming": [path.rstrip("/") or "/" for path in web["streaming"]],
        "longest_request_seconds": longest,
        "longest_wait_seconds": longest + LONGER_SECONDS,
        "max_body_bytes": web["max_body_mb"] * 2**20,
    }


def complete_service(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """A service that somebody else runs, as the proxies' templates read it: like an app without code."""
    socket = given["upstream"].startswith("/")
    protocol = complete(SERVICE, given)["protocol"]
    return {
        **complete_web(given),
        "protocol": protocol,
        "reads_chunks": protocol == "http",
        "upstream": f"unix:{given['upstream']}" if socket else given["upstream"],
        "static": [],
        "maintenance_page": None,
        "error_page": None,
        "paths": {"certificate": certificate_path(given["name"])},
    }


def certificate_path(name: str) -> str:
    """The directory of a place's certificate and key."""
    return f"/etc/flask-tls/live/{name}"


def service_problems(given: t.Any) -> t.Iterator[str]:
    """The problems of one service."""
    problems: list[Problem] = []
    check_mapping(SERVICE, given, "", problems)
    yield from (problem.text for problem in problems)
    if problems:
        return
    if not given["domains"]:
        yield "domains is empty; without a name nobody can reach it"
    if not given["upstream"].startswith("/"):
        yield from _address_problems(given["upstream"])
    yield from web_problems(given)


def web_problems(given: dict[str, t.Any]) -> t.Iterator[str]:
    """Keys of one place that contradict each other. Each single key is valid."""
    tls = given.get("tls", {})
    if tls.get("issuer") == "files" and not ("certificate" in tls and "key" in tls):
        yield "tls: issuer 'files' needs certificate and key, each the PEM text, for instance from lookup('file', …) and the vault"
    if tls.get("issuer", "letsencrypt") != "files" and ("certificate" in tls or "key" in tls):
        yield "tls: certificate and key need issuer 'files'; add it, or remove them"
    yield from name_problems(given)
    rules = given.get("access", [])
    for path in repeated([rule.get("path", "/").rstrip("/") or "/" for rule in rules]):
        yield f"access: path {path!r} is in two rules; write allow and users of a path in one rule"
    for network in (network for rule in rules for network in rule.get("allow", [])):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield f"access: allow has {network!r}; {error}"


def clashes(places: list[dict[str, t.Any]]) -> list[str]:
    """Names, domains and paths that two places claim. Places may share a domain if they have the same canonical domain and different paths."""
    names = [place["name"] for place in places]
    problems = [
        f"the name {name!r} is used {names.count(name)} times; accounts, paths and units follow from it, so each needs its own" for name in repeated(names)
    ]
    owners: dict[tuple[str, str], str] = {}
    canonical: dict[str, str] = {}
    for place in places:
        name = place["name"]
        problems += [f"{name!r}: domain {domain!r} is listed twice" for domain in repeated(place["domains"])]
        for domain in dict.fromkeys(place["domains"]):
            for path in _claimed(place):
                owner = owners.setdefault((domain, path), name)
                if owner != name:
                    problems.append(f"{name!r}: domain {domain!r} at path {path or '/'} is taken already by {owner!r}; give one of them another path or domain")
            first = canonical.setdefault(domain, place["canonical"])
            if first != place["canonical"]:
                problems.append(f"{name!r}: domain {domain!r} belongs to the site {first!r} already; apps that share it name {first!r} first")
    return [*problems, *_unlike(places)]


def _unlike(places: list[dict[str, t.Any]]) -> t.Iterator[str]:
    """Places that share a site but differ in the domains that they redirect, or in the port of their URLs."""
    first: dict[str, dict[str, t.Any]] = {}
    for place in places:
        other = first.setdefault(place["canonical"] or "", place)
        alone = place["redirect"] and other["redirect"]
        if place["canonical"] and not alone and (place["redirect"], place["domains"]) != (other["redirect"], other["domains"]):
            yield (
                f"{place['name']!r} and {other['name']!r} share the site {place['canonical']!r}, and one of them has redirect: false; "
                "give both the same domains and the same redirect"
            )
        if place["canonical"] and place["public_port"] != other["public_port"]:
            yield f"{place['name']!r} and {other['name']!r} share the site {place['canonical']!r}; give both the same public_port"


def repeated(values: list[str]) -> list[str]:
    """The values that occur more than once."""
    return sorted({value for value in values if values.count(value) > 1})


def _claimed(place: dict[str, t.Any]) -> list[str]:
    """The paths of a domain that only one place can have: its own path, and those of its static files."""
    return [place["mount"], *(static_url(place, folder) for folder in place["static"])]


def static_url(place: dict[str, t.Any], folder: dict[str, t.Any]) -> str:
    """The URL path of a static folder: below the path of its app, unless it is at the root."""
    return f"{place['mount']}{folder['url']}" if folder["url"] else ""


def _address_problems(upstream: str) -> t.Iterator[str]:
    host, dummy, port = upstream.rpartition(":")
    if int(port) > 65535:
        yield f"upstream is {upstream!r}; a port is at most 65535"
    if host != "localhost":
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError as error:
            yield f"upstream is {upstream!r}; {error}"
