# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get certificates from an ACME certification authority with certbot, after a check whether it can work."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import errno
import http.client
import os
import re
import secrets
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from .._host.commands import CommandError, run, tail
from .._host.errors import HostError
from .._host.path_state import PathState, write_path

#: certbot's authenticator for a file on port 80.
HTTP = "webroot"
HTTP_PORT = 80  # the port to which the authority connects
CHALLENGES = "/.well-known/acme-challenge/"
_PROBE_TIMEOUT_SECONDS = 10
_CERTBOT_TIMEOUT_SECONDS = 300
_TRIES = 5

# Errors that pass by themselves: a nonce that was used up, or the renewal timer running at this moment.
_TRANSIENT = ("badNonce", "Another instance of Certbot is already running")

# What to do, by the type of an ACME error or by certbot's message.
_WAYS_OUT = {
    "rateLimited": "The authority limits the number of certificates: wait until the time that it names, and use tls_staging for tests",
    "caa": "A CAA record of the domain forbids this authority: add it there, or choose another one in tls_acme_directory",
    "rejectedIdentifier": "The authority issues no certificate for such a name: correct domains, or use another issuer in tls",
    "invalidContact": "Correct tls_email",
    "unsupportedContact": "Correct tls_email",
    "Certificate Authority failed to verify the DNS TXT records": "DNS may need longer to publish the record: raise tls_dns_propagation_seconds",
    "Unable to determine base domain": "The credentials in tls_dns_credentials have no access to the domain's zone: check which account they belong to",
    "error adding TXT record": "Check tls_dns_credentials, and that they may change TXT records of the zone",
    "Error communicating with": "Check tls_dns_credentials, and that they may change the zone",
    "Certificate Authority failed to download": "Check that the A and AAAA records of the domain lead to this host, and that port 80 is open all the way",
    "CERTIFICATE_VERIFY_FAILED": "The certificate of the authority's own server is not trusted: give the CA that signed it in tls_acme_ca_file",
    "ConnectionError": "The authority cannot be reached: check that the host may connect to {url} (firewall, DNS, proxy), then run again",
    "Timeout": "The authority does not answer: check that the host may connect to {url} (firewall, DNS, proxy), then run again",
}


class AcmeError(HostError):
    """No certificate was issued. The text says why, and what to do."""


class AccountGone(AcmeError):
    """The authority no longer knows our account."""


# --- the probe ----------------------------------------------------------------------------------------------------------


def probe(domains: t.Iterable[str], webroot: str) -> dict[str, str]:
    """Fetch a test file from the challenge path of every domain, as the authority will.

    :param webroot: the directory below which the proxy serves the challenge path.
    :returns: for each domain without the right answer: what was tried, what came back and what to do.
    """
    name, body = f"flaskyard-{secrets.token_hex(8)}", secrets.token_hex(16)
    path = os.path.join(webroot, CHALLENGES.strip("/"), name)
    write_path(path, PathState("file", body.encode(), mode=0o644))
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            ordered = list(domains)
            reasons = pool.map(lambda domain: _probe_domain(domain, CHALLENGES + name, body), ordered)
            return {domain: reason for domain, reason in zip(ordered, reasons, strict=True) if reason}
    finally:
        os.unlink(path)


def _probe_domain(domain: str, path: str, body: str) -> str | None:
    """Try every address of a domain; the authority may use any of them."""
    try:
        answers = socket.getaddrinfo(domain, HTTP_PORT, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return f"its name has no address ({error.strerror}). Create an A or AAAA record that leads to this host"
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    reasons = []
    unreachable = 0
    for address in addresses:
        try:
            came = _get(domain, address, path)
        except OSError as error:
            if error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
                unreachable += 1  # this host may have no IPv6 while the authority has, so nothing is known
                continue
            reasons.append(
                f"{address} port {HTTP_PORT}: {error.strerror or error}. Check that the proxy runs, that the firewall lets port 80 in, and that the "
                "address is this host's"
            )
        except http.client.HTTPException as error:
            reasons.append(f"{address} port {HTTP_PORT} does not speak HTTP ({type(error).__name__}). Check which program listens there")
        else:
            if came.body != body:
                reasons.append(
                    f"{address} port {HTTP_PORT} answered {came.status} ({came.server}) in place of our file. Either the address is another host's, "
                    f"or the proxy there does not serve {CHALLENGES} for {domain}"
                )
    if unreachable == len(addresses):
        reasons.append(f"this host has no route to {', '.join(addresses)}")
    return "; ".join(reasons) or None


@dataclasses.dataclass(frozen=True)
class _Answer:
    status: int
    server: str
    body: str


def _get(domain: str, address: str, path: str) -> _Answer:
    """One request to one address. It follows all redirects, as the authority does."""
    connection = http.client.HTTPConnection(address, HTTP_PORT, timeout=_PROBE_TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": domain, "User-Agent": "flaskyard", "Connection": "close"})
        response = connection.getresponse()
        location = response.getheader("Location")
        if response.status in (301, 302, 303, 307, 308) and location:
            return _follow(urllib.parse.urljoin(f"http://{domain}{path}", location))
        return _answer(response.status, response.getheader("Server"), response.read(1024))


def _follow(url: str) -> _Answer:
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified))
    try:
        with opener.open(url, timeout=_PROBE_TIMEOUT_SECONDS) as response:
            return _answer(response.status, response.headers["Server"], response.read(1024))
    except urllib.error.HTTPError as error:
        return _answer(error.code, error.headers["Server"], b"")
    except urllib.error.URLError as error:
        raise OSError(None, f"redirects to {url}, and there: {error.reason}") from error


def _answer(status: int, server: str | None, body: bytes) -> _Answer:
    return _Answer(status, server or "unnamed server", body.decode("ascii", "replace"))


# --- certbot ------------------------------------------------------------------------------------------------------------


def issue(certbot: list[str], app: str, domains: list[str], solver: list[str], url: str) -> None:
    """Get a certificate now, whatever certbot has already.

    :param certbot: the program with its usual options.
    :param solver: the options for the challenge.
    :param url: the authority's directory, for messages.
    :raises AccountGone: if certbot's account is no longer valid.
    :raises AcmeError: with certbot's message, and what to do.
    """
    command = [
        *certbot, "certonly", "--cert-name", app, *solver, "--force-renewal", "--renew-with-new-domains",
        "--no-directory-hooks", *(word for domain in domains for word in ("--domain", domain)),
    ]  # fmt: skip
    for attempt in range(1, _TRIES + 1):
        try:
            done = run(command, timeout=_CERTBOT_TIMEOUT_SECONDS, check=False)
        except CommandError as error:
            raise AcmeError(str(error)) from error
        if done.returncode == 0:
            return
        said = done.stdout + done.stderr
        signs = said + _error_type(said)
        if "accountDoesNotExist" in signs:
            raise AccountGone(_explain(said, signs, url))
        if attempt == _TRIES or not any(sign in signs for sign in _TRANSIENT):
            raise AcmeError(_explain(said, signs, url))
        time.sleep(attempt)


def _log(said: str) -> str:
    """The path of this run's log."""
    named = re.search(r"^Saving debug log to (.+)$", said, re.MULTILINE)
    return named[1] if named else ""


def _error_type(said: str) -> str:
    """The type of the ACME error that ended this run. certbot writes it only to its log."""
    try:
        with open(_log(said), encoding="utf-8", errors="replace") as handle:
            return (re.findall(r"urn:ietf:params:acme:error:(\w+)", handle.read()) or [""])[-1]
    except OSError:
        return ""


def _explain(said: str, signs: str, url: str) -> str:
    noise = ("Saving debug log", "Ask for help", "Requesting a certificate", "Account registered", "Renewing an existing", "Some challenges have failed")
    reason = "\n".join(line for line in said.splitlines() if line.strip() and not line.startswith(noise))
    way_out = next((way for sign, way in _WAYS_OUT.items() if sign in signs), "certbot's message is all that is known")
    log = f"\ncertbot's log has more: {_log(said)}" if _log(said) else ""
    return f"{tail(reason, 15)}\n{way_out.format(url=url)}{log}"
