# assay: everything from a clone. Each target does its own set-up: a virtual environment in .venv,
# its dependencies, and the native module.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
SUITES := bench/*.toml
FUZZ_SECONDS ?= 60
export PYTHONDONTWRITEBYTECODE = 1
export PIP_QUIET = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help setup demo test test-slow fuzz lint format bench bench-harness wheel claims record docs site clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "assay needs Python 3.11 or newer"'
	@$(PYTHON) -m venv $(VENV)

# The dependencies: all extras that the tests and the demo use.
$(VENV)/.dependencies: pyproject.toml | $(BIN)/python
	@echo 'installing dependencies into $(VENV)'
	@$(BIN)/python scripts/install_dependencies.py data report dev
	@touch $@

# The native module is built in one profile at a time: `checked` for tests (assertions and overflow
# checks on), `release` for everything that is timed.
$(VENV)/.built-checked: $(VENV)/.dependencies $(RUST_SOURCES)
	@echo 'building the native module (checked)'
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --quiet --profile checked
	@rm -f $(VENV)/.built-release
	@touch $@

$(VENV)/.built-release: $(VENV)/.dependencies $(RUST_SOURCES)
	@echo 'building the native module (release)'
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --quiet --release
	@rm -f $(VENV)/.built-checked
	@touch $@

setup: $(VENV)/.built-release ## virtual environment, dependencies and the fast native module

demo: $(VENV)/.built-release ## the main job on real data; leaves reports/demo/assay-report.html
	$(BIN)/assay demo --output reports/demo

test: $(VENV)/.built-checked ## all fast tests, Rust and Python
	cargo test --quiet --profile checked --workspace --exclude assay-py
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(VENV)/.built-checked ## the long tests too: many random tables, many seeds
	PROPTEST_CASES=4096 cargo test --quiet --profile checked --workspace --exclude assay-py
	HYPOTHESIS_PROFILE=slow $(BIN)/python -m pytest -n 2

fuzz: $(VENV)/.built-checked ## hostile bytes and arrays for FUZZ_SECONDS (60) a target; `make fuzz FUZZ_SECONDS=600` is the long one
	$(BIN)/python fuzz/run.py --seconds $(FUZZ_SECONDS)

lint: $(VENV)/.built-checked ## rustfmt, clippy, ruff, mypy, and the stub against the built module
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --quiet --workspace --all-targets --profile checked -- -D warnings
	$(BIN)/ruff format --check python tests bench scripts fuzz
	$(BIN)/ruff check python tests bench scripts fuzz
	$(BIN)/mypy
	MYPYPATH=python $(BIN)/stubtest --mypy-config-file pyproject.toml assay._core

format: $(VENV)/.dependencies ## rewrites the sources in the house's format
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	$(BIN)/ruff format python tests bench scripts fuzz
	$(BIN)/ruff check --fix python tests bench scripts fuzz

bench: $(VENV)/.built-release ## the primitives and partitioning beside other packages; makes TPC-H at scale 2 and 10 once
	$(BIN)/python scripts/install_dependencies.py bench
	$(BIN)/python bench/peers/hashes.py
	$(BIN)/python bench/peers/digests.py
	$(BIN)/python bench/peers/filters.py
	$(BIN)/python bench/peers/static_filters.py
	$(BIN)/python bench/peers/placements.py
	$(BIN)/python bench/peers/checksums.py
	$(BIN)/python bench/peers/partitioning.py
	$(BIN)/python bench/peers/caches.py
	$(BIN)/python bench/peers/indexes.py

wheel: $(VENV)/.dependencies ## builds the wheel, and tries it in an empty environment as a new user would
	$(BIN)/python scripts/try_wheel.py

bench-harness: $(VENV)/.built-release ## judges the timing method, and what the harness costs; leaves reports/harness/*.txt
	$(BIN)/python bench/harness/overhead.py
	$(BIN)/python bench/harness/verdicts.py

claims: $(VENV)/.built-release ## tests what textbooks repeat; leaves reports/claims/report.html
	mkdir -p reports/claims
	rm -f reports/claims/claims.duckdb
	$(BIN)/assay run bench/claims.toml --no-timing --store reports/claims/claims.duckdb
	$(BIN)/assay report --store reports/claims/claims.duckdb -o reports/claims/report.html

record: $(VENV)/.built-release ## the suites as recorded runs; leaves reports/SUITE/*.html
	mkdir -p reports/partitioning
	for suite in partitioning workload replicas; do \
		$(BIN)/assay run bench/$$suite.toml --no-timing --store reports/partitioning/$$suite.duckdb && \
		$(BIN)/assay report --store reports/partitioning/$$suite.duckdb -o reports/partitioning/$$suite.html || exit; \
	done
	for suite in membership hashing integrity placement caching indexing; do \
		mkdir -p reports/$$suite && \
		$(BIN)/assay run bench/$$suite.toml --store reports/$$suite/$$suite.duckdb && \
		$(BIN)/assay report --store reports/$$suite/$$suite.duckdb -o reports/$$suite/report.html || exit; \
	done

docs: $(VENV)/.built-checked ## writes the generated pages of docs/ from the catalogue
	$(BIN)/python scripts/generate_docs.py

site: $(VENV)/.built-checked ## the documentation as pages that open offline; leaves site/index.html
	$(BIN)/python scripts/install_dependencies.py docs
	$(BIN)/python scripts/build_site.py site

clean: ## removes what was built; keeps recorded reports
	rm -rf $(VENV) target site .pytest_cache .mypy_cache .ruff_cache .hypothesis python/assay/_core*.so
