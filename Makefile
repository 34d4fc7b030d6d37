# Everything from a fresh machine: Python 3.11+ and a package index are all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check docs images bench torture clean

demo: $(VENV)/.installed  ## from nothing to a trained model and its table line, on embedded real data
	$(BIN)/greycard run digits-cnn

test: $(VENV)/.developed  ## the default tests, in two processes
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-slow: $(VENV)/.extras  ## the longer ones: every backbone family, JAX and PyTorch, the wheel, real images
	$(BIN)/pytest -m slow

check: $(VENV)/.developed  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(BIN)/mypy torture
	$(BIN)/mypy docs

docs: $(VENV)/.developed  ## write the generated blocks of README and docs anew
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/notebooks.py

images: $(VENV)/.developed  ## README's terminal session and images, and those of the lessons; needs Chromium
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/notebooks.py --images

bench: $(VENV)/.developed  ## Greycard against plain Keras, in turn (docs/benchmarks.md); takes hours
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/ceiling.py
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/doctor.py
	$(BIN)/python benchmarks/use.py
	$(BIN)/python benchmarks/rows.py
	$(BIN)/python benchmarks/rows.py --share 0.1 cats-dogs-25k-cnn cats-dogs-25k-cnn-augmented
	$(BIN)/python benchmarks/rows.py --whole
	$(BIN)/python benchmarks/recommended.py
	$(BIN)/python docs/generate.py

torture: $(VENV)/.developed  ## kills, flipped bytes, faults, fuzzing (docs/torture.md); takes an hour
	$(BIN)/pip install --quiet --editable ".[torture]"
	$(BIN)/python torture/resumes.py
	$(BIN)/python torture/kills.py
	$(BIN)/python torture/flips.py
	$(BIN)/python torture/faults.py
	$(BIN)/python torture/fuzz.py
	$(BIN)/python docs/generate.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

$(VENV)/.extras: $(VENV)/.developed
	$(BIN)/pip install --quiet --editable ".[tested-extras]"
	touch $@

clean:
	rm -rf $(VENV) dist build
