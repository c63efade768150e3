# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processes and threads an app gets: from the host's cores and memory, and from what its requests spend their time on.

=========  ====================  =====================  ==============================================================================
workload   processes             threads of each        because
=========  ====================  =====================  ==============================================================================
cpu        cores + 1             1                      each keeps a core busy; one more works while another waits for its client
mixed      2 x cores + 1         1                      gunicorn's advice for workers that wait about half of their time
io         2 x cores + 1         8                      a thread that waits for a database or another service costs little memory
sessions   1                     100                    clients have to come back to the process that knows them, and a WebSocket holds a thread
=========  ====================  =====================  ==============================================================================

Python runs one thread of a process at a time, so a server of one process gets its share in threads (C(cpu) 4, which is waitress's
own default, as more would only wait for each other; C(mixed) 4 and C(io) 16 for each core), and one without threads gets
processes (C(io) 4 x cores + 1). No more processes than fit into half of the host's memory, shared by its apps.
"""

from __future__ import annotations

import dataclasses

from .providers import SERVERS


@dataclasses.dataclass(frozen=True)
class Size:
    """Processes, and threads of each of them."""

    processes: int
    threads: int


def size(server: str, workload: str, cores: int, memory_mb: int, apps: int = 1, process_mb: int = 128) -> Size:
    """What an app gets that does not say how many it wants.

    :param server: a name of C(SERVERS).
    :param workload: C(cpu), C(io), C(mixed) or C(sessions).
    :param cores: of the host.
    :param memory_mb: of the host, in MiB.
    :param apps: how many share the host.
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
