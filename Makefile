# Every action of the project by name. `make` alone lists them.
# Needs Debian or a relative of it, Python 3.11 or newer, apt and make; nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Extra arguments for the command behind a target: make test ARGS="-k clock -x"
ARGS ?=
# How the tests are spread over the cores; empty for one after the other. Three on two cores, for
# many of them wait; in the order of tests/conftest.py, so that the longest do not come last.
PARALLEL ?= -n 3 --dist loadfile --no-loadscope-reorder
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
# Without --no-compile half of the time goes into compiling what is never imported. What is imported is
# then compiled once, and kept, also where the environment says otherwise: a start takes 4 s without.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: help setup browser services run test alone beside lint types bench docs screens clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEV) ## Make .venv with everything for development

# The tests use the shell: a window of the whole browser costs a second of processor time each.
browser: ## Install Chromium and a Chinese font for the browser tests, when missing
	@if ! command -v chromium >/dev/null || ! command -v chromium-headless-shell >/dev/null \
		|| ! dpkg --status fonts-noto-cjk >/dev/null 2>&1; then \
		$(APT_INSTALL) chromium chromium-headless-shell fonts-noto-cjk; \
	fi

# A role of the tests' own: it may make databases, on this machine, and nothing else. They need not
# survive a power cut; what is shown of that is shown on a server that a test starts.
# A broker or a directory is started by each test that needs one: only the program has to be there.
services: ## Install PostgreSQL (started on loopback), Mosquitto and OpenLDAP for the tests, when missing
	@if [ ! -x /usr/sbin/mosquitto ] || ! command -v openssl >/dev/null; then $(APT_INSTALL) mosquitto openssl; fi
	@if [ ! -x /usr/sbin/slapd ]; then $(APT_INSTALL) slapd; fi
	@if ! command -v pg_ctlcluster >/dev/null; then $(APT_INSTALL) postgresql; fi
	@if ! pg_isready --quiet --host 127.0.0.1; then \
		$(SUDO) pg_ctlcluster --skip-systemctl-redirect "$$(ls /etc/postgresql | sort -V | tail -1)" main start; \
	fi
	@if ! PGPASSWORD=grid135_test psql --host 127.0.0.1 --username grid135_test --quiet --no-password \
		--command "" postgres 2>/dev/null; then \
		cd / && $(SUDO) runuser -u postgres -- psql --quiet --command \
			"CREATE ROLE grid135_test LOGIN CREATEDB PASSWORD 'grid135_test'"; \
	fi
	@PGPASSWORD=grid135_test psql --host 127.0.0.1 --username grid135_test --quiet --no-password \
		--command "ALTER ROLE grid135_test SET synchronous_commit = off" postgres

run: $(RUNTIME) ## Start the dashboard on http://127.0.0.1:8050
	@exec $(BIN)/python app.py run $(ARGS)

test: alone beside ## Run all tests

# The tests that bear no browser beside them; only their files are looked through.
alone: $(DEV) services
	@$(BIN)/python -m pytest -m alone $(ARGS) $$(grep -rl --include='test_*.py' 'mark[.]alone' tests) \
		|| [ $$? = 5 ]

beside: $(DEV) browser services
	@$(BIN)/python -m pytest -m "not alone" $(PARALLEL) $(ARGS)

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

screens: $(DEV) ## Photograph the wall and the desk for docs/screens; takes some minutes
	@$(BIN)/python docs/screens.py
	@$(BIN)/python docs/desk_screens.py

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
