# Everything a person does here, one target each; `make` alone lists them.
# Settings are environment variables or arguments of make: `make run PORT=9000 DATA_DIR=/srv/mani`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# What is published as source only is built with the setuptools that requirements-build.txt pins.
INSTALL := $(PIP) --require-hashes --no-deps --no-compile --no-build-isolation
# Compiled modules are kept, whatever the machine says: mani reads 1,300 of them, in each of its processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run demo llm test lint lock published bench bench-peers chaos fuzz containers audit sbom backup restore \
	screenshots migration

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: .venv/installed ## set up what is missing, then run everything on 127.0.0.1:8000
	@exec $(BIN)/python -m manimod.local

demo: .venv/installed ## the same against a Stripe sandbox with customers and events, data in demo-data/
	@exec $(BIN)/python -m tests.demo

llm: .venv/installed ## install the optional client with which a language model writes lines (LLM_MODEL)
	@$(INSTALL) -r requirements.txt -r requirements-llm.txt

test: .venv/installed-dev ## set up what is missing, then run every test (ARGS="-n 0 -k name" for some)
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/installed-dev ## check style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: .venv/installed-dev ## measure, print one table and write bench/results.json
	@$(BIN)/python -m bench $(ARGS)

bench-peers: .venv/installed-dev ## the webhook beside dj-stripe's, which gets an environment of its own in .venv-peers
	@[ .venv-peers/installed -nt requirements-peers.txt ] || { $(PYTHON) -m venv .venv-peers && \
	.venv-peers/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --no-compile \
	-r requirements-peers.txt >/dev/null 2>&1 && touch .venv-peers/installed; } \
	|| { echo "Not compared: dj-stripe cannot be installed here (offline?)"; exit 0; }; $(BIN)/python -m bench peers

chaos: .venv/installed-dev ## kill parts of mani in a storm of events (ARGS="--events 5000 --kills 20 --seed 7")
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: .venv/installed-dev ## send 20,000 hostile inputs (FUZZ_SEED=7 for others, FUZZ_INPUTS=1000 for fewer)
	@FUZZ_INPUTS=$${FUZZ_INPUTS:-20000} $(BIN)/python -m pytest -n 0 --show-capture=no -k fuzz tests/security $(ARGS)

containers: .venv/installed-dev ## run compose.yaml and the systemd units as docs/operations.md says, with Docker and as root
	@$(BIN)/python -m tests.containers

audit: .venv/installed-dev ## look for known vulnerabilities in what is pinned, with pip-audit in an environment of its own
	@$(BIN)/python -m pip check --disable-pip-version-check
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv $$folder/venv && $$folder/venv/bin/python -m pip install -qq pip-audit >/dev/null 2>&1 \
	|| { echo "Not audited: pip-audit cannot be installed here (offline?)"; exit 0; }; \
	$$folder/venv/bin/pip-audit --progress-spinner off --disable-pip --require-hashes \
	$(patsubst %,-r %,$(wildcard requirements*.txt)) > $$folder/found 2> $$folder/said; status=$$?; \
	if grep -q "No known vulnerabilities" $$folder/said; then echo "No known vulnerabilities."; \
	elif [ -s $$folder/found ]; then cat $$folder/found; exit $$status; \
	else echo "Not audited: the list of vulnerabilities cannot be reached (offline?)"; fi

sbom: .venv/bin/pip ## list what is pinned in sbom.json, as CycloneDX, by cyclonedx-bom in an environment of its own
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv $$folder/venv && $$folder/venv/bin/python -m pip install -qq cyclonedx-bom >/dev/null 2>&1 \
	|| { echo "There is no SBOM: cyclonedx-bom cannot be installed here (offline?)"; exit 1; }; \
	cat requirements.txt requirements-llm.txt | $$folder/venv/bin/python -W ignore -m cyclonedx_py requirements \
	--pyproject pyproject.toml --output-reproducible --output-format JSON --output-file sbom.json - && echo "Written: sbom.json"

backup: .venv/installed ## save the database and the keys of DATA_DIR, while it runs too (FILE=... for where)
	@exec $(BIN)/python -m manimod.local.backup save $(or $(FILE),backups/mani-$$(date -u +%Y%m%d-%H%M%S).tar)

restore: .venv/installed ## bring a backup back, while mani is stopped: make restore FILE=backups/...
	$(if $(FILE),,$(error Say which backup: make restore FILE=backups/mani-20260131-120000.tar))
	@exec $(BIN)/python -m manimod.local.backup restore $(FILE)

screenshots: .venv/installed-dev ## take the pictures in docs/screenshots anew
	@$(BIN)/python -m tests.browser.gallery $(ARGS)

migration: .venv/installed-dev ## write the migration that the models ask for: make migration m="what it does"
	$(if $(m),,$(error Say what the migration does: make migration m="add a column"))
	@$(BIN)/python -m tests.postgres sh -c '$(BIN)/flask --app wsgi db upgrade && $(BIN)/flask --app wsgi db migrate -m "$$0"' "$(m)"
	@$(BIN)/ruff format --quiet migrations && $(BIN)/ruff check --quiet --fix migrations

lock: .venv/bin/pip ## pin the newest versions that requirements*.in allow, with hashes
	@$(PIP) uv
	@$(COMPILE) requirements-build.in --output-file requirements-build.txt
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) requirements-llm.in --output-file requirements-llm.txt
	@$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	@$(COMPILE) requirements-peers.in --output-file requirements-peers.txt
	@$(COMPILE) requirements-postgres.in --output-file requirements-postgres.txt
	@$(COMPILE) --no-deps requirements-spec.in --output-file requirements-spec.txt
	@$(MAKE) --no-print-directory published

published: .venv/installed ## compare htmx and the fonts of the pinned packages with what their makers published
	@$(BIN)/python -m tests.published

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate

.venv/installed: requirements.txt | .venv/bin/pip
	@echo "Installing what mani needs into .venv ..."
	@$(INSTALL) -r requirements.txt
	@$(BIN)/python -c "import manimod.local.__main__"
	@touch $@

.venv/installed-dev: .venv/installed .venv/tools
	@touch $@

.venv/tools: requirements-dev.txt requirements-spec.txt | .venv/bin/pip
	@echo "Installing what the tests need into .venv ..."
	@$(INSTALL) -r requirements-dev.txt -r requirements-spec.txt
	@[ -n "$$TEST_DATABASE_URL" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	|| $(INSTALL) -r requirements-postgres.txt \
	|| echo "There is no PostgreSQL for this machine: its tests are skipped."
	@touch $@

.venv/bin/pip:
	$(if $(PROBLEM),$(error $(PROBLEM)))
	@$(PYTHON) -m venv .venv
	@$(INSTALL) -r requirements-build.txt

# Empty when this machine's Python can make the virtual environment.
PROBLEM = $(shell \
	command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer"; exit; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "$(PYTHON) is too old: install Python 3.11 or newer, or name it with make PYTHON=python3.11"; exit; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| echo "Python cannot make virtual environments here: install python3-venv (Debian: apt-get install python3-venv)")
