# Everything here needs Python 3.11 or newer, make and git; the rest is brought by tools/.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
# Every process would compile every module again: two thirds of its start.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
SOURCES := src products tests tools
TESTS := tests $(wildcard products/*/tests)
# Output of steps that run side by side stays together, where make knows how.
SIDE_BY_SIDE = $(MAKE) --jobs=2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# The checks, the longest first.
CHECKS := check-types check-architecture check-django check-imports check-lint check-format check-locks \
	check-reference $(if $(wildcard tools/messages.py),check-messages)

.PHONY: help run test e2e check bench lock clean venv chromium $(CHECKS)

help: ## list these commands
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '%-12s %s\n' "$$name" "$$text"; done

run: venv chromium ## set up, start every process and play the story; ARGS="--exit --json" ends after it
	@$(BIN)/tenantry up --story $(ARGS)

# The story waits for the clock, and tests of dying processes for leases: four share two cores well.
# What `make check` runs is not run again.
test: venv chromium ## run all tests, the whole story in Chromium among them
	@$(BIN)/pytest -n 4 --dist loadgroup -m "not bench" --ignore=tests/architecture $(TESTS) $(ARGS)

e2e: venv chromium ## run only the whole story in Chromium
	@$(BIN)/pytest -m e2e $(TESTS) $(ARGS)

check: venv ## check style, types, architecture, locks, migrations, reference and messages
	@$(SIDE_BY_SIDE) $(CHECKS)

bench: venv chromium ## measure; ARGS goes to tenantry bench
	@$(BIN)/tenantry bench --all $(ARGS)

lock: venv ## compile the locks from pyproject.toml; ARGS=--upgrade takes newer versions
	@$(BIN)/python -m tools.locks --write $(ARGS)

clean: ## stop the embedded server, remove .venv, .tenantry and caches
	@$(PYTHON) -m tools.clean
	@rm -rf .venv .tenantry .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		.coverage .coverage.* htmlcov build dist staticfiles
	@find src products tests tools -name __pycache__ -prune -exec rm -rf {} + -o \
		-name '*.egg-info' -prune -exec rm -rf {} +

venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none found on PATH" >&2; exit 1; }
	@$(PYTHON) -m tools.bootstrap

chromium: venv
	@$(BIN)/python -m tools.chromium

check-types:
	@$(BIN)/mypy $(SOURCES)

check-architecture:
	@$(BIN)/pytest -n 2 -q tests/architecture

check-django:
	@$(BIN)/tenantry check

check-imports:
	@$(BIN)/lint-imports

check-lint:
	@$(BIN)/ruff check $(SOURCES)

check-format:
	@$(BIN)/ruff format --check $(SOURCES)

check-locks:
	@$(BIN)/python -m tools.locks --check

check-reference:
	@$(BIN)/python -m tools.reference --check

check-messages:
	@$(BIN)/python tools/messages.py --check
