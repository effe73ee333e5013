# The two commands of the README: `make demo` and `make test`. Each makes .venv, installs and runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
# One thread a process: two-thread torch beside another busy process falls by ten times.
TEST_ENV := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

.PHONY: demo install test test-ci test-faults test-all lint clean

demo: install
	$(BIN)/textmill demo

test: install lint
	$(TEST_ENV) $(BIN)/pytest -m "not ci and not slow" -n 2

# A file's tests stay in one process: they share what was trained for them.
test-ci: install
	$(TEST_ENV) $(BIN)/pytest -m "ci and not slow" -n 2 --dist loadscope

# The long form: every kill, cut, locale and change of bytes, not a share of them. Hours on a small machine.
test-faults: install
	$(TEST_ENV) $(BIN)/pytest tests/faults tests/training/test_verifying.py

test-all: install
	$(TEST_ENV) $(BIN)/pytest

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV)
