# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the firewall."""

from __future__ import annotations

import ipaddress
import itertools
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.flaskyard.server.plugins.filter.firewall_rules import firewall_rules
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"port": 22}, ["tcp dport { 22 } accept"]),
        ({"port": "53", "protocol": "udp"}, ["udp dport { 53 } accept"]),
        ({"port": "6000-6010, 80,443"}, ["tcp dport { 80, 443, 6000-6010 } accept"]),
        ({"port": "80,70-90,85-95"}, ["tcp dport { 70-95 } accept"]),
        ({"port": 22, "from": ["0.0.0.0/0", "::/0"]}, ["tcp dport { 22 } accept"]),
        ({"port": 22, "from": ["0.0.0.0/0"]}, ["tcp dport { 22 } meta nfproto ipv4 accept"]),
        ({"port": 22, "from": ["192.0.2.7"]}, ["tcp dport { 22 } ip saddr { 192.0.2.7/32 } accept"]),
        (
            {"port": 22, "from": ["10.1.0.0/16", "10.0.0.0/8", "2001:db8::/32"]},
            ["tcp dport { 22 } ip saddr { 10.0.0.0/8 } accept", "tcp dport { 22 } ip6 saddr { 2001:db8::/32 } accept"],
        ),
    ],
)
def test_item_becomes_rules(item: dict[str, t.Any], expected: list[str]) -> None:
    assert firewall_rules([item]) == expected


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "expected the keys port"),
        ({"port": 22, "form": []}, "expected the keys port"),
        ("22", "expected the keys port"),
        ({"port": 0}, "from 1 to 65535"),
        ({"port": 65536}, "from 1 to 65535"),
        ({"port": "90-80"}, "from 1 to 65535"),
        ({"port": ""}, "from 1 to 65535"),
        ({"port": "22 } accept; drop"}, "from 1 to 65535"),
        ({"port": "٢٢"}, "from 1 to 65535"),
        ({"port": 22, "protocol": "icmp"}, "tcp or udp"),
        ({"port": 22, "from": []}, "for everywhere"),
        ({"port": 22, "from": "192.0.2.0/24"}, "expected a list of networks"),
        ({"port": 22, "from": ["192.0.2.1/24"]}, "host bits set"),
        ({"port": 22, "from": ["example.com"]}, "expected a network"),
        ({"port": 22, "from": ["192.0.2.0/24 } accept"]}, "expected a network"),
        ({"port": 22, "from": ["fe80::1%x } accept"]}, "expected a network"),
    ],
)
def test_unusable_items_are_refused(item: t.Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        firewall_rules([item])


@given(st.lists(st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(sorted), min_size=1, max_size=8))
def test_ports_cover_what_was_asked_without_overlap(ranges: list[list[int]]) -> None:
    (rule,) = firewall_rules([{"port": ",".join(f"{low}-{high}" for low, high in ranges)}])
    shown = [[int(number) for number in part.split("-")] for part in rule.split("{ ")[1].split(" }")[0].split(", ")]
    assert all(before[-1] < after[0] for before, after in itertools.pairwise(shown))
    covered = {port for part in shown for port in range(part[0], part[-1] + 1)}
    assert covered == {port for low, high in ranges for port in range(low, high + 1)}


@given(st.text(max_size=40))
def test_text_cannot_break_into_the_ruleset(text: str) -> None:
    try:
        rules = firewall_rules([{"port": 22, "from": [text]}])
    except AnsibleFilterError:
        return
    network = ipaddress.ip_network(text)
    assert len(rules) == 1 and str(network.network_address) in rules[0] or network.prefixlen == 0
