# Every command of the house. `make` lists them; CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
# Written when the environment matches requirements.lock and pyproject.toml.
STAMP := .venv/.installed
PYTHON ?= $(shell for it in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$it -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$it && break; done)
# Parallel steps print their output in one piece where make can do that (4.0 and later).
TOGETHER := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# More for pytest: make test ARGS='-k numbering'
ARGS ?=
NORTHWIND ?= ../shared/data/northwind
# Where the Northwind files are (see the README).
NORTHWIND ?= ../shared/data/northwind

.PHONY: help run test check bench demo-northwind setup setup-system format lock clean
.PHONY: check-types check-tests check-imports check-lint check-format check-docs

help: ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: setup ## start everything in one process and print the address and the demo logins
	$(BIN)/orrery up

test: setup ## all tests, on two workers with a database each
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: setup ## format, lint, types, boundaries, tidiness, rules and generated documents
	@$(MAKE) --no-print-directory --keep-going -j2 $(TOGETHER) \
		check-types check-tests check-imports check-lint check-format check-docs

bench: setup ## measure the budgets as ratios and write benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

demo-northwind: setup ## import the Northwind data through the API and print the report
	$(BIN)/orrery import $(NORTHWIND)

setup: $(STAMP) ## build .venv from requirements.lock (only when something changed)

setup-system: ## install what a bare Debian or Ubuntu lacks (needs root or sudo)
	$(if $(filter 0,$(shell id -u)),,sudo) apt-get update
	$(if $(filter 0,$(shell id -u)),,sudo) apt-get install -y --no-install-recommends \
		ca-certificates git make python3 python3-venv

format: setup ## put the source into the house format
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format

# ARGS=--upgrade moves every package to its newest version.
lock: setup ## resolve pyproject.toml again; names and hashes only, no addresses
	$(BIN)/uv pip compile --universal --generate-hashes --extra dev --no-header \
		--no-emit-index-url --quiet $(ARGS) -o requirements.lock pyproject.toml

clean: ## remove caches and leftovers; keeps .venv and the data in var
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# uv comes at the version and hashes that the lock names, like everything else.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Orrery needs Python 3.11 or newer, and none was found."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ *--hash/p;}' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r .venv/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $@

# One step of `make check`: what it did and how long it took.
define step
@TIMEFORMAT="-- $(1): %1R s"; time { $(2); }
endef

check-types:
	$(call step,types,$(BIN)/mypy)

check-tests:
	$(call step,tidiness and rules,$(BIN)/pytest -q --tb=short tests/tidy tests/rules \
		tests/conformance/test_boundaries.py)

check-imports:
	$(call step,boundaries,$(BIN)/lint-imports --no-logo)

check-lint:
	$(call step,lint,$(BIN)/ruff check --quiet)

check-format:
	$(call step,format,$(BIN)/ruff format --check --quiet)

check-docs:
	$(call step,generated documents,$(BIN)/orrery docs --check)
