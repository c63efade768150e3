# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the variables about load balancers in front of a host. Pure Python, no Ansible."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .schema import show

# Narrower than ipaddress, which accepts anything after the % in fe80::1%eth0.
_NETWORK = re.compile(r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")


def balancer_problems(networks: t.Any, protocol: t.Any, terminated_by: t.Any = "host") -> list[str]:
    """The problems of C(flask_trusted_networks), C(flask_proxy_protocol) and C(flask_tls_terminated_by), one line each."""
    problems = []
    if not isinstance(networks, (list, tuple)):
        problems.append(f"flask_trusted_networks is {show(networks)}; expected a list of networks such as 192.0.2.0/24")
    else:
        problems += [f"flask_trusted_networks has {show(network)}; {wrong}" for network in networks if (wrong := _wrong(network))]
    # In a template, a text would be true, even the "false" of -e on the command line.
    if not isinstance(protocol, bool):
        problems.append(f"flask_proxy_protocol is {show(protocol)}; expected true or false, without quotes")
    elif protocol and not networks:
        problems.append(
            "flask_proxy_protocol is true and flask_trusted_networks is empty, so no load balancer would be trusted and every client would have its "
            "address; list the networks of the load balancers, such as 192.0.2.0/24"
        )
    if terminated_by not in ("host", "balancer"):
        problems.append(f"flask_tls_terminated_by is {show(terminated_by)}; expected one of host, balancer")
    elif terminated_by == "balancer" and not networks:
        problems.append(
            "flask_tls_terminated_by is 'balancer' and flask_trusted_networks is empty, so every request would count as plain HTTP and be redirected "
            "forever; list the networks of the load balancers, such as 192.0.2.0/24"
        )
    return problems


def _wrong(network: t.Any) -> str:
    if not (isinstance(network, str) and _NETWORK.fullmatch(network)):
        return "expected a network such as 192.0.2.0/24"
    try:
        ipaddress.ip_network(network)
    except ValueError as error:
        return f"expected a network such as 192.0.2.0/24: {error}"
    return ""
