# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The openings of the firewall, as lines for nftables."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: firewall_rules
short_description: Turn allowed ports and networks into nftables rules
version_added: 0.1.0
description:
  - Accepts only ports, protocols and networks, so that nothing else can enter the ruleset.
options:
  _input:
    description:
      - Dictionaries with C(port), C(protocol) and C(from).
      - C(port) is a port, a range such as V(6000-6010), or several, separated by commas. C(protocol) is V(tcp), the default, or V(udp).
        C(from) lists networks and addresses, and is everywhere by default.
    type: list
    elements: dict
    required: true
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
rules: "{{ [{'port': 5432, 'from': ['192.0.2.0/24']}] | flaskyard.server.firewall_rules }}"
# => ["tcp dport { 5432 } ip saddr { 192.0.2.0/24 } accept"]
"""

RETURN = r"""
_value:
  description: Rules for a chain of an C(inet) table, at most one for IPv4 and one for IPv6 per item.
  type: list
  elements: str
"""

_KEYS = {"port", "protocol", "from"}
_PROTOCOLS = ("tcp", "udp")
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def firewall_rules(items: t.Any) -> list[str]:
    """Rules of nftables for a list of openings.

    :raises AnsibleFilterError: naming the item, the value and what is expected.
    """
    if not isinstance(items, (list, tuple)):
        raise AnsibleFilterError(f"firewall: {items!r} is not a list of rules")
    rules: list[str] = []
    for item in items:
        try:
            rules += _rules(item)
        except ValueError as error:
            raise AnsibleFilterError(f"firewall: in the rule {item!r}: {error}") from error
    return rules


def _rules(item: t.Any) -> list[str]:
    if not isinstance(item, dict) or "port" not in item or not set(item) <= _KEYS:
        raise ValueError("expected the keys port, and if wanted protocol and from; a port looks like 5432 or 6000-6010")
    protocol = item.get("protocol", "tcp")
    if protocol not in _PROTOCOLS:
        raise ValueError(f"protocol is {protocol!r}; expected {' or '.join(_PROTOCOLS)}")
    match = f"{protocol} dport {{ {_ports(item['port'])} }}"
    return [" ".join(filter(None, [match, source, "accept"])) for source in _sources(item.get("from", _EVERYWHERE))]


def _ports(value: t.Any) -> str:
    ranges = []
    for part in str(value).split(","):
        found = _PORTS.fullmatch(part.strip())
        numbers = [int(number) for number in found.groups() if number] if found else []
        if not numbers or numbers != sorted(numbers) or not all(1 <= number <= 65535 for number in numbers):
            raise ValueError(f"port is {str(value)!r}; expected numbers from 1 to 65535, such as 5432, 6000-6010 or 80,443")
        ranges.append((numbers[0], numbers[-1]))
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in _merged(ranges))


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge overlapping ranges, which an nftables set must not contain."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _sources(value: t.Any) -> list[str]:
    """What to match on the source address; an empty string matches everything."""
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"from is {value!r}; expected a list of networks, or {list(_EVERYWHERE)} for everywhere")
    networks: dict[int, list[t.Any]] = {4: [], 6: []}
    for text in value:
        try:
            # The part after % names an interface and is not checked by Python: any text passes there.
            network = ipaddress.ip_network(str(text).replace("%", "/%"))
        except ValueError as error:
            raise ValueError(f"from holds {str(text)!r}: {error}; expected a network such as 192.0.2.0/24 or 2001:db8::/32") from error
        networks[network.version].append(network)
    collapsed = {version: [str(n) for n in ipaddress.collapse_addresses(found)] for version, found in networks.items()}
    if collapsed == {4: [_EVERYWHERE[0]], 6: [_EVERYWHERE[1]]}:
        return [""]
    matches = []
    for version, family, name in ((4, "ip", "ipv4"), (6, "ip6", "ipv6")):
        if collapsed[version] and collapsed[version][0] in _EVERYWHERE:
            matches.append(f"meta nfproto {name}")
        elif collapsed[version]:
            matches.append(f"{family} saddr {{ {', '.join(collapsed[version])} }}")
    return matches


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"firewall_rules": firewall_rules}
