# Two commands, each with all its own set-up: `make run` starts the app, `make check` runs every check and test.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: run check install-app install-dev
run: $(VENV)/.app
	$(BIN)/llmcalc-tui

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 4

$(VENV)/.app: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[hub]"
	$(BIN)/python -m catalog.cache
	$(BIN)/python -m compileall -q tui catalog estimator
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[hub,aws,dev]"
	touch $@
