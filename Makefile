# Python 3.11+, pip and make are all that is needed; everything else goes into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= auto

# What is compiled is kept, for the next run and for the many short processes of the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run help demo test check audit torture bench format lock clean

run: $(VENV)/run.stamp  ## install, start the service on its embedded defaults, say where to look
	$(BIN)/tracker run --send-now

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp  ## the year 2022 in a minute
	$(BIN)/tracker demo

test: $(VENV)/dev.stamp  ## install, run the tests
	$(BIN)/python -m pytest -n $(WORKERS) -m "not torture"

check: $(VENV)/dev.stamp  ## formatter, linter, types, import contract, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

audit: $(VENV)/dev.stamp  ## secrets in tracked files, known vulnerabilities of locked versions
	$(BIN)/python tools/secret_scan.py
	$(BIN)/python tools/dependency_audit.py

torture: $(VENV)/dev.stamp  ## the long tests and every fault on purpose, told in docs/reliability.md (ONLY=kill,disk: those faults)
	$(BIN)/python -m pytest -n $(WORKERS) -m "torture or fault" $(if $(ONLY),--fault=$(ONLY)); \
		status=$$?; $(BIN)/python -m tests.torture.page && exit $$status

bench: $(VENV)/dev.stamp  ## ratios from one run, kept in docs/benchmarks.md
	$(BIN)/python -m bench

format: $(VENV)/dev.stamp  ## put the source into the shape that check wants
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/dev.stamp  ## renew the lock files from pyproject.toml, at the latest releases
	$(BIN)/python -m pip install --quiet "uv>=0.9"
	printf 'hatchling>=1.27\neditables>=0.5\n' | $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes \
		--no-emit-index-url --no-header - -o requirements-build.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --extra postgres -o requirements-postgres.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --extra oidc -o requirements-oidc.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --extra postgres --extra oidc --group dev -o requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements-build.lock requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/dev.stamp: requirements-build.lock requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@ $(VENV)/run.stamp

clean:  ## take away what was installed and made, the ledger in var/ with it
	rm -rf $(VENV) var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
