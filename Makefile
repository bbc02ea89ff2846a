# Clearline. `make run` shows it working; `make test` checks everything; `make help` lists the rest.
#
# Needs: Linux, Python 3.11 to 3.13 with venv, and a package index or wheel folder that pip is configured for.
# Stamp files under .venv keep every second call short: a step runs again only when what it depends on has changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

VENV := .venv
BIN := $(VENV)/bin
RUN := run/demo
PIP_INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --only-binary :all:
WORKERS ?= 2
PYTEST_ARGS ?=
PEER_COUNTS ?= 10000,100000,1000000

.PHONY: help run stop setup test lint format bench bench-peers pins licences wheel clean pristine chromium

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

# --- use -------------------------------------------------------------------------------------------------------------

run: setup  ## set up what is missing, start two nodes with real flights, print their addresses
	@$(BIN)/clearline demo --detach --directory $(RUN)

stop:  ## stop what `make run` started
	@if [ -x $(BIN)/clearline ]; then $(BIN)/clearline demo --stop --directory $(RUN); else echo "nothing was started here"; fi

setup: $(VENV)/.kernels  ## virtual environment, pinned packages, compiled kernels

# --- check -----------------------------------------------------------------------------------------------------------

test: $(VENV)/.test $(VENV)/.kernels chromium lint  ## ruff, mypy, every test with coverage
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS)

lint: $(VENV)/.test  ## ruff check, ruff format --check, mypy --strict
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(VENV)/.test  ## let ruff put the layout right
	@$(BIN)/ruff check --fix --select I
	@$(BIN)/ruff format

bench: $(VENV)/.test $(VENV)/.kernels  ## every benchmark, one after the other, with the machine's load; bench-peers too
	@for one in $$(grep -l __main__ benchmarks/*.py | grep -v /sky_peers | grep -v /peers_); do \
	  echo "== $$one  (load $$(cut -d' ' -f1-3 /proc/loadavg), $$(nproc) cores)"; \
	  PYTHONPATH=src:. $(BIN)/python -m benchmarks.$$(basename $$one .py); done
	@$(MAKE) --no-print-directory bench-peers

bench-peers: $(VENV)/.bench $(VENV)/.kernels  ## the sky beside its peers; PEER_COUNTS=10000,100000 for less
	@tools/find-postgis
	@PYTHONPATH=src:. $(BIN)/python -m benchmarks.sky_peers --counts $(PEER_COUNTS) --out run/sky-peers.json
	@PYTHONPATH=src:. $(BIN)/python -m benchmarks.sky_peers_report run/sky-peers.json

licences: $(VENV)/.run  ## licence of every package that is installed with Clearline
	@$(BIN)/python tools/licences.py

wheel: $(VENV)/.test  ## build the wheel into dist/
	@rm -rf dist && $(BIN)/python -m hatchling build -t wheel

chromium:
	@tools/find-chromium

# --- packages --------------------------------------------------------------------------------------------------------

pins:  ## resolve requirements/*.txt anew (see CONTRIBUTING.md)
	@tools/pin

$(VENV)/bin/python:
	@python=$$(tools/find-python); echo "virtual environment with $$("$$python" --version) …"; "$$python" -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "packages, as pinned in requirements/run.txt …"
	@$(PIP_INSTALL) --requirement requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo "packages for the tests, as pinned in requirements/test.txt …"
	@$(PIP_INSTALL) --requirement requirements/test.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.test
	@echo "packages for the comparison with peers, as pinned in requirements/bench.txt …"
	@$(PIP_INSTALL) --requirement requirements/bench.txt
	@touch $@

$(VENV)/.kernels: $(VENV)/.run $(shell find src/clearline/sky src/clearline/model -name '*.py' 2>/dev/null)
	@$(BIN)/python tools/warm_up.py
	@touch $@

# --- tidy up ---------------------------------------------------------------------------------------------------------

clean:  ## remove what builds and tests leave behind; keeps .venv and run/
	@rm -rf dist build htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

pristine: stop clean  ## as after a fresh clone: also the environment and the demo's data
	@rm -rf $(VENV) run
