# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to the sizing of apps for the templates of WSGI servers."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils.app_schema import show
from ..module_utils.sizing import size

DOCUMENTATION = r"""
name: sized
short_description: How many processes and threads an app gets
version_added: 0.1.0
description:
  - The app's own C(workers) and C(threads) come first, then the role's variables, then what its C(workload) gives on this host.
positional: _input
options:
  _input:
    description: An app as the filter P(flaskyard.server.apps#filter) returns it.
    type: dict
    required: true
  host:
    description: The facts of the host, C(ansible_facts['flaskyard']).
    type: dict
    required: true
  apps:
    description: How many apps share the host.
    type: int
    default: 1
  workers:
    description: What the role says, V(auto) or a number from 1.
    type: raw
    default: auto
  threads:
    description: What the role says, V(auto) or a number from 1.
    type: raw
    default: auto
  process_mb:
    description: Memory that one process is expected to use, in MiB.
    type: int
    default: 128
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Show how many workers the shop gets
  ansible.builtin.debug:
    msg: "{{ (flask_apps | flaskyard.server.apps | first) | flaskyard.server.sized(ansible_facts['flaskyard']) }}"
"""

RETURN = r"""
_value:
  description: C(processes), and C(threads) of each.
  type: dict
"""


def sized(
    app: dict[str, t.Any],
    host: dict[str, t.Any],
    apps: int = 1,
    workers: int | str = "auto",
    threads: int | str = "auto",
    process_mb: int = 128,
) -> dict[str, int]:
    """How many processes and threads an app gets."""
    auto = size(app["server"], app["workload"], int(host["cores"]), int(host["memory_mb"]), apps, int(process_mb))
    return {
        "processes": _chosen(app["workers"], f"{app['server']}_workers", workers, auto.processes),
        "threads": _chosen(app["threads"], f"{app['server']}_threads", threads, auto.threads),
    }


def _chosen(own: int | None, variable: str, value: t.Any, computed: int) -> int:
    """The app's own number, or else what its server's role says in C(variable)."""
    if value == "auto":
        return own or computed
    try:
        number = 0 if isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise AnsibleFilterError(f"{variable} is {show(value)}; expected auto, or a number from 1")
    return own or number


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"sized": sized}
