# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How releases are built on a host: index, certificates, proxies, interpreters."""

from __future__ import annotations

import dataclasses
import os
import platform

from .release_records import ReleaseError

_SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_DEFAULT_INTERPRETER = "/usr/bin/python3"


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options of the module C(release) but for the apps."""

    uv: str | None = None
    index_url: str | None = None
    extra_index_urls: list[str] = dataclasses.field(default_factory=list)
    ca_file: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    wheelhouse: str | None = None
    build_timeout_seconds: int = 1800
    pythons: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def trusted_ca_file(self) -> str | None:
        """The bundle that downloads are checked against; the system's unless another is set."""
        return self.ca_file or (_SYSTEM_CA_FILE if os.path.exists(_SYSTEM_CA_FILE) else None)

    def build_environment(self, cache: str) -> dict[str, str]:
        """What tools see in the sandbox; nothing about indexes or proxies is on a command line.

        :param cache: directory of the app for what may be thrown away.
        """
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": cache,
            "LC_ALL": "C.UTF-8",
            "XDG_CACHE_HOME": cache,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CACHE_DIR": f"{cache}/pip",
            "UV_CACHE_DIR": f"{cache}/uv",
            "UV_COMPILE_BYTECODE": "1",
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if self.trusted_ca_file:
            variables |= dict.fromkeys(_CA_VARIABLES, self.trusted_ca_file)
        if self.index_url:
            variables |= {"PIP_INDEX_URL": self.index_url, "UV_DEFAULT_INDEX": self.index_url}
        if self.extra_index_urls:
            urls = " ".join(self.extra_index_urls)
            variables |= {"PIP_EXTRA_INDEX_URL": urls, "UV_INDEX": urls}
        if self.wheelhouse:
            variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheelhouse}
            variables |= {"UV_NO_INDEX": "1", "UV_FIND_LINKS": self.wheelhouse, "UV_OFFLINE": "1"}
        return variables | {name: str(value) for name, value in self.environment.items()}

    def choose_python(self, wanted: str | None) -> tuple[str, str]:
        """Version and path of an app's interpreter.

        :param wanted: a version such as C(3.12); the distribution's own if None.
        :raises ReleaseError: when the host has none of that version.
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
    """What makes a virtualenv fit: implementation, version, processor, and the distribution whose libraries wheels may load."""
    system = platform.freedesktop_os_release()
    return f"cpython {version} {platform.machine()} {system.get('ID', 'linux')} {system.get('VERSION_ID', '')}".rstrip()


def _numeric(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
