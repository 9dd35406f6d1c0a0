# Two commands do everything: `make demo` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test coverage lint house package bench build serve lock sbom audit clean

demo: build serve

# Data, teacher, student, scores: what is done is not done again.
build: $(BIN)/kakushin
	$(BIN)/python -m core demo

serve: $(BIN)/kakushin
	$(BIN)/python -m core dashboard --port $(PORT)

# One thread each, since two processes share two cores, and in the order of the files, which begins
# with the slow browser: else one slow file runs alone at the end.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed-dev $(BIN)/kakushin
	$(PYTEST)

# The tests, and the share of core's lines that those without a model, a page or a browser run:
# counting lines takes two fifths more processor time, so tests/conftest.py leaves out the others.
coverage: $(VENV)/.installed-dev $(BIN)/kakushin
	$(PYTEST) --cov=core --cov-report term

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/biome lint
	$(BIN)/mypy

# How the code reads, as figures with limits.
house: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.house

# The package in an environment of its own: installed, asked for help, served, asked for its health.
package: $(VENV)/.installed
	$(BIN)/python -m benchmarks.package

bench: build
	$(BIN)/python -m benchmarks.inference

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kakushin needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The lock files name every package with the hashes of its files, so pip resolves nothing. torch first:
# its CPU build if an index has it, else the build that PyPI has. Python compiles the files that it
# imports; pip would compile all 20,000, which takes 50 seconds.
LOCKED := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps

$(VENV)/.installed: requirements.lock requirements-cpu.lock requirements-cuda.lock | $(VENV)/bin/python
	@echo "Installing what requirements.lock names: about 1 GB, a few minutes the first time"
	@$(LOCKED) -r requirements-cpu.lock 2>/dev/null \
	  || { echo "No index has torch's CPU build: PyPI's build brings CUDA, 3 GB more"; $(LOCKED) -r requirements-cuda.lock; }
	@$(LOCKED) -r requirements.lock
	@touch $@

# The command of this checkout, as an installed package has it.
$(BIN)/kakushin: $(VENV)/.installed
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'import sys' 'sys.path.insert(0, "$(CURDIR)")' 'from core.cli import main' \
	  '# A process that this one starts may read this file again.' 'if __name__ == "__main__":' '    sys.exit(main())' > $@
	@chmod +x $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt requirements-laplace.txt requirements-onnx.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-laplace.txt
	@touch $@

# After a change of requirements.txt: for all platforms at once, by uv.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.lock

# What the lock files bring, as CycloneDX 1.6 with the hashes of every file, and the licences.
sbom: $(VENV)/.installed-dev
	cat requirements.lock requirements-cpu.lock | $(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements - -o sbom.json
	$(BIN)/python -m benchmarks.licences > docs/licences.md

# Known vulnerabilities of the locked packages. It needs an advisory database (PyPI's or OSV's): without
# one, the check fails, and says that it could not be made.
audit: $(VENV)/.installed-dev
	$(BIN)/uv tool run pip-audit --strict --require-hashes --disable-pip -r requirements.lock

clean:
	rm -rf workspace .pytest_cache .ruff_cache .mypy_cache .hypothesis build *.egg-info
