# Everything from a fresh machine: Python 3.11+ and a package index are all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow backends check docs clean

demo: $(VENV)/.installed  ## from nothing to a trained model and its table line, on embedded real data
	$(BIN)/greycard run digits-cnn

test: $(VENV)/.developed  ## the default tests
	$(BIN)/pytest

test-slow: $(VENV)/.developed  ## the longer ones
	$(BIN)/pytest -m slow

backends: $(VENV)/.developed  ## the small project on JAX and PyTorch
	$(BIN)/pip install --quiet "torch==2.13.0" -e ".[jax]"
	$(BIN)/pytest -m slow tests/test_backends.py

check: $(VENV)/.developed  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.developed  ## write the generated blocks of README and docs anew
	$(BIN)/python docs/generate.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) dist build
