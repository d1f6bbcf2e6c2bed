# `make run` starts the app, `make check` runs every check and test; each with all its own set-up.
# The targets between run one kind of check or make one kind of page; CONTRIBUTING.md says when to use which.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: run check lint type test snapshots figures docs accuracy bench fit coverage fuzz mutation dist audit
run: $(VENV)/.app
	$(BIN)/llmcalc-tui

check: lint type test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(VENV)/.dev
	$(BIN)/mypy

test: $(VENV)/.dev
	$(BIN)/pytest -n 4 --dist worksteal

# Rewrites the pictures that tests compare with; review the difference before you commit it.
snapshots: $(VENV)/.dev
	$(BIN)/pytest -n 4 tests/tui --snapshot-update

# Rewrites the figures that tests compare with; review the difference before you commit it.
figures: $(VENV)/.dev
	$(BIN)/python -m scripts.figures

# The pages and pictures that are made from the catalogue and the code.
docs: $(VENV)/.dev
	$(BIN)/python -m scripts.json_keys
	$(BIN)/python -m scripts.shell_files
	$(BIN)/python -m scripts.models_table
	$(BIN)/python -m scripts.accuracy_page
	$(BIN)/python -m scripts.leaderboard_picture
	$(BIN)/python -m scripts.recording
	$(BIN)/python -m scripts.badges
	$(BIN)/python -m scripts.readme_figures
	$(BIN)/python -m scripts.questions_page

accuracy: $(VENV)/.dev
	$(BIN)/llmcalc-tui accuracy

# Lines and branches of estimator/ and catalog/ that their own tests take, then branches alone; twice the tests' time.
coverage: $(VENV)/.dev
	$(BIN)/pytest -n 4 tests/estimator tests/catalog tests/contracts --cov --cov-report=term
	$(BIN)/python -m scripts.branches --least 95

# An hour of damaged inputs for every reader; the tests take 50,000.
fuzz: $(VENV)/.dev
	$(BIN)/python -m scripts.fuzz --minutes 60

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Four hundred changes of the estimator, each against the tests that run its line, then those of its room; some hours.
mutation: $(VENV)/.dev
	$(BIN)/python -m scripts.mutation

# Wheel and source archive in dist/, the same bytes from the same commit.
dist: $(VENV)/.dev
	$(BIN)/python -m scripts.release

# Known vulnerabilities of the pinned dependencies; needs the network.
audit: $(VENV)/.audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --no-deps -r constraints.txt

# Cross-validation of the fitted constants; docs/refitting.md says how to write new ones.
fit: $(VENV)/.fit
	$(BIN)/python -m fitting.fit_serving
	$(BIN)/python fitting/fit_training.py

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

$(VENV)/.fit: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[fit]"
	touch $@

$(VENV)/.audit: $(VENV)/.dev
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	touch $@
