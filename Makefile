# Two commands do everything: `make demo` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench build serve clean

demo: build serve

# Data, teacher, student, scores: what is done is not done again.
build: $(VENV)/.installed
	$(BIN)/python -m core demo

serve: $(VENV)/.installed
	@echo "Kakushin: http://127.0.0.1:$(PORT)  (Ctrl-C stops it)"
	$(BIN)/python -m streamlit run dashboard/app.py --server.port $(PORT)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: build
	$(BIN)/python -m benchmarks.inference

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kakushin needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	@echo "Installing what requirements.txt names: about 1 GB, a few minutes the first time"
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt requirements-laplace.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-laplace.txt
	@touch $@ $(VENV)/.installed

clean:
	rm -rf workspace .pytest_cache .ruff_cache .hypothesis
