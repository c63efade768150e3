# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pip, uv, git and builds are told where packages come from and whom to trust: by their environment, never on a command line."""

from __future__ import annotations

import typing as t

SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def index_environment(
    index_url: str | None = None,
    extra_index_urls: t.Sequence[str] = (),
    wheelhouse: str | None = None,
    ca_file: str | None = None,
    environment: dict[str, t.Any] | None = None,
) -> dict[str, str]:
    """Variables by name.

    :param index_url: the package index in place of PyPI.
    :param extra_index_urls: further indexes.
    :param wheelhouse: a directory with distributions; no index is asked then.
    :param ca_file: bundle of authorities, the system's unless given.
    :param environment: further variables, which win.
    """
    variables = dict.fromkeys(_CA_VARIABLES, ca_file or SYSTEM_CA_FILE)
    if index_url:
        variables |= {"PIP_INDEX_URL": index_url, "UV_DEFAULT_INDEX": index_url}
    if extra_index_urls:
        urls = " ".join(extra_index_urls)
        variables |= {"PIP_EXTRA_INDEX_URL": urls, "UV_INDEX": urls}
    if wheelhouse:
        variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheelhouse}
        variables |= {"UV_NO_INDEX": "1", "UV_FIND_LINKS": wheelhouse, "UV_OFFLINE": "1"}
    return variables | {name: str(value) for name, value in (environment or {}).items()}
