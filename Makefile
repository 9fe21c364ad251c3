# Needs Python 3.10 or newer, make and git; everything else is installed into .venv by the first target that needs it.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-strip-extras \
    --no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint bench docs lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed ## Run the main job on made-up sites: no database needed, result in demo/output
	$(BIN)/python -m loader.sample $(DEMO)/data
	$(BIN)/chameleon-usage --config $(DEMO)/data/site.yml process --output $(DEMO)/output \
	    --start-date 2024-01-01 --end-date 2025-01-01

test: .venv/installed ## Run all tests (installs MariaDB and Chromium where they are missing, OpenStack's packages into .openstack)
	bash tests/install-mariadb.sh
	bash tests/install-chromium.sh
	$(BIN)/python -m tests.openstack
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

coverage: .venv/installed ## Measure which branches of loader/ the tests reach (after `make test`)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest --numprocesses 2 --dist loadfile
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --show-missing --skip-covered

lint: .venv/installed ## Check style, types of YAML, words and descriptions (.pre-commit-config.yaml)
	PRE_COMMIT_HOME=.venv/pre-commit $(BIN)/pre-commit run --all-files --show-diff-on-failure

bench: .venv/installed ## Measure speed and memory (minutes; see benchmarks/README.md)
	bash tests/install-mariadb.sh
	$(BIN)/python benchmarks/run.py

DOCS := target/docs
VARS := {site: docs, data_dir: $(DOCS)/data, output: $(DOCS)/output, start_date: 2024-01-01, end_date: 2024-02-01, resample: 1d, wide: true}

docs: .venv/installed ## Build the lineage sites: target/lineage.html, and target/columns.html, column by column
	$(BIN)/chameleon-usage docs --html target/lineage.html
	rm -rf $(DOCS)
	$(BIN)/python -m loader.sample $(DOCS)/sites
	mv $(DOCS)/sites/baremetal $(DOCS)/data
	set -e; export CHAMELEON_USAGE_DATABASE=$(DOCS)/docs.duckdb; for command in build "docs generate"; do \
	    $(BIN)/dbt --quiet $$command --vars '$(VARS)' --target-path $(DOCS)/target; done
	$(BIN)/colibri generate --disable-telemetry --light --output-dir $(DOCS)/columns \
	    --manifest $(DOCS)/target/manifest.json --catalog $(DOCS)/target/catalog.json 2>$(DOCS)/columns.log
	cp $(DOCS)/columns/index.html target/columns.html

lock: .venv/installed ## Pin the newest versions of all packages in requirements.lock and tests/openstack.lock
	$(COMPILE) --extra dev --no-emit-package chameleon-usage -o requirements.lock pyproject.toml
	$(COMPILE) --fork-strategy fewest -o tests/openstack.lock tests/openstack.in

clean: ## Remove what the other targets made
	rm -rf .venv .openstack target logs chameleon_usage.duckdb $(DEMO) build dist benchmarks/work

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "needs Python 3.10 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
