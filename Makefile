# `make help` lists the targets.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
BUDGET ?= 5m
KILLS  ?= 300

.DEFAULT_GOAL := help
.PHONY: help run test thorough check fix bench

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/ar: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[torch,dev]'
	@touch $@

run: $(BIN)/ar ## five minutes of experiments on a small language model, in demo/; again: it goes on
	@test -e demo/autoresearch.toml || $(BIN)/ar init --from gpt demo | head -n 1
	@. $(BIN)/activate && cd demo && ar run --budget $(BUDGET)

test: $(BIN)/ar ## the test suite, some minutes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m 'not thorough' tests

thorough: $(BIN)/ar ## hostile experiments, failing models, and three hundred kills at random moments
	AR_KILLS=$(KILLS) $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m thorough tests

check: $(BIN)/ar ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(BIN)/ar ## repair what can be repaired by a tool
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BIN)/ar ## the decision rules and the tuner's samplers, on made-up problems of known truth
	$(BIN)/python -m tests.benchmarks.decision_bench
	$(BIN)/python -m tests.benchmarks.cli_bench
	$(BIN)/python -m tests.benchmarks.containment_bench
	$(BIN)/python -m tests.benchmarks.throughput_bench
	$(BIN)/python -m tests.benchmarks.tuner_bench --repeats 5
