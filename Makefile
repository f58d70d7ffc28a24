# Everything lives in two folders that `make clean` removes: .venv (packages) and .callboard (the app's state).
# Recipes need python3 and make only; `make lock` alone also fetches uv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
UV_VERSION := 0.13.8
# Folders that hold Python by now.
CODE := $(foreach d,bot handlers tests benchmarks,$(if $(wildcard $(d)/*.py),$(d)))
# More for pytest: make test PYTEST_ARGS="-k fold -x"
PYTEST_ARGS ?=
# A process per core; who is done early takes over what others have not begun.
WORKERS ?= auto
MARKS ?= not slow
# Branch coverage (make test COVERAGE=--cov) takes three quarters more time; .ci/run measures it.
COVERAGE ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev demo test lint format bench lock clean

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.runtime ## Install what the app needs into .venv
	@:
setup-dev: $(VENV)/.dev ## The same, and what tests and lint need
	@:

demo: $(VENV)/.runtime ## Run Callboard on a simulated switchboard and a local Slack; Ctrl-C ends it
	@# The shell takes Ctrl-C too and waits for the app to close: make then has no error to report.
	@trap 'stopped=1' INT; $(BIN)/callboard demo || { code=$$?; [ "$$stopped" ] || exit $$code; }

test: $(VENV)/.dev ## Tests, without the slow ones (with them: make test MARKS=)
	@$(BIN)/python -m pytest $(COVERAGE) -n $(WORKERS) --dist worksteal -m "$(MARKS)" $(PYTEST_ARGS)

lint: $(VENV)/.dev ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)

format: $(VENV)/.dev ## Let ruff fix and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## Measure
	@$(BIN)/python -m benchmarks

lock: build/uv-$(UV_VERSION)/bin/uv ## Write both lock files again; LOCK_ARGS=--upgrade takes newer versions
	@$< $(LOCK) --extra build -o requirements.lock
	@$< $(LOCK) --extra build --extra dev -c requirements.lock -o requirements-dev.lock

# A lock file says nothing about the machine or the index it was made with.
LOCK = pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(LOCK_ARGS)

build/uv-$(UV_VERSION)/bin/uv:
	@$(PYTHON) -m venv build/uv-$(UV_VERSION)
	@build/uv-$(UV_VERSION)/bin/python -m pip install --quiet uv==$(UV_VERSION)

clean: ## Remove packages, state and caches
	rm -rf $(VENV) .callboard build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian splits venv's pip into python3-venv. Where that is missing but pip is there, pip can still fill a venv
# from outside; where neither is, say what to install.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Callboard needs Python 3.11 or newer as $(PYTHON) (or: make PYTHON=/path/to/python3)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
		|| { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) \
			&& $(PYTHON) -m pip --python $@ install --quiet pip; } >/dev/null 2>&1 \
		|| { rm -rf $(VENV); echo "Python cannot make a virtual environment here. Run: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Callboard into $(VENV) (first time: under a minute)"
	@$(PIP) install -qq --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the development tools into $(VENV)"
	@$(PIP) install -qq --require-hashes -r requirements-dev.lock
	@touch $@
