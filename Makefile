# The two commands of the README: `make demo` and `make test`. Each makes .venv, installs and runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
# One thread a process: two-thread torch beside another busy process falls by ten times.
TEST_ENV := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

.PHONY: demo install test test-ci test-faults test-all bench lint clean

demo: install
	$(BIN)/textmill demo

# Each process has half of the files, in order, and takes from the other's end when it is through: a file's tests share
# what was loaded and trained for them, and nobody waits for the last of them.
test: install lint
	$(TEST_ENV) $(BIN)/pytest -m "not ci and not slow" -n 2 --dist worksteal

test-ci: install
	$(TEST_ENV) $(BIN)/pytest -m "ci and not slow" -n 2 --dist worksteal

# The long form: every kill, cut, locale and change of bytes, not a share of them. Hours on a small machine.
test-faults: install
	$(TEST_ENV) $(BIN)/pytest tests/faults tests/training/test_verifying.py

test-all: install
	$(TEST_ENV) $(BIN)/pytest

# The ratios of benchmarks/README.md that need one text only, on an idle machine: about an hour and a half.
# TEXT: such as tinyshakespeare, 1 MB of English.
bench: install
	@test -f "$(TEXT)" || { echo "make bench TEXT=file.txt: a text of about 1 MB" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet accelerate "datasets>=3"
	$(BIN)/python benchmarks/lm_time_to_loss.py "$(TEXT)" --equal-time
	$(BIN)/python benchmarks/trainer_speed.py "$(TEXT)"
	$(BIN)/python benchmarks/recurrent_speed.py "$(TEXT)" --width 200
	$(BIN)/python benchmarks/recurrent_speed.py "$(TEXT)" --width 650 --steps 60
	$(BIN)/python benchmarks/prepare_speed.py "$(TEXT)"
	$(BIN)/python benchmarks/head_memory.py
	$(BIN)/python benchmarks/memory_of_training.py
	$(BIN)/python benchmarks/reliability_cost.py

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
