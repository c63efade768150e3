# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that systemd treats as broken UTF-8. It skips a line of a unit that has one, and does not start a service whose environment has one."""

from __future__ import annotations

import re

#: Surrogates and Unicode's noncharacters: systemd/src/basic/utf8.c, unichar_is_valid.
NONCHARACTERS = re.compile("[\ud800-\udfff\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)) + "]")
