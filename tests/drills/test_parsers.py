# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs read from their configuration files exactly what was written: systemd, the app, gunicorn, nginx."""

from __future__ import annotations

import json
import shlex

from ansible_collections.flaskyard.server.plugins.module_utils._apps.calendar import is_calendar
from ansible_collections.flaskyard.server.plugins.module_utils._apps.characters import NONCHARACTERS
from ansible_collections.flaskyard.server.plugins.module_utils._apps.command_line import parse_command, unit_command
from ansible_collections.flaskyard.server.plugins.module_utils._host.environment_file import environment_file
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .harness import Server

#: Characters with a meaning in some format, more often than by chance.
SPECIAL = st.sampled_from(
    [*"\"'`$%#\\;{}()<>|&!*?~=[]:@^, \t\n\r\x01\x1b\x7fäß€日🜁\u2028\u202e\ufeff", "\\n", "\\\n", "$(id)", "${PATH}", "%n", "%%", '\\"', "\n[Service]\n"]
)
VALUES = st.lists(st.one_of(SPECIAL, st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=40).map("".join)
VALUES = VALUES.filter(lambda value: not NONCHARACTERS.search(value))  # refused
#: One process on the host checks many values. The first text that systemd reads wrongly is shown.
BATCHES = st.lists(VALUES, min_size=40, max_size=80).map(lambda values: {f"FY_{number}": value for number, value in enumerate(values)})

DUMP = "import json, os; print(json.dumps({name: value for name, value in os.environ.items() if name.startswith('FY_')}))"


def test_systemd_reads_every_value_exactly(server: Server) -> None:
    @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(BATCHES)
    def arrives(variables: dict[str, str]) -> None:
        text = json.dumps(environment_file(variables))
        shown = server.host.sh(f"""
            python3 -c 'import json, sys; open("/run/parsers.env", "w", newline="").write(json.loads(sys.stdin.read()))' <<'END'
{text}
END
            systemd-run --quiet --pipe --wait --collect -p EnvironmentFile=/run/parsers.env /usr/bin/python3 -c {DUMP!r} </dev/null""")
        assert json.loads(shown) == variables

    arrives()


#: Arguments without control characters, which are refused.
ARGUMENTS = st.lists(
    st.lists(st.one_of(SPECIAL.filter(str.isprintable), st.characters(exclude_categories=["Cs", "Cc", "Cn"]))).map("".join), min_size=1, max_size=30
)
SHOW = "import json, sys; print(json.dumps(sys.argv[1:]))"


def test_process_gets_exactly_the_arguments_of_its_command(server: Server) -> None:
    """As systemd reads them from the unit of a process, and as they reach a command that runs once."""

    @settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(ARGUMENTS)
    def arrives(arguments: list[str]) -> None:
        line = "flask " + shlex.join(arguments)
        words = ["/usr/bin/python3", "-c", SHOW, *parse_command(line)[1:]]
        unit = "\n".join(["[Service]", "Type=oneshot", f"ExecStart=/usr/bin/env -- {unit_command(words)}", "StandardOutput=file:/run/parsers.out", ""])
        once = shlex.join(word.replace("$", "$$") for word in words)
        shown = server.host.sh(f"""
            python3 -c 'import json, sys; open("/etc/systemd/system/parsers.service", "w").write(json.loads(sys.stdin.read()))' <<'END'
{json.dumps(unit)}
END
            rm -f /run/parsers.out; systemctl daemon-reload; systemctl start parsers; cat /run/parsers.out
            systemd-run --quiet --pipe --wait --collect -- /usr/bin/env -- {once} </dev/null""")
        assert [json.loads(text) for text in shown.splitlines()] == [arguments, arguments]

    arrives()


_NUMBERS = st.lists(
    st.one_of(st.just("*"), st.integers(0, 33).map(str), st.tuples(st.integers(0, 33), st.integers(0, 33)).map(lambda pair: f"{pair[0]}..{pair[1]}")),
    min_size=1,
    max_size=3,
).map(",".join)
_STEPS = st.sampled_from(["", "", "/2", "/0", "/15"])
_FIELDS = st.tuples(_NUMBERS, _STEPS).map("".join)
_WORDS = st.one_of(
    st.sampled_from(["daily", "weekly", "Mon", "Mon..Fri", "sat,sun", "UTC", "Europe/Berlin", "never", "*-02-30", "2199-12-31"]),
    st.lists(_FIELDS, min_size=1, max_size=3).map("-".join),
    st.lists(_FIELDS, min_size=2, max_size=3).map(":".join),
)


def test_systemd_takes_every_calendar_expression_that_passes(server: Server) -> None:
    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_WORDS, min_size=1, max_size=3).map(" ".join))
    def collect(expression: str) -> None:
        if is_calendar(expression):
            passed.add(expression)

    passed: set[str] = {"daily", "Mon..Fri 03:30", "*-*-01 04:00:00 UTC", "*:0/15", "Sat"}
    collect()
    assert len(passed) > 30
    quoted = " ".join(map(shlex.quote, sorted(passed)))
    refused = server.host.sh(f"""
        for expression in {quoted}; do
            said=$(systemd-analyze calendar --iterations=1 "$expression" 2>&1) && [[ $said == *'Next elapse'* ]] || echo "$expression: $said"
        done""")
    assert refused == ""


def test_app_and_gunicorn_read_what_the_inventory_says(server: Server) -> None:
    nasty = "a\"b'c`d$e${HOME}%n%%#;\\ \\n\n[Service]\nUser=root\t{ 1 } ü€ '''\"\"\" end"
    server.app["env"] = {"NASTY": nasty, "EMPTY": "", "LONG": "x" * 100_000, "YES": True, "NUMBER": 7}
    server.app["gunicorn"] = {"extra_settings": {"default_proc_name": nasty, "limit_request_fields": 99, "raw_env": ["A=b'\"\\"], "reuse_port": False}}
    server.variables["nginx_headers"] = {"X-Nasty": "a\"b\\c; } server { # 'd'"}
    server.apply("site")
    seen = server.host.ask("/env").json
    assert {name: seen[name] for name in server.app["env"]} == {"NASTY": nasty, "EMPTY": "", "LONG": "x" * 100_000, "YES": "true", "NUMBER": "7"}
    shown = server.host.sh("""
        python3 -c 'import json, runpy, sys
found = runpy.run_path(sys.argv[1])
print(json.dumps({name: value for name, value in found.items() if type(value) in (str, int, bool, list)}))' /etc/flask/probe/slots/*/gunicorn.conf.py""")
    wanted = server.app["gunicorn"]["extra_settings"]
    assert {name: value for name, value in json.loads(shown).items() if name in wanted} == wanted
    assert server.host.ask("/").headers["x-nasty"] == "a\"b\\c; } server { # 'd'"
    assert server.host.sh("systemctl show --property=User --value 'flask-probe@*.service'") == "flask-probe"
    server.reset()
    server.apply("site")
