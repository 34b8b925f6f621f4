# Plumbline: `make demo` and `make test` do all the set-up; Python 3.11 and make are enough.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: demo test bench setup setup-test setup-bench lock clean

setup: $(VENV)/.demo-ready
setup-test: $(VENV)/.test-ready
setup-bench: $(VENV)/.bench-ready

$(VENV)/.demo-ready: pyproject.toml .ci/constraints.txt .ci/setup.sh $(wildcard .ci/weights.txt)
	@PYTHON="$(PYTHON)" bash .ci/setup.sh demo

$(VENV)/.test-ready: $(VENV)/.demo-ready
	@PYTHON="$(PYTHON)" bash .ci/setup.sh test

$(VENV)/.bench-ready: $(VENV)/.demo-ready
	@PYTHON="$(PYTHON)" bash .ci/setup.sh bench

demo: setup
	@PORT="$(PORT)" $(BIN)/python -m cms.demo.run

test: setup-test
	@bash .ci/test.sh

bench: setup-bench
	@DEBUG=1 $(BIN)/python manage.py bench

lock:
	$(BIN)/pip-compile --quiet --all-extras --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate -o .ci/constraints.txt pyproject.toml
	sed -i 's/^torch==\([0-9.]*\)+cpu/torch==\1/' .ci/constraints.txt

clean:
	rm -rf var staticfiles test-results
