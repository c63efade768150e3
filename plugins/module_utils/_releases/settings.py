# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of builds on a host: index, certificates, proxies, interpreters."""

from __future__ import annotations

import dataclasses
import os
import platform

from .index_environment import SYSTEM_CA_FILE, InsecureIndexError, index_environment
from .records import ReleaseError

_DEFAULT_INTERPRETER = "/usr/bin/python3"


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options of the module C(release), without the apps."""

    uv: str | None = None
    index_url: str | None = None
    extra_index_urls: list[str] = dataclasses.field(default_factory=list)
    ca_file: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    wheelhouse: str | None = None
    build_timeout_seconds: int = 1800
    build_memory_max_mb: int = 0
    build_tasks_max: int = 1024
    insecure_index: bool = False
    pythons: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def trusted_ca_file(self) -> str:
        """The certificate bundle for downloads; the system's unless another is set."""
        return self.ca_file or SYSTEM_CA_FILE

    @property
    def given_environment(self) -> dict[str, str]:
        """The variables about indexes, proxies and authorities for build steps, credentials included.

        :raises ReleaseError: if packages would come over plain HTTP, and the user has not accepted that.
        """
        try:
            return index_environment(self.index_url, self.extra_index_urls, self.wheelhouse, self.ca_file, self.environment, self.insecure_index)
        except InsecureIndexError as error:
            raise ReleaseError(str(error)) from error

    def choose_python(self, wanted: str | None) -> tuple[str, str]:
        """The version and path of an app's interpreter.

        :param wanted: a version such as C(3.12); None for the distribution's.
        :raises ReleaseError: if the host has no interpreter of that version.
        """
        if wanted is None:
            own = os.path.realpath(_DEFAULT_INTERPRETER)
            wanted = next((version for version, path in self.pythons.items() if os.path.realpath(path) == own), None)
            wanted = wanted or max(self.pythons, key=_numeric, default=None)
        if wanted in self.pythons:
            return wanted, self.pythons[wanted]
        there = ", ".join(sorted(self.pythons, key=_numeric)) or "none"
        raise ReleaseError(
            f"python is {wanted!r} and this host has no such interpreter; it has {there}. Name one of these, leave python out for the "
            f"distribution's own, or put one at /opt/python{wanted or '3.x'}/bin/python{wanted or '3.x'} or /usr/local/bin"
        )


def python_identity(version: str) -> str:
    """What a virtualenv depends on: implementation, version, processor, and the distribution whose libraries wheels may load."""
    system = platform.freedesktop_os_release()
    return f"cpython {version} {platform.machine()} {system.get('ID', 'linux')} {system.get('VERSION_ID', '')}".rstrip()


def _numeric(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
