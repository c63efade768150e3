# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual, the completion and the table of C(flaskyard), from its command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ansible_collections.flaskyard.server.plugins.module_utils._cli.main import STATUSES, parser
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths

from .page import ROOT, Block, Page, table

FILES = ROOT / "roles" / "host" / "files"
_HEAD = ("Copyright: (c) 2026, Flaskyard maintainers", "SPDX-License-Identifier: GPL-3.0-or-later", "flaskyard.server:host", "Made by python -m tests.docs.")


def blocks() -> Iterator[Block | Page]:
    """What the role host installs, and the table of docs/howto/operations.md."""
    yield Page(FILES / "flaskyard.8", manual())
    yield Page(FILES / "flaskyard.bash", completion())
    rows = ((f"`{_usage(one)}`", _sentences(one.description)) for one in verbs().values())
    yield Block(ROOT / "docs" / "howto" / "operations.md", "VERBS", table(("Command", "What it does"), rows))


def verbs() -> dict[str, argparse.ArgumentParser]:
    """The parsers of the verbs, by name."""
    [action] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(action.choices)


def manual() -> str:
    """The page of the manual, for man(7)."""
    lines = [f'.\\" {line}' for line in _HEAD]
    lines += [".TH FLASKYARD 8", ".SH NAME", "flaskyard \\- look after the Flask apps of this host"]
    lines += [".SH SYNOPSIS", ".B flaskyard", ".I VERB", "[", ".I ARGUMENTS", "]", ".SH DESCRIPTION", _roff(_sentences(parser().description))]
    lines += [_roff("It does what the playbooks of the collection flaskyard.server do, by the same code, without a controller and without the network.")]
    lines += [".SH VERBS"]
    for one in verbs().values():
        lines += [".SS " + _roff(_usage(one)), _roff(_sentences(one.description))]
        for action in _arguments(one):
            lines += [".TP", ".B " + _roff(_words(action)), _roff(_meaning(action))]
    lines += [".SH EXIT STATUS"]
    for status, meaning in STATUSES.items():
        lines += [".TP", f".B {status}", _roff(meaning)]
    lines += [".SH FILES", ".TP", ".I " + _roff(paths.DEPLOY_LOG), _roff("The log of all changes of apps, unless flask_deploy_log names another file.")]
    lines += [".SH SEE ALSO", ".BR journalctl (1),", ".BR systemctl (1)"]
    return "\n".join(lines) + "\n"


def completion() -> str:
    """The completion of bash(1)."""
    head = "\n".join(f"# {line}" for line in _HEAD)
    options = "".join(f"        {name}) words='{' '.join(_options(one))}' ;;\n" for name, one in verbs().items())
    of_apps = "|".join(name for name, one in verbs().items() if any(action.dest == "app" for action in _arguments(one)))
    return f"""{head}
_flaskyard() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '{" ".join(verbs())}' -- "$word")
        return
    fi
    case ${{COMP_WORDS[1]}} in
{options}    esac
    case ${{COMP_WORDS[1]}} in
        {of_apps}) [ "$COMP_CWORD" -ne 2 ] || words+=" $(ls {paths.APPS} 2>/dev/null)" ;;
    esac
    if [ "${{COMP_WORDS[COMP_CWORD - 1]}}" = --release ]; then
        words=$(ls "{paths.APPS}/${{COMP_WORDS[2]}}/releases" 2>/dev/null | sed 's/\\.json$//')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F _flaskyard flaskyard
"""


def _usage(one: argparse.ArgumentParser) -> str:
    """The form of a verb, on one line."""
    return " ".join(one.format_usage().removeprefix("usage: ").replace("[-h] ", "").replace(" [-h]", "").split())


def _arguments(one: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in one._actions if action.dest != "help"]


def _options(one: argparse.ArgumentParser) -> list[str]:
    return [option for action in _arguments(one) for option in action.option_strings]


def _words(action: argparse.Action) -> str:
    metavar = str(action.metavar or "")
    return ", ".join(f"{option}{' ' + metavar if metavar else ''}" for option in action.option_strings) or metavar


def _meaning(action: argparse.Action) -> str:
    text = action.help or ""
    return f"{text[:1].upper()}{text[1:]}."


def _sentences(text: str | None) -> str:
    return " ".join((text or "").split())


def _roff(text: str) -> str:
    """Text that means itself to man(7)."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
