# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that the messages of compilers ask for."""

from __future__ import annotations

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.compilers import advice, wanted


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("fatal error: Python.h: No such file or directory", []),
        ("error: command 'gcc' failed: No such file or directory", []),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory", []),
        ("error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'", []),
        ("you need a C compiler to build uWSGI", []),
        ("Error: pg_config executable not found.\n\npg_config is required to build psycopg2 from source.", ["libpq-dev"]),
        (
            "Exception: Can not find valid pkg-config name.\nSpecify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually",
            ["default-libmysqlclient-dev", "pkg-config"],
        ),
        ("Modules/common.h:15:10: fatal error: lber.h: No such file or directory", ["libldap-dev", "libsasl2-dev"]),
        ("Error: Please make sure the libxml2 and libxslt development packages are installed.", ["libxml2-dev", "libxslt1-dev"]),
        ("The headers or library files could not be found for jpeg,\na required dependency when compiling Pillow from source.", ["libjpeg-dev", "zlib1g-dev"]),
        ('../cairo/meson.build:31:12: ERROR: Dependency "cairo" not found, tried pkgconfig and cmake', ["libcairo2-dev", "pkg-config"]),
        ("pkgconfig.pkgconfig.PackageNotFoundError: xmlsec1 not found", ["libxmlsec1-dev", "pkg-config"]),
    ],
)
def test_packages_for_a_compilation(printed: str, names: list[str]) -> None:
    assert wanted(printed) == sorted(["build-essential", "python3-dev", *names])
    assert advice(printed).endswith(f"set build_packages: [{', '.join(wanted(printed))}]")


def test_unknown_error_gives_no_advice() -> None:
    assert advice("SyntaxError: invalid syntax") == ""
