# Everything a newcomer needs: `make demo`, `make test`. Each target sets up its own environment first.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.installed

# onnxruntime reports usage unless told otherwise before it is loaded.
export ORT_DISABLE_TELEMETRY := 1

.PHONY: demo dev test check coverage clients bench lock clean

demo: $(STAMP)  ## The main job, start to end; leaves the node running (EXIT=1 stops it).
	$(BIN)/python examples/demo.py $(if $(EXIT),--exit)

dev: $(STAMP)  ## A development chain with one authority.
	$(BIN)/fixpoint dev

test: check coverage  ## Everything that must hold before a change lands.

check: $(STAMP)  ## Style, types and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(STAMP)
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n $(or $(JOBS),2) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

clients: $(STAMP)  ## Every third-party client against a development node (Node.js and npm needed).
	FIXPOINT_CLIENTS=all $(BIN)/python -m pytest tests/clients

bench: $(STAMP)  ## Speed and memory, each beside something a user would pick instead.
	$(BIN)/python -m benchmarks

lock: pyproject.toml  ## Refresh the pinned, hashed dependency list (needs `uv`).
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet \
		--no-emit-index-url --no-annotate --custom-compile-command 'make lock' -o requirements.lock

clean:
	rm -rf $(VENV) .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* *.egg-info

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Fixpoint needs Python 3.11 or 3.12: install one, or name it with 'make PYTHON=/path/to/python'."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
