# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of load balancers in front of a host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.balancers import balancer_problems


@pytest.mark.parametrize(
    ("networks", "protocol"), [([], False), (["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"], False), (["192.0.2.1/32"], True), (["0.0.0.0/0"], True)]
)
def test_ordinary_values_are_accepted(networks: list[str], protocol: bool) -> None:
    assert balancer_problems(networks, protocol) == []


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("10.0.0.0/8; include /etc/x", "flask_trusted_networks has '10.0.0.0/8; include /etc/x'; expected a network such as 192.0.2.0/24"),
        ("10.0.0.0/8\nLoadModule x", "expected a network"),
        ("fe80::%eth0;include /etc/x", "expected a network"),
        ("10.0.0.0/8\n", "expected a network"),
        ("balancer.example.com", "expected a network"),
        ("10.0.0.0/255.0.0.0", "expected a network"),
        ("", "expected a network"),
        (10, "flask_trusted_networks has 10 (int); expected a network"),
        ("10.0.0.1/8", "'10.0.0.1/8'; expected a network such as 192.0.2.0/24: 10.0.0.1/8 has host bits set"),
        ("10.0.0.0/33", "'10.0.0.0/33' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_invalid_network_is_reported_with_what_is_expected(network: t.Any, message: str) -> None:
    [problem] = balancer_problems(["192.0.2.0/24", network], False)
    assert message in problem


@pytest.mark.parametrize("networks", ["10.0.0.0/8", {"10.0.0.0/8": True}, None])
def test_networks_are_a_list(networks: t.Any) -> None:
    assert "expected a list of networks" in balancer_problems(networks, False)[0]


@pytest.mark.parametrize("protocol", ["false", "yes", 1, None])
def test_protocol_is_true_or_false(protocol: t.Any) -> None:
    assert "expected true or false" in balancer_problems(["10.0.0.0/8"], protocol)[0]


@pytest.mark.parametrize("terminated_by", ["proxy", True, None])
def test_tls_terminates_at_host_or_balancer(terminated_by: t.Any) -> None:
    assert balancer_problems(["10.0.0.0/8"], False, terminated_by)[0].endswith("; expected one of host, balancer")


def test_tls_at_a_balancer_needs_its_addresses() -> None:
    [problem] = balancer_problems([], False, "balancer")
    assert "be redirected forever; list the networks of the load balancers, such as 192.0.2.0/24" in problem


def test_proxy_protocol_needs_the_addresses_of_balancers() -> None:
    [problem] = balancer_problems([], True)
    assert "every client would have its address" in problem and "list the networks" in problem
