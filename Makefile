.DEFAULT_GOAL := help
.PHONY: help report test proof lab notebooks serve wheel release lock bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS_READY := $(VENV)/.ready-tests
REPORT_LOCK := $(VENV)/report.lock
UV := $(shell command -v uv 2>/dev/null)
RESOLVE := --quiet --universal --fork-strategy fewest --generate-hashes --no-emit-index-url --python-version 3.11

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A complete lock needs no resolver, and those of pip up to 23.2 take a package with an extra for another one that the
# lock does not pin: --no-deps, and a check afterwards. The package comes without its dependencies for the same reason.
# Without uv, what an interrupted set-up has downloaded is in pip's cache, and what it has installed stays.
ifdef UV
INSTALL := uv pip install --quiet --python $(BIN)/python --no-deps
PINNED := --compile-bytecode --require-hashes
CHECK := uv pip check --quiet --python $(BIN)/python
COMPILE := true
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
PINNED := --no-compile --require-hashes
CHECK := $(BIN)/python -m pip --disable-pip-version-check check >&2
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
endif
FAILED := { echo "make: the set-up stopped: is there a network, and 1 GB of disk? The same command goes on from here" >&2; exit 1; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version 2>&1) found, Python 3.11 or later expected: make PYTHON=python3.12 …" >&2; exit 1; }
ifdef UV
	@uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) || $(FAILED)
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) has no venv module: install it (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || $(FAILED)
endif

$(READY): requirements.lock pyproject.toml | $(BIN)/python
	@echo "make: setting up $(VENV) for reports, about 800 MB: half a minute with uv, two minutes with pip, once" >&2
	@sed '/^# The rest is what tests/,$$d' requirements.lock > $(REPORT_LOCK)
	@$(INSTALL) $(PINNED) -r $(REPORT_LOCK) || $(FAILED)
	@$(INSTALL) --no-build-isolation -e . || $(FAILED)
	@$(CHECK)
	@$(COMPILE)
	@touch $@

$(TESTS_READY): $(READY)
	@echo "make: adding JupyterLab and what the tests need to $(VENV), about 500 MB: once" >&2
	@$(INSTALL) $(PINNED) -r requirements.lock || $(FAILED)
	@$(CHECK)
	@$(COMPILE)
	@touch $@

report: $(READY)  ## run the three notebooks on iris into reports/iris
	@$(BIN)/iris-lab report

test: $(TESTS_READY)  ## ruff, mypy, pytest, and nbval on the notebooks
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow"
	$(BIN)/pytest --nbval --nbval-current-env --nbval-cell-timeout 120 notebooks

proof: $(TESTS_READY)  ## the slow proofs: browser, kills, load, validators; PART="FILES" for some
	$(BIN)/pytest -m slow --durations=25 $(PART)

lab: $(TESTS_READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

notebooks: $(READY)  ## renew the stored outputs in notebooks/, and reports/iris
	$(BIN)/python -m iris_lab.workflow.refresh
	$(BIN)/iris-lab report --force

serve: $(READY)  ## serve the model of reports/iris on port 5000
	@$(BIN)/iris-lab serve reports/iris --port 5000

wheel: $(READY)  ## build the wheel of the last commit into dist/
	@rm -rf $(VENV)/wheel && git clone --quiet . $(VENV)/wheel
	@cd $(VENV)/wheel && env -u SOURCE_DATE_EPOCH "$(CURDIR)/$(BIN)/python" -m hatchling build -t wheel -d "$(CURDIR)/dist"

release:  ## write VERSION=0.2.0 and today's date into package, change log and citation
	@$(PYTHON) .ci/release.py $(VERSION)

lock: $(BIN)/python  ## renew requirements.lock (needs uv)
	uv pip compile $(RESOLVE) --upgrade --all-extras pyproject.toml -o $(VENV)/all.txt
	uv pip compile $(RESOLVE) --constraint $(VENV)/all.txt --extra setup pyproject.toml -o $(VENV)/report.txt
	$(BIN)/python .ci/lock.py $(VENV)/report.txt $(VENV)/all.txt > $(VENV)/new.lock
	mv $(VENV)/new.lock requirements.lock

bench: $(TESTS_READY)  ## measure side by side, print ratios
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/serving.py $(if $(RIVALS_PYTHON),--rivals-python $(RIVALS_PYTHON))

clean:  ## remove the environment, caches and unpublished runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache reports/draft
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
