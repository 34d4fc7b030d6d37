# Everything from a fresh machine: Python 3.11+ and a package index are all that is needed.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
VENV := .venv
OLDEST := .venv-oldest
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
else
SCRIPTS := bin
endif
BIN := $(VENV)/$(SCRIPTS)
PYTEST := pytest --numprocesses 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-oldest coverage check site docs images bench torture dist hooks clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  */\1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed build/pets  ## train on real handwritten digits and on rendered pets, from nothing to their table lines
	$(BIN)/greycard run digits-cnn
	$(BIN)/greycard train build/pets

test: $(VENV)/.developed  ## run the default tests, in two processes
	$(BIN)/$(PYTEST)

test-slow: $(VENV)/.extras  ## run the longer tests: JAX and PyTorch, the wheel, the site, real images
	$(BIN)/$(PYTEST) -m slow

test-oldest: $(OLDEST)/.developed  ## run the default tests on the oldest dependencies allowed; needs Python 3.11
	$(OLDEST)/$(SCRIPTS)/$(PYTEST) -W default

coverage: $(VENV)/.developed  ## run the default tests and print the lines they cover, by package
	$(BIN)/$(PYTEST) --cov --cov-report json:build/coverage.json
	$(BIN)/python tools/coverage_by_package.py build/coverage.json

check: $(VENV)/.developed  ## lint and check types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(BIN)/mypy torture
	$(BIN)/mypy docs
	$(BIN)/mypy tools

site: $(VENV)/.documented  ## build the documentation site in site/; any warning is an error
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going --doctree-dir build/doctrees docs site

docs: $(VENV)/.developed  ## write the generated blocks of README and docs again
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/notebooks.py

images: $(VENV)/.developed  ## make the images of README and the lessons again; needs Chromium
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/notebooks.py --images

bench: $(VENV)/.developed  ## measure Greycard against plain Keras (docs/benchmarks.md); takes hours
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/ceiling.py
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/augmentation.py
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/doctor.py
	$(BIN)/python benchmarks/use.py
	$(BIN)/greycard fetch litert-web
	$(BIN)/python benchmarks/html_export.py
	$(BIN)/python benchmarks/rows.py
	$(BIN)/python benchmarks/rows.py --share 0.1 cats-dogs-25k-cnn cats-dogs-25k-cnn-augmented
	$(BIN)/python benchmarks/rows.py --whole
	$(BIN)/python benchmarks/recommended.py
	$(BIN)/python benchmarks/rules.py
	$(BIN)/python docs/generate.py

torture: $(VENV)/.developed  ## kills, flipped bytes, faults and fuzzing (docs/torture.md); takes an hour
	$(BIN)/pip install --quiet --editable ".[torture]"
	$(BIN)/python torture/resumes.py
	$(BIN)/python torture/kills.py
	$(BIN)/python torture/flips.py
	$(BIN)/python torture/faults.py
	$(BIN)/python torture/fuzz.py
	$(BIN)/python docs/generate.py

dist: $(VENV)/.developed  ## build sdist and wheel in dist/, and try the wheel in a clean environment
	rm -rf dist build/clean
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv build/clean
	build/clean/$(SCRIPTS)/pip install --quiet dist/*.whl
	cd build/clean && $(SCRIPTS)/greycard run digits-cnn --epochs 5

hooks: $(VENV)/.developed  ## run `make check` before each commit, with pre-commit
	$(BIN)/pip install --quiet "pre-commit>=4"
	$(BIN)/pre-commit install

build/pets: | $(VENV)/.installed
	$(BIN)/greycard sample build/pets

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[pretrained]"
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[dev]"
	-$(BIN)/greycard fetch litert-web --quiet  # without it the tests of exported pages are skipped
	touch $@

$(VENV)/.documented: $(VENV)/.developed
	$(BIN)/pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)/.extras: $(VENV)/.developed
	$(BIN)/pip install --quiet --editable ".[tested-extras]"
	touch $@

$(OLDEST)/.developed: $(VENV)/.developed tools/oldest.py
	$(OLDEST_PYTHON) -m venv --clear $(OLDEST)
	$(BIN)/python tools/oldest.py > $(OLDEST)/constraints.txt
	$(OLDEST)/$(SCRIPTS)/pip install --quiet --constraint $(OLDEST)/constraints.txt --editable ".[dev]"
	touch $@

clean:  ## remove the environments and everything that was built
	rm -rf $(VENV) $(OLDEST) dist build site
