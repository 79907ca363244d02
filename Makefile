# Every action of the project by name. `make` alone lists them.
# Needs Debian or a relative of it, Python 3.11 or newer, apt and make; nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Extra arguments for the command behind a target: make test ARGS="-k clock -x"
ARGS ?=
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)

VENV := .venv
BIN := $(VENV)/bin
# Each is touched when its step is complete, so that a step that was broken off is done again.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
CHECKED := app.py pipelines dashboard benchmarks

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL = $(SUDO) apt-get update && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
	apt-get install --yes --no-install-recommends
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup browser run test lint types bench docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEV) ## Make .venv with everything for development

browser: ## Install Chromium and a Chinese font for the browser tests, when missing
	@if ! command -v chromium >/dev/null || ! dpkg --status fonts-noto-cjk >/dev/null 2>&1; then \
		$(APT_INSTALL) chromium fonts-noto-cjk; \
	fi

run: $(RUNTIME) ## Start the dashboard on http://127.0.0.1:8050
	@exec $(BIN)/python app.py run $(ARGS)

test: $(DEV) browser ## Run all tests
	@$(BIN)/python -m pytest $(ARGS)

lint: $(DEV) ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV) ## Check types, strictly
	@$(BIN)/mypy $(CHECKED)

bench: $(DEV) browser ## Measure intake speed, and the delay from record to pixel
	@$(BIN)/python -m benchmarks.ingest --records 20000 --json
	@$(BIN)/python -m benchmarks.latency --screens 1 --json

docs: $(DEV) ## Write the generated pages of docs/ anew, from the code
	@$(BIN)/python docs/build.py

clean: ## Remove .venv and all caches; data/ stays
	@rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Grid135 needs Python 3.11 or newer, this is " + sys.version)'
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		$(APT_INSTALL) "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
	fi
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): requirements.txt | $(MADE)
	@echo "Installing what Grid135 needs into $(VENV) ..."
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
