# Python and make are all that a checkout needs; everything else is installed into .venv.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check crash mutants lock bench clean

help:
	@echo "make demo    an embedded server, sample targets, the console (ARGS=\"--rows 1000\")"
	@echo "make test    the tests (ARGS=\"-k postgres\")"
	@echo "make check   formats, lints, types and tests"
	@echo "make crash   every plan killed at every point (an hour and a half; ARGS=\"--every 20\")"
	@echo "make mutants the executor broken on purpose: the tests must notice (ARGS=\"no-final-sweep\")"
	@echo "make bench   the benchmarks"
	@echo "make lock    writes requirements.txt anew from pyproject.toml"
	@echo "make clean   removes .venv and every cache"

demo: $(STAMP)
	@$(BIN)/handrail demo $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest $(ARGS)

crash: $(STAMP)
	@$(BIN)/python -m tests.crash $(ARGS)

mutants: $(STAMP)
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m bench $(ARGS)

# uv alone resolves for every platform at once; it lives in a folder of its own and is not a dependency.
lock: .lock/bin/uv
	@.lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--upgrade --python-version 3.11 --group dev --output-file requirements.txt pyproject.toml
	@if grep -n '://' requirements.txt; then echo "requirements.txt names a host: see the lines above" >&2; exit 1; fi

.lock/bin/uv:
	@$(PYTHON) -m venv .lock
	@.lock/bin/pip install -qq uv

# The first two lines turn the usual ways to fail into one sentence each.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "handrail needs Python 3.11 or newer, and '$(PYTHON)' is not: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "'$(PYTHON)' cannot make a virtual environment: install its venv module (on Debian: python3-venv)" >&2; exit 1; }
	@echo "Installing into .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -qq --require-hashes -r requirements.txt
	@$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf .venv .lock .pytest_cache .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
