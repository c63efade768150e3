# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handover of ports from the units that hold them to the units of a fileset."""

from __future__ import annotations

import time
import typing as t

from .._host import units
from .._host.commands import CommandError, run

#: How long the new units may try to start, and after how long the previous units must stop at once.
_RELEASE_SECONDS, _PATIENCE_SECONDS = 20.0, 1.0


def in_the_way(names: list[str], own: list[str], states: dict[str, dict[str, str]]) -> list[str]:
    """Those of ``names`` that are on while ``own`` units run, and hold one of their ports, or hold no port at all.

    :param states: of all these units.
    """
    on = [name for name in names if units.is_on(states[name])]
    if not on or not any(units.is_active(states[name]) for name in own):
        return []
    held = units.ports([*on, *own])
    return _on_ports({name: held[name] for name in on}, set().union(*(held[name] for name in own)))


def _on_ports(held: dict[str, set[int]], ports: set[int]) -> list[str]:
    return [name for name, theirs in held.items() if theirs & ports or not theirs]


class PortHandover:
    """Takes ports from those of ``names`` that run or start at boot (the previous units), and gives them to the ``own`` units.

    :param steps: a list to which the commands are appended.
    """

    def __init__(self, names: list[str], own: list[str], steps: list[str]) -> None:
        self._own, self._steps = own, steps
        self._own_are_new = not any(map(units.is_active, units.states(own).values()))
        found = units.states(names)
        self._held = units.ports([name for name, state in found.items() if units.is_on(state)])
        self._stopped: list[str] = []

    def take_ports(self, bring_up: t.Callable[[], None]) -> None:
        """Start the own units beside the previous ones on the same ports, then stop the previous ones. If they do not share their ports, stop them first.

        :raises CommandError: if the own units do not start.
        """
        try:
            bring_up()
        except CommandError as error:
            taken = units.taken_ports(str(error))
            if not taken or not self._release(taken):
                raise
            self._retry_until_released(bring_up)
        else:
            if self._held:
                self._release(set().union(*units.ports(self._own).values()))

    def undo(self) -> list[str]:
        """Undo :meth:`take_ports`. Returns the names of the units that hold the ports again, while the own units are stopped."""
        gives_way = [name for name, held in self._held.items() if held and self._own_are_new]
        if gives_way:
            run(["systemctl", "disable", "--now", "--quiet", *self._own], check=False)
        self.start_previous()
        return gives_way

    def start_previous(self) -> None:
        """Start the previous units that were stopped."""
        if self._stopped:
            run(["systemctl", "enable", "--now", "--quiet", *self._stopped], check=False)

    def _release(self, ports: set[int]) -> bool:
        """Make the previous units on these ports release them, and stop after their requests. Returns whether there are any."""
        self._stopped = _on_ports(self._held, ports)
        if self._stopped:
            self._steps.append(f"systemctl disable --now {' '.join(self._stopped)}")
            units.systemctl("disable", "--now", "--no-block", "--quiet", *self._stopped)
        return bool(self._stopped)

    def _retry_until_released(self, bring_up: t.Callable[[], None]) -> None:
        """Start the own units as soon as the previous units, which did not share their ports, are gone."""
        begin = time.monotonic()
        while True:
            run(["systemctl", "reset-failed", *self._own], check=False)
            try:
                return bring_up()
            except CommandError:
                waited = time.monotonic() - begin
                if waited > _RELEASE_SECONDS:
                    raise
                if waited > _PATIENCE_SECONDS:
                    run(["systemctl", "kill", "--signal=SIGTERM", *self._stopped], check=False)
                time.sleep(0.1)
