# Everything a newcomer needs: `make demo` and `make test`. Both set themselves up from a bare machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two at a time, in the order of their rooms; each module by one of them, so that what its tests share is made once.
PYTEST := $(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo spark test test-deep fuzz check fix docs assets lock clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# `ready` is touched last, so a set-up that was interrupted starts over.
$(VENV)/ready: requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (locked with hashes; a minute or so the first time)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Circe needs Python 3.11 or newer: give its path with make PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "This Python cannot make virtual environments: install its venv module (Debian: python3-venv)" >&2; exit 1; }
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

# Most modules of these are never imported, so none is compiled beforehand: that took longer than what it saves.
$(VENV)/ready-to-test: $(VENV)/ready requirements-test.lock requirements-models.lock
	@$(PIP) install --no-compile --require-hashes -r requirements-test.lock
	@$(PIP) install --no-compile --require-hashes -r requirements-models.lock
	@touch $@

# PySpark is half a gigabyte, and of no use without Java: it is installed when asked for, and for a complete run.
$(VENV)/ready-for-spark: $(VENV)/ready-to-test requirements-spark.lock
	@$(PIP) install --no-compile --require-hashes -r requirements-spark.lock
	@touch $@

demo: $(VENV)/ready  ## a whole federation on this machine: AUTHORITIES=8, SERVE=1 leaves it running
	@$(BIN)/circe demo $(if $(AUTHORITIES),--authorities $(AUTHORITIES)) $(if $(SERVE),--serve)

spark: $(VENV)/ready-for-spark  ## PySpark, so that the tests use it too (needs Java)

test: $(VENV)/ready-to-test $(if $(CIRCE_COMPLETE),$(VENV)/ready-for-spark)  ## types, style and every test; says what it left out and why
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(PYTEST)

test-deep: $(VENV)/ready-to-test  ## the long seeded suites, whole
	@CIRCE_DEEP=1 $(PYTEST)

fuzz: $(VENV)/ready-to-test  ## look for texts that break the parser, led by coverage: SECONDS=600
	@$(PIP) install --require-hashes -r requirements-fuzz.lock
	@$(BIN)/python -m tests.query_engine.fuzz_parser -max_total_time=$(or $(SECONDS),600)

check: $(VENV)/ready-to-test  ## types and style alone
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

fix: $(VENV)/ready-to-test  ## mend what the formatter can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: $(VENV)/ready-to-test  ## write the generated pages of docs/ anew
	@$(BIN)/python -m tests.house.generated_pages

# What it makes is kept with the code, so that nobody else needs npm. Another version of GOV.UK Frontend: change it in
# federation/web/govuk/package.json and in the first line of govuk-frontend.scss, and `npm install` there renews the lock.
assets:  ## build the stylesheet of GOV.UK Frontend anew (needs npm)
	npm ci --prefix federation/web/govuk --ignore-scripts --no-audit --no-fund
	npm run --prefix federation/web/govuk build
	rm -rf federation/web/govuk/node_modules

lock:  ## renew the locked lists (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra build -o requirements.lock --quiet
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra build --extra test --extra browser \
	  --extra noise --extra postgres -c requirements.lock -o requirements-test.lock --quiet
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra models \
	  -c requirements-test.lock -o requirements-models.lock --quiet
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra build --extra spark \
	  -c requirements-test.lock -o requirements-spark.lock --quiet
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra fuzz \
	  -c requirements-test.lock -o requirements-fuzz.lock --quiet

clean:  ## remove what set-up and the demo made
	rm -rf $(VENV) build *.egg-info demo-state .mypy_cache .ruff_cache .pytest_cache
