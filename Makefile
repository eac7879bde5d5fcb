.DEFAULT_GOAL := help
.PHONY: help report test proof lab notebooks serve lock bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A complete lock needs no resolver, and those of pip up to 23.2 take a package with an extra for another one that the
# lock does not pin: --no-deps, and a check afterwards. The package comes without its dependencies for the same reason.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version) found, Python 3.11 or later expected: make PYTHON=python3.12 …" >&2; exit 1; }
ifdef UV
	uv venv --quiet --clear --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --no-deps -r requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/pip --disable-pip-version-check check
	-$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1
endif
	@touch $@

report: $(READY)  ## run the three notebooks on iris into reports/iris
	@$(BIN)/iris-lab report

test: $(READY)  ## ruff, mypy, pytest, and nbval on the notebooks
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow"
	$(BIN)/pytest --nbval --nbval-current-env --nbval-cell-timeout 120 notebooks

proof: $(READY)  ## the slow proofs: browser, kills, load, validators
	$(BIN)/pytest -m slow

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

notebooks: $(READY)  ## renew the stored outputs in notebooks/, and reports/iris
	$(BIN)/python -m iris_lab.workflow.refresh
	$(BIN)/iris-lab report --force

serve: $(READY)  ## serve the model of reports/iris on port 5000
	@$(BIN)/iris-lab serve reports/iris --port 5000

lock:  ## renew requirements.lock and environment.yml (needs uv)
	uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --no-emit-index-url --all-extras \
	  --python-version 3.11 --upgrade --custom-compile-command "make lock" pyproject.toml -o requirements.lock

bench: $(READY)  ## measure side by side, print ratios
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/serving.py $(if $(RIVALS_PYTHON),--rivals-python $(RIVALS_PYTHON))

clean:  ## remove the environment, caches and unpublished runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache reports/draft
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
