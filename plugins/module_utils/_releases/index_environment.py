# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables that tell pip, uv, git and builds where packages come from and which authorities to trust. Nothing is on a command line."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class InsecureIndexError(ValueError):
    """Packages would come over plain HTTP, where anybody on the way can change them."""


def index_environment(
    index_url: str | None = None,
    extra_index_urls: t.Sequence[str] = (),
    wheelhouse: str | None = None,
    ca_file: str | None = None,
    environment: dict[str, t.Any] | None = None,
    insecure: bool = False,
) -> dict[str, str]:
    """The variables by name.

    :param index_url: the package index in place of PyPI.
    :param extra_index_urls: additional indexes.
    :param wheelhouse: a directory with distributions; then no index is asked.
    :param ca_file: certificate bundle; the system's unless given.
    :param environment: additional variables, which override the others.
    :param insecure: accept addresses that begin with http://.
    :raises InsecureIndexError: if there is such an address and it is not accepted.
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
    variables |= {name: str(value) for name, value in (environment or {}).items()}
    open_urls = {name: found for name, value in variables.items() if re.match(r"(PIP|UV)_", name) and (found := re.findall(r"http://[^\s,]+", value))}
    if open_urls and not insecure:
        raise InsecureIndexError(
            f"packages would come over http://, where anybody on the way can change them ({', '.join(sorted(open_urls))}); use https in python_index_url, "
            "python_extra_index_urls and python_environment, or accept that with python_insecure_index: true"
        )
    hosts = sorted({urllib.parse.urlsplit(url).netloc.rpartition("@")[2] for found in open_urls.values() for url in found})
    # uv accepts http://; pip skips such an index unless its host is trusted.
    return {"PIP_TRUSTED_HOST": " ".join(hosts), **variables} if hosts else variables
