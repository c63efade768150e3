# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser with a cookie jar, for a host with the names of many sites."""

from __future__ import annotations

import html.parser
from typing import Any

import httpx


class _Routed(httpx.HTTPTransport):
    """Leads every name to one address."""

    def __init__(self, address: str) -> None:
        super().__init__(verify=False)
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        url = request.url.copy_with(host=self._address)
        return super().handle_request(httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions))


class _Inputs(html.parser.HTMLParser):
    """The fields of a page that have a value already, such as tokens against forged requests."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") and given.get("type") in (None, "hidden", "text", "number"):
            self.values[given["name"] or ""] = given.get("value") or ""


class Browser(httpx.Client):
    """A visitor of one site.

    :param address: of the host.
    :param site: name of the site.
    """

    def __init__(self, address: str, site: str) -> None:
        super().__init__(base_url=f"https://{site}", transport=_Routed(address), timeout=60, follow_redirects=True)
        self.site = f"https://{site}"

    def submit(self, path: str, **fields: Any) -> httpx.Response:
        """Fill in the form of a page, and send it there."""
        page = self.get(path)
        page.raise_for_status()
        found = _Inputs()
        found.feed(page.text)
        answer = self.post(path, data={**found.values, **fields}, headers={"Referer": f"{self.site}{path}"})
        answer.raise_for_status()
        return answer
