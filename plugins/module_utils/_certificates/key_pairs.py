# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates with their keys: read them as a TLS client does, and make self-signed ones."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import socket
import ssl
import tempfile
import time
import typing as t

from .._host.commands import CommandError, run
from .._host.errors import HostError

_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, for which the module ssl has no name

_OTHER_KEY = "the private key belongs to another certificate (in a chain, the server's own certificate must come first)"
_REASONS = {
    "KEY_VALUES_MISMATCH": _OTHER_KEY,
    "NO_CERTIFICATE_ASSIGNED": _OTHER_KEY,  # OpenSSL's error if even the kinds of key differ
    "EE_KEY_TOO_SMALL": "the key is too short to be safe; make one with RSA 2048 or EC P-256 and have it signed",
    "CA_MD_TOO_WEAK": "it is signed with a hash that is no longer safe; have it signed again with SHA-256",
}


class CertificateError(HostError):
    """A certificate and its key cannot be used."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate as clients see it. Times are seconds since the epoch."""

    names: tuple[str, ...]
    not_before: float
    not_after: float

    def covers(self, domain: str) -> bool:
        """Whether a client that asks for ``domain`` accepts the names. A wildcard matches one label, above at least two others."""
        dummy, dummy, parent = domain.partition(".")
        return domain in self.names or ("." in parent and f"*.{parent}" in self.names)

    def life_left(self) -> float:
        """The fraction of its life that is left; 0 or less if it has expired."""
        return (self.not_after - time.time()) / (self.not_after - self.not_before)

    @property
    def end(self) -> str:
        """The end of its life, for people to read."""
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.not_after))


@functools.cache
def inspect(certificate: str, key: str) -> Certificate:
    """Serve a certificate to ourselves, in memory, and return what the client saw.

    So the library that will serve the pair also checks it: key and certificate belong together, are strong enough, and are
    for servers. The caller checks the expiry.

    :param certificate: PEM text, the server's own certificate first, then its chain.
    :param key: PEM text of the private key, without a passphrase.
    :raises CertificateError: with the reason if it cannot be served.
    """
    own = _PEM_CERTIFICATE.search(certificate)
    if not own:
        raise CertificateError("tls.certificate is not a PEM certificate (no '-----BEGIN CERTIFICATE-----' line found)")
    if "PRIVATE KEY-----" not in key:
        raise CertificateError("tls.key is not a PEM key (no '-----BEGIN PRIVATE KEY-----' line found)")
    if "ENCRYPTED" in key:
        raise CertificateError("the key has a passphrase, which nobody could type when the proxy starts; remove it with: openssl pkey")
    try:
        seen = _handshake(certificate, key, own[0])
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", None) or error.reason
        raise CertificateError(_REASONS.get(str(reason), f"OpenSSL refuses it: {reason or 'a damaged PEM block'}")) from error
    names = tuple(str(value) for _kind, value in seen.get("subjectAltName", ()))
    return Certificate(names, ssl.cert_time_to_seconds(seen["notBefore"]), ssl.cert_time_to_seconds(seen["notAfter"]))


def _handshake(certificate: str, key: str, own: str) -> t.Any:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _memory_file(certificate) as certificate_file, _memory_file(key) as key_file:
        server.load_cert_chain(_path(certificate_file), _path(key_file), password="")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    client.load_verify_locations(cadata=own)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True))
    for end in ends * 2:  # hello, answer, client's end, server's end
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return ends[0].getpeercert() or {}


def _memory_file(text: str) -> t.IO[str]:
    """A file in memory, so that no key is written to a disk for a check."""
    file = os.fdopen(os.memfd_create("flaskyard"), "w+")
    file.write(text)
    file.flush()
    return file


def _path(file: t.IO[str]) -> str:
    return f"/proc/self/fd/{file.fileno()}"


def is_served(certificate: str, domain: str) -> bool | None:
    """Whether port 443 of this host serves this certificate (PEM text) for a domain; None if nothing listens there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", 443), timeout=5) as plain, context.wrap_socket(plain, server_hostname=domain) as secure:
            seen = secure.getpeercert(binary_form=True)
    except ssl.SSLError:
        return False
    except OSError:
        return None
    own = _PEM_CERTIFICATE.search(certificate)
    return own is not None and seen == ssl.PEM_cert_to_DER_cert(own[0])


def self_sign(domains: list[str], days: int) -> tuple[str, str]:
    """Make a self-signed certificate.

    It is not a CA, so a client that trusts it trusts only these names. Its subject is unique: of several certificates
    with the same subject, some clients find only the first. A common name has at most 64 characters (RFC 5280, ub-common-name).

    :returns: certificate and key as PEM text.
    :raises CertificateError: with openssl's message.
    """
    with tempfile.TemporaryDirectory(prefix="flaskyard-") as folder:
        certificate, key = os.path.join(folder, "certificate"), os.path.join(folder, "key")
        extensions = [
            f"subjectAltName={','.join(f'DNS:{domain}' for domain in domains)}",
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
        ]
        try:
            run([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256",
                "-days", str(days), "-subj", f"/O=self-signed/CN={domains[0][:64]}", "-config", "/dev/null", "-keyout", key, "-out", certificate,
                *(word for extension in extensions for word in ("-addext", extension)),
            ])  # fmt: skip
        except CommandError as error:
            raise CertificateError(str(error)) from error
        with open(certificate, encoding="ascii") as certificate_file, open(key, encoding="ascii") as key_file:
            return certificate_file.read(), key_file.read()
