# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# Every target does its own setup in .cache. You need only a Debian machine, root, Python 3.11, git and make.

SHELL := /bin/bash
.DEFAULT_GOAL := help
NEWEST := .cache/controller/newest
OLDEST := .cache/controller/oldest
UNIT := tests/unit tests/consistency tests/load tests/bench tests/apps/guestbook/tests
PARTS := tests/suite tests/drills tests/release tests/conformance tests/templates tests/recipes tests/documentation
# Tests on hosts mostly wait, so three at a time fit on two cores.
ON_HOSTS := pytest -v -n 3 --durations=30 --dist loadgroup --no-loadscope-reorder
export PATH := $(CURDIR)/$(NEWEST)/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(NEWEST)/ready ## Turn a throwaway Debian host into a Flask server with HTTPS, in under four minutes
	tests/demo

new: $(NEWEST)/ready ## Write an inventory for your app: asks for its folder and where it goes
	ansible-playbook -i localhost, playbooks/init.yml

demo-clean: ## Remove what `make demo` made
	python3 tests/hosts/hosts.py down --prefix flaskyard-demo

test: $(NEWEST)/ready $(OLDEST)/ready ## Lint, unit tests, build and install, every role on real hosts; about an hour on two cores
	$(ON_HOSTS) -m "not long" $(PARTS)

test-all: $(NEWEST)/ready $(OLDEST)/ready ## Everything: every scenario, also with the oldest supported ansible-core, and the long drills
	$(ON_HOSTS) --all $(PARTS)

lint: $(NEWEST)/ready ## ansible-lint, yamllint, ruff, mypy
	yamllint --strict .
	ruff check --quiet .
	ruff format --check --quiet .
	mypy -p ansible_collections.flaskyard.server.plugins
	mypy tests molecule
	ansible-lint

unit: $(NEWEST)/ready $(OLDEST)/ready ## Unit tests, on every supported Python of this machine
	for python in .cache/controller/*/bin/python; do "$$python" -m pytest -q $(UNIT) || exit; done

offline: $(NEWEST)/ready $(OLDEST)/ready ## Playbooks and roles without a host; CONTROLLER=oldest uses the oldest supported ansible-core
	.cache/controller/$(or $(CONTROLLER),newest)/bin/python -m pytest -q tests/offline

conformance: $(NEWEST)/ready ## Test every combination of server, proxy and process manager, and record the figures
	pytest -v tests/conformance --record
	python -m tests.docs

sanity: sanity-2.19 sanity-2.20 sanity-2.21 ## ansible-test sanity with each supported ansible-core; part of test-all

sanity-%:
	tests/sanity/check $*

release-check: .cache/tools/ready ## Check the requirements of Galaxy, the inclusion checklist and REUSE, as a table; part of test-all
	.cache/tools/bin/python -m tests.readiness

docs: .cache/tools/ready ## Build the documentation site in .cache/site
	docs/site/build

docs/pictures/%.svg: docs/pictures/%.dot
	command -v dot >/dev/null || apt-get -qq install -y --no-install-recommends graphviz fonts-dejavu-core >/dev/null
	dot -Tsvg $< -o $@

apps: $(NEWEST)/ready ## Deploy and use the ten applications of docs/recipes; part of test-all
	pytest -v -n 2 --dist loadgroup tests/recipes

bench: $(NEWEST)/ready ## Measure against the figures that the project promises
	python -m tests.bench

clean: ## Remove all test hosts and .cache
	python3 tests/hosts/hosts.py down --all
	rm -rf .cache .ansible

.cache/controller/%/ready: pyproject.toml tests/controller
	tests/controller $*

.cache/tools/ready: pyproject.toml tests/pythons.sh
	tests/tools

.PHONY: help demo new demo-clean test test-all lint unit offline conformance sanity docs release-check apps bench clean
