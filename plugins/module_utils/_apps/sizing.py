# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processes and threads an app gets. It depends on the host's cores and memory, and on what the app's requests spend their time on.

=========  ====================  =====================  ==============================================================================
workload   processes             threads of each        because
=========  ====================  =====================  ==============================================================================
cpu        cores + 1             1                      each keeps a core busy; one more works while another waits for its client
mixed      2 x cores + 1         1                      gunicorn's advice for workers that wait about half of their time
io         2 x cores + 1         8                      a thread that waits for a database or another service costs little memory
sessions   1                     100                    clients must return to the process that knows them, and a WebSocket holds a thread
=========  ====================  =====================  ==============================================================================

A server with only one process gets threads instead: C(cpu) 4, which is waitress's default; C(mixed) 4 and C(io) 16 for each core. Python runs one
thread of a process at a time, so more would only wait for each other. A server without threads gets more processes: C(io) 4 x cores + 1.
All apps together get no more processes than fit into half of the host's memory.
"""

from __future__ import annotations

import dataclasses

from .providers import SERVERS


@dataclasses.dataclass(frozen=True)
class Size:
    """The number of processes, and of threads in each."""

    processes: int
    threads: int


def size(server: str, workload: str, cores: int, memory_mb: int, apps: int = 1, process_mb: int = 128) -> Size:
    """The size of an app that does not declare one.

    :param server: a name of C(SERVERS).
    :param workload: C(cpu), C(io), C(mixed) or C(sessions).
    :param cores: of the host.
    :param memory_mb: of the host, in MiB.
    :param apps: the number of apps on the host.
    :param process_mb: what one process is expected to use, in MiB.
    """
    kind = SERVERS[server]
    if workload == "sessions":
        return Size(1, 100)
    if not kind.processes:
        return Size(1, {"cpu": 4, "mixed": 4 * cores, "io": 16 * cores}[workload])
    processes = {"cpu": cores + 1, "mixed": 2 * cores + 1, "io": 2 * cores + 1 if kind.threads else 4 * cores + 1}[workload]
    room = memory_mb // 2 // process_mb // max(apps, 1)
    return Size(max(1, min(processes, room)), 8 if workload == "io" and kind.threads else 1)
