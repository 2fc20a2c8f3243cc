# Everything this repository can do for you. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run test check style types rooms templates soak mutants bench load restore-drill lock setup setup-tests
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) cityjobs/embedded/setup.py

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run:  ## start everything here: http://127.0.0.1:8000 (PORT=…, CITYJOBS_HOME=…)
	@$(SETUP) && exec $(BIN)/python -m cityjobs.embedded

test: setup-tests check  ## every check, then every test
	$(BIN)/pytest -n 3

check: setup-tests  ## style, types, who may import whom, templates
	@$(MAKE) --no-print-directory --jobs=2 --output-sync style types rooms templates

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy --config-file .mypy.ini

rooms:
	$(BIN)/lint-imports --config .importlinter

templates:
	$(BIN)/djlint templates --lint --quiet

soak: setup-tests  ## the proofs whole, in hours; their numbers go into docs/
	@rm -f docs/measures/soak.jsonl
	@failed=0; $(BIN)/pytest -q --tb=short -m soak --soak || failed=1; for proof in tests/proofs/test_*.py; do \
		CITYJOBS_MEASURES=$(CURDIR)/docs/measures/soak.jsonl $(BIN)/pytest -q --tb=short $$proof --soak || failed=1; \
	done; $(BIN)/python -m tests.proofs.tables; exit $$failed

mutants: setup-tests  ## known faults, one at a time: each must turn its proof red
	@rm -f docs/measures/mutants.jsonl
	CITYJOBS_MEASURES=$(CURDIR)/docs/measures/mutants.jsonl $(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.proofs.tables

bench: setup-tests  ## each page against its floor on the national data (ROUNDS=60)
	$(BIN)/python -m tests.bench $(if $(ROUNDS),--rounds $(ROUNDS))
	$(BIN)/python -m tests.proofs.tables

load: setup-tests  ## fifty professionals for a minute on the national data (USERS=50 SECONDS=60)
	$(BIN)/python -m tests.load $(if $(USERS),--users $(USERS)) $(if $(SECONDS),--seconds $(SECONDS))
	$(BIN)/python -m tests.proofs.tables

lock: setup-tests  ## pin again what .requirements.in and tests/requirements.in ask for
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --upgrade .requirements.in -o requirements.txt
	cd tests && ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --upgrade requirements.in -o requirements.txt

restore-drill: setup-tests  ## lose the database, restore its backup elsewhere, compare (SIZE=large, or national)
	@CITYJOBS_MEASURES=docs/measures/restore.jsonl $(BIN)/python -m tests.hosts.restore_drill --size $(or $(SIZE),large)
	@$(BIN)/python -m tests.proofs.tables

setup:
	@$(SETUP)

setup-tests:
	@$(SETUP) --tests
