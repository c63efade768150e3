# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Debian packages a failed compilation needs, found in the output of compilers and build scripts."""

from __future__ import annotations

import re

#: What every C extension needs.
BASE = ("build-essential", "python3-dev")
#: The output of a failed compilation, and the Debian packages that are missing then. The names hold for Debian 12 and 13.
_WANTED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"Python\.h: No such file|unable to execute '?\S*g?cc|command '\S*gcc' failed: No such file|No such file or directory: '\S*g?cc'|'cc'"
        r"|you need a C compiler|Unknown compiler\(s\)",
        (),
    ),
    (r"pg_config (executable )?(is )?(not found|required)|libpq-fe\.h", ("libpq-dev",)),
    (
        r"Specify MYSQLCLIENT_CFLAGS|mysql_config: (command )?not found|mysql\.h: No such|Can not find valid pkg-config name",
        ("default-libmysqlclient-dev", "pkg-config"),
    ),
    (r"(lber|ldap)\.h: No such|sasl/sasl\.h|-lldap", ("libldap-dev", "libsasl2-dev")),
    (r"libxml2 and libxslt development packages|libxml/\S+\.h: No such|xslt-config", ("libxml2-dev", "libxslt1-dev")),
    (r"RequiredDependencyException: (jpeg|zlib)|headers or library files could not be found for (jpeg|zlib)", ("libjpeg-dev", "zlib1g-dev")),
    (r"Dependency \"?cairo\"? not found|cairo\.h: No such|Package '?cairo'?,? .*not found", ("libcairo2-dev", "pkg-config")),
    (r"xmlsec1?\b.*(not found|not installed|No package)|Unable to invoke pkg-config|xmlsec/\S+\.h: No such", ("libxmlsec1-dev", "pkg-config")),
    (
        r"(pkg-config|pkgconf): (command )?not found|No such file or directory: '?pkg-config|[Pp]kg-config .* not found: NO|Did not find pkg-config",
        ("pkg-config",),
    ),
    (r"ffi\.h: No such", ("libffi-dev",)),
    (r"openssl/\S+\.h: No such", ("libssl-dev",)),
    (r"sql\.h: No such", ("unixodbc-dev",)),
    (r"curl-config|curl/curl\.h: No such", ("libcurl4-openssl-dev", "libssl-dev")),
    (r"krb5-config|gssapi/\S+\.h: No such", ("libkrb5-dev",)),
    (r"rdkafka\.h: No such", ("librdkafka-dev",)),
    (r"gdal-config", ("libgdal-dev",)),
    (r"geos_c\.h: No such|geos-config", ("libgeos-dev",)),
    (r"[Cc]argo.*(not found|not installed|is not on PATH)|can't find Rust compiler|rustc.*not found", ("cargo",)),
    (r"CMake must be installed|No such file or directory: '?cmake|cmake: (command )?not found", ("cmake",)),
)


def wanted(printed: str) -> list[str]:
    """The packages that the compilation needs; empty if nothing is recognised.

    >>> wanted("Error: pg_config executable not found.")
    ['build-essential', 'libpq-dev', 'python3-dev']
    """
    found = [packages for pattern, packages in _WANTED if re.search(pattern, printed)]
    return sorted({*BASE, *(name for packages in found for name in packages)}) if found else []


def advice(printed: str) -> str:
    """What to do about a failed compilation; empty if nothing is recognised."""
    names = wanted(printed)
    return f"a package must be compiled, and this host lacks the tools; set build_packages: [{', '.join(names)}]" if names else ""
