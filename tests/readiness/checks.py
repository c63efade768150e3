# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks. The checklist is https://docs.ansible.com/projects/ansible/devel/community/collection_contributors/collection_requirements.html."""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cache/tools/bin"
#: Files that reviewers look for.
FILES = (
    *("README.md", "LICENSE", "CODE_OF_CONDUCT.md", "SECURITY.md", "CONTRIBUTING.md", "galaxy.yml", "meta/runtime.yml", "meta/execution-environment.yml"),
    *("changelogs/config.yaml", "changelogs/changelog.yaml", ".github/PULL_REQUEST_TEMPLATE.md"),
    *(f".github/workflows/{name}.yml" for name in ("ci", "nightly", "release")),
)
#: Of galaxy.yml; Galaxy itself requires the first seven.
FIELDS = ("namespace", "name", "version", "readme", "authors", "description", "license", "tags", "repository", "documentation", "issues")


class ReadinessError(Exception):
    """A check failed. The text says what it found."""


@dataclasses.dataclass
class Workplace:
    """A copy of the checkout where Ansible looks for collections, without the configuration of linters."""

    folder: Path

    @functools.cached_property
    def copy(self) -> Path:
        """The copy."""
        copy = self.folder / "ansible_collections/flaskyard/server"
        copy.mkdir(parents=True)
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
        packed = subprocess.run(["tar", "--create", "--null", "--files-from", "-"], cwd=ROOT, input=listed.stdout, check=True, capture_output=True)
        subprocess.run(["tar", "--extract"], cwd=copy, input=packed.stdout, check=True)
        for name in (".config/ansible-lint.yml", ".yamllint"):
            (copy / name).unlink()
        for argv in (["git", "init", "--quiet"], ["git", "add", "--all"]):
            subprocess.run(argv, cwd=copy, check=True)
        return copy

    @functools.cached_property
    def archive(self) -> Path:
        """What would be uploaded to Galaxy."""
        run([TOOLS / "ansible-galaxy", "collection", "build", "--output-path", self.folder], cwd=self.copy)
        [archive] = self.folder.glob("flaskyard-server-*.tar.gz")
        return archive


def run(argv: list[str | Path], cwd: Path = ROOT, **variables: str) -> str:
    """What a program prints; it must succeed."""
    environment = {"PATH": f"{TOOLS}:/usr/bin:/bin", "HOME": str(Path.home()), "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **variables}
    done = subprocess.run(argv, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise ReadinessError(f"{Path(argv[0]).name} ended with {done.returncode}:\n{done.stdout.strip()}")
    return done.stdout


def sanity(core: str) -> Callable[[Workplace], str]:
    """The check by one ansible-core."""

    def check(workplace: Workplace) -> str:
        said = run([ROOT / "tests/sanity/check", core])
        return f"{said.count('Running sanity test')} tests"

    check.__name__ = f"sanity-{core}"
    check.__doc__ = f"ansible-test sanity of ansible-core {core}"
    return check


def ansible_lint(workplace: Workplace) -> str:
    """ansible-lint, profile production, without our configuration."""
    said = run([TOOLS / "ansible-lint", "--profile", "production", "--offline", "--nocolor"], cwd=workplace.copy)
    return next((line for line in said.splitlines() if line.startswith("Passed")), said[-200:])


def antsibull_docs(workplace: Workplace) -> str:
    """antsibull-docs lint-collection-docs."""
    said = run(
        [TOOLS / "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", "--validate-collection-refs=all", "."], cwd=workplace.copy
    )
    if said.strip():
        raise ReadinessError(said)
    return "nothing found"


def antsibull_changelog(workplace: Workplace) -> str:
    """antsibull-changelog lint."""
    run([TOOLS / "antsibull-changelog", "lint"], cwd=workplace.copy)
    return f"{len([*(workplace.copy / 'changelogs/fragments').glob('*.yml')])} fragments wait for the next version"


def reuse(workplace: Workplace) -> str:
    """REUSE: copyright and licence of every file."""
    said = run([TOOLS / "reuse", "lint"], cwd=workplace.copy)
    return next(line.removeprefix("* ") for line in said.splitlines() if "license information" in line)


def galaxy_importer(workplace: Workplace) -> str:
    """galaxy-importer, without a warning."""
    config = workplace.folder / "importer.cfg"
    config.write_text("[galaxy-importer]\nRUN_ANSIBLE_LINT = True\nRUN_FLAKE8 = True\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\n")
    said = run([TOOLS / "python", "-m", "galaxy_importer.main", workplace.archive], cwd=workplace.folder, GALAXY_IMPORTER_CONFIG=str(config))
    if complaints := [line for line in said.splitlines() if re.match(r"WARNING|ERROR", line)]:
        raise ReadinessError("\n".join(complaints))
    return f"{workplace.archive.stat().st_size / 1e6:.1f} MB"


def metadata(workplace: Workplace) -> str:
    """galaxy.yml and meta/runtime.yml."""
    galaxy: dict[str, Any] = yaml.safe_load((workplace.copy / "galaxy.yml").read_text())
    if missing := [field for field in FIELDS if not galaxy.get(field)]:
        raise ReadinessError(f"galaxy.yml lacks {', '.join(missing)}")
    if not re.fullmatch(r"\d+\.\d+\.\d+", galaxy["version"]):
        raise ReadinessError(f"galaxy.yml: version {galaxy['version']!r} is not a release by semantic versioning")
    runtime = yaml.safe_load((workplace.copy / "meta/runtime.yml").read_text())
    return f"version {galaxy['version']}, ansible-core {runtime['requires_ansible']}"


def files(workplace: Workplace) -> str:
    """Files that reviewers look for."""
    if missing := [name for name in FILES if not (workplace.copy / name).exists()]:
        raise ReadinessError(f"missing: {', '.join(missing)}")
    return f"{len(FILES)} files"


def execution_environment(workplace: Workplace) -> str:
    """ansible-builder reads what the collection needs, and the example."""
    said = run([TOOLS / "ansible-builder", "introspect", workplace.folder])
    if "git [platform:dpkg]" not in said:
        raise ReadinessError(said)
    example = workplace.copy / "docs/examples/execution_environment/execution-environment.yml"
    run([TOOLS / "ansible-builder", "create", "--file", example, "--context", workplace.folder / "context"])
    return "its context is made; a long test builds the image"


CHECKS: tuple[Callable[[Workplace], str], ...] = (
    *(files, metadata, reuse, antsibull_changelog, antsibull_docs, ansible_lint, execution_environment, galaxy_importer),
    *map(sanity, ("2.19", "2.20", "2.21")),
)
