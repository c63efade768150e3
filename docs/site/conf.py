# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: the site of the documentation. `docs/site/build` lays out what it reads, in the folders of the repository."""

import os
import re
import zlib
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
FORGE = "https://github.com/flaskyard/server"
ANSIBLE = "https://docs.ansible.com/projects/ansible-core/devel"

project = "Flaskyard"
author = "Flaskyard maintainers"
project_copyright = "2026 Flaskyard maintainers"
root_doc = "docs/site/index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [".github", "tests/apps/guestbook"]
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
nitpicky = True

myst_heading_anchors = 5  # as in the links that work on a forge

html_theme = "sphinx_ansible_theme"
html_title = "Flaskyard"
html_theme_options = {"display_version": False, "documentation_home_url": FORGE, "topbar_links": {"Repository": FORGE, "Issues": f"{FORGE}/issues"}}
html_show_sphinx = False
html_show_sourcelink = False

#: What the generated reference names of Ansible's own documentation. Each build would have to download its whole index.
ANSIBLE_PAGES = {
    ("std:label", "action_plugins"): "plugins/action.html",
    ("std:label", "callback_plugins"): "plugins/callback.html",
    ("std:label", "common_return_values"): "reference_appendices/common_return_values.html",
    ("std:label", "ansible_configuration_settings"): "reference_appendices/config.html",
    ("std:label", "ansible_collections.ansible.builtin.apt_module"): "collections/ansible/builtin/apt_module.html",
    ("std:label", "ansible_collections.ansible.builtin.default_callback"): "collections/ansible/builtin/default_callback.html",
    ("std:envvar", "ANSIBLE_DISPLAY_SKIPPED_HOSTS"): "reference_appendices/config.html#envvar-ANSIBLE_DISPLAY_SKIPPED_HOSTS",
    ("std:envvar", "ANSIBLE_SHOW_CUSTOM_STATS"): "reference_appendices/config.html#envvar-ANSIBLE_SHOW_CUSTOM_STATS",
}


def inventory() -> str:
    """Write the pages above as an index of intersphinx, version 2; the path of the file."""
    lines = "".join(f"{name} {kind} 1 {page} {name.rpartition('.')[2].replace('_', ' ')}\n" for (kind, name), page in ANSIBLE_PAGES.items())
    file = REPOSITORY / ".cache/site/ansible.inv"
    head = "# Sphinx inventory version 2\n# Project: ansible-core\n# Version: devel\n# The remainder of this file is compressed using zlib.\n"
    file.write_bytes(head.encode() + zlib.compress(lines.encode()))
    return str(file)


intersphinx_mapping = {"ansible": (ANSIBLE, inventory())}


def link_to_forge(app: Any, docname: str, source: list[str]) -> None:
    """Lead the links of a page to files that are not pages, such as playbooks, to the repository."""

    def moved(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(REPOSITORY / Path(docname).parent / match["path"]))
        if target.suffix == ".md" or not target.exists():
            return match[0]
        return f"]({FORGE}/{'tree' if target.is_dir() else 'blob'}/main/{target.relative_to(REPOSITORY)}{match['anchor'] or ''})"

    source[0] = re.sub(r"\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)", moved, source[0])


def setup(app: Any) -> None:
    """Connect it."""
    app.connect("source-read", link_to_forge)
