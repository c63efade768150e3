# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, made and checked by OpenSSL."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._certificates.key_pairs import Certificate, CertificateError, inspect, self_sign

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return self_sign(["shop.test", "*.shop.test"], 10)


def openssl(folder: Path, *words: str, key: str = "rsa:2048") -> Pair:
    """A pair of another kind than ``self_sign`` makes."""
    command = ["openssl", "req", "-x509", "-newkey", key, "-nodes", "-subj", "/CN=x", "-days", "9", "-keyout", "key", "-out", "certificate", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "certificate").read_text(), (folder / "key").read_text()


def test_certificate_as_a_client_sees_it(pair: Pair) -> None:
    seen = inspect(*pair)
    assert seen.names == ("shop.test", "*.shop.test")
    assert seen.not_after - seen.not_before == 10 * 86400
    assert 0.99 < seen.life_left() <= 1


@pytest.mark.parametrize(
    ("domain", "covered"),
    [("shop.test", True), ("www.shop.test", True), ("a.www.shop.test", False), ("xshop.test", False), ("blog.test", False)],
)
def test_certificate_covers_its_names_only(pair: Pair, domain: str, covered: bool) -> None:
    assert inspect(*pair).covers(domain) is covered


def test_wildcard_below_a_single_label_covers_nothing() -> None:
    assert not Certificate(("*.test",), 0, 1).covers("shop.test")


def test_expired_certificate_has_no_time_left() -> None:
    now = time.time()
    assert Certificate((), now - 200, now - 100).life_left() == pytest.approx(-1, abs=0.1)
    assert Certificate((), now - 50, now + 50).life_left() == pytest.approx(0.5, abs=0.1)


def expired(folder: Path) -> Pair:
    """A pair whose life ended in 2020."""
    (folder / "ca.conf").write_text(f"[ca]\ndefault_ca=a\n[a]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\npolicy=p\n[p]\n")
    (folder / "index").touch()
    openssl(folder)
    for command in (
        "openssl req -new -key key -subj /CN=x -out request",
        "openssl ca -config ca.conf -selfsign -keyfile key -in request -out certificate -notext -batch -md sha256"
        " -startdate 20200101000000Z -enddate 20200201000000Z",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return (folder / "certificate").read_text(), (folder / "key").read_text()


def test_expired_certificate_is_read_and_recognised(tmp_path: Path) -> None:
    seen = inspect(*expired(tmp_path))
    assert seen.life_left() < 0 and seen.end == "2020-02-01 00:00 UTC"


def test_self_signed_certificate_is_not_an_authority(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "certificate").write_text(pair[0])
    text = subprocess.run(["openssl", "x509", "-in", tmp_path / "certificate", "-noout", "-text"], check=True, capture_output=True, text=True).stdout
    assert "CA:FALSE" in text and "TLS Web Server Authentication" in text and "Certificate Sign" not in text


def test_chain_may_follow_the_certificate_and_not_precede_it(pair: Pair, tmp_path: Path) -> None:
    other = openssl(tmp_path)[0]
    assert inspect(pair[0] + other, pair[1]).names == ("shop.test", "*.shop.test")
    with pytest.raises(CertificateError, match="own certificate must come first"):
        inspect(other + pair[0], pair[1])


def test_text_around_the_certificate_is_ignored(pair: Pair) -> None:
    assert inspect("Subject: Müller\n" + pair[0], pair[1])


def test_unusable_pairs_are_refused(pair: Pair, tmp_path: Path) -> None:
    certificate, key = pair
    weak = openssl(tmp_path, key="rsa:1024")
    rsa = openssl(tmp_path)
    client = openssl(tmp_path, "-addext", "extendedKeyUsage=clientAuth")
    encrypted = subprocess.run(["openssl", "pkey", "-aes128", "-passout", "pass:word"], input=key, check=True, capture_output=True, text=True).stdout
    for given, reason in (
        ((certificate, self_sign(["shop.test"], 10)[1]), "belongs to another certificate"),
        ((certificate, rsa[1]), "belongs to another certificate"),
        ((certificate, encrypted), "has a passphrase"),
        ((certificate, certificate), "tls.key is not a PEM key"),
        ((key, key), "tls.certificate is not a PEM certificate"),
        (("", ""), "tls.certificate is not a PEM certificate"),
        ((certificate.replace("MII", "XII", 1), key), "OpenSSL refuses it"),
        (weak, "too short"),
        (client, "purpose"),
    ):
        with pytest.raises(CertificateError, match=reason):
            inspect(*given)


def test_failure_of_openssl_is_reported() -> None:
    with pytest.raises(CertificateError, match="openssl"):
        self_sign(["shop.test"], -5)


def test_several_certificates_are_trusted_at_once(tmp_path: Path) -> None:
    both = [self_sign([domain], 10)[0] for domain in ("shop.test", f"{'long' * 15}.bank.test")]
    (tmp_path / "trust.pem").write_text("".join(both))
    for text in both:
        (tmp_path / "one.pem").write_text(text)
        said = subprocess.run(["openssl", "verify", "-CAfile", "trust.pem", "one.pem"], cwd=tmp_path, text=True, capture_output=True, check=False)
        assert said.stdout == "one.pem: OK\n", said.stderr
