# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which slot of an app is current: the one that the proxy reaches, now and after a boot.

This is recorded twice, because /run is empty after a boot: as the link C(current.sock), and as a line of tmpfiles.d that makes the link again.
The new slot is enabled before the link moves, and the old one disabled after it. So after a crash in between, the host boots into a slot that
has passed its gate.
"""

from __future__ import annotations

import os
import typing as t

from .._host.path_state import ABSENT, PathState, read_path, write_path


class Links:
    """The links of one app.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._own: str = app["paths"]["socket"]
        self._release: str = app["paths"]["current"]
        self._record = f"/etc/tmpfiles.d/{app['unit']}@current.conf"

    def all(self) -> dict[str, str]:
        """Slots by the path of their link. There is one link for each protocol: see C(Slots.retire_old)."""
        lines = [line.split() for line in read_path(self._record).text.splitlines() if line.startswith("L+ ")]
        recorded = {self._own: "", **{words[1]: words[-1] for words in lines}}
        found = {path: read_path(path).target or target for path, target in recorded.items()}
        return {path: target.removesuffix(".sock") for path, target in found.items() if target}

    def current(self) -> str | None:
        """The name of the slot that the proxy reaches."""
        links = self.all()
        return links.get(self._own) or next(iter(links.values()), None)

    def retained(self) -> dict[str, str]:
        """The links of other protocols with their slots. The proxy uses them until its configuration has changed."""
        return {path: slot for path, slot in self.all().items() if path != self._own}

    def with_current(self, slot: str) -> dict[str, str]:
        """The links with this slot as the current one."""
        return {**self.all(), self._own: slot}

    def point(self, links: dict[str, str]) -> None:
        """Set exactly these links, now and after a boot."""
        for path in {*self.all(), *links}:
            write_path(path, PathState("link", target=f"{links[path]}.sock") if path in links else ABSENT)
        write_path(self._record, PathState("file", content=_record_text(links).encode(), mode=0o644) if links else ABSENT)

    def differences(self, release: str) -> list[str]:
        """What is wrong with the links if the current slot runs this release, in words."""
        links = self.all()
        notes = [f"{path} was missing" for path, slot in links.items() if read_path(path).target != f"{slot}.sock"]
        if read_path(self._record).text != _record_text(links):
            notes.append(f"{self._record} was not about the current slot")
        if os.path.basename(self.release()) != release:
            notes.append(f"{self._release} was {self.release() or 'missing'}, not releases/{release}")
        return notes

    def release(self) -> str:
        """The target of the link to the serving release; empty if there is none."""
        return read_path(self._release).target

    def serving_release(self, releases: str) -> dict[str, str]:
        """C(id) and C(dir) of the serving release, for runs that prepare no releases; empty if none serves.

        :param releases: the folder of all releases.
        """
        identity = os.path.basename(self.release())
        return {"id": identity, "dir": f"{releases}/{identity}"} if identity else {}

    def point_release(self, target: str) -> None:
        """Point the link to C(releases/<id>), or remove it if the target is empty."""
        write_path(self._release, PathState("link", target=target) if target else ABSENT)


def _record_text(links: dict[str, str]) -> str:
    lines = [f"L+ {path} - - - - {slot}.sock\n" for path, slot in sorted(links.items())]
    return "".join(["# Which slot is current; written at each switch.\n", *lines])
