# Everything runs from this checkout: the first target makes .venv from requirements.lock, later ones reuse it; tests and
# checks add requirements-test.lock.

SCENARIO ?= standard
TARGET ?=
FAULT ?=
TRACE ?=
PROCESSES ?=
WORKERS ?=
LISTEN ?=
MASTER ?= 127.0.0.1
RUN ?= latest
PORT ?=
PEERS_SECONDS ?=
PEERS_BLOCKS ?=
TOOLS ?=
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))

# Some shells export HOST: only who names it in the command opens the classroom to the network.
DEMO_HOST := $(if $(filter command line,$(origin HOST)),$(HOST),127.0.0.1)

VENV := .venv
READY := $(VENV)/.complete
TEST_READY := $(VENV)/.complete-for-tests
BIN := $(VENV)/bin

# Where bytecode is not kept, each of a trial's processes, and of a test's, compiles FastAPI and Locust anew: half a second.
unexport PYTHONDONTWRITEBYTECODE

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r

.DEFAULT_GOAL := help
.PHONY: help bench worker report compare peers ui demo test microbench check lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

bench: $(READY) ## Measure and report: SCENARIO=standard (or quick, thorough, …: see README; or a .toml file), TARGET=http://host:port, TRACE=1, FAULT=drop:seq=5, PROCESSES=4, WORKERS=2 LISTEN=address
	@$(BIN)/python -m loadtests run "$(SCENARIO)" --target "$(TARGET)" $(if $(TRACE),--trace) \
	  --processes "$(PROCESSES)" --workers "$(WORKERS)" --listen "$(LISTEN)" --port "$(PORT)" $(foreach spec,$(FAULT),--fault "$(spec)")
	@$(BIN)/python -m analysis report latest

worker: $(READY) ## Lend this machine to a make bench WORKERS=… elsewhere as a load process: MASTER=host, PORT=5557
	@$(BIN)/python -m loadtests worker --master "$(MASTER)" --port "$(PORT)"

report: $(READY) ## Rebuild summary, charts and report of a run from its raw data: RUN=results/… (default: the latest)
	@$(BIN)/python -m analysis report "$(RUN)"

compare: $(READY) ## Compare two runs: A=results/… B=results/…
	@$(BIN)/python -m analysis compare "$(A)" "$(B)"

peers: $(READY) ## The same work done by Locust's stock users, Artillery, Tsung and wrk, side by side: PEERS_SECONDS=5 PEERS_BLOCKS=2 TOOLS=wrk,tsung
	@$(BIN)/python -m peers --seconds "$(PEERS_SECONDS)" --blocks "$(PEERS_BLOCKS)" --tools "$(TOOLS)"

ui: $(READY) ## Locust's web UI with live numbers of every transport: PORT=8089
	@$(BIN)/python -m loadtests ui --port "$(or $(PORT),8089)"

demo: $(READY) ## The classroom: a live page that shows one stream over every transport: PORT=8000; HOST=0.0.0.0 lets a class join
	@$(BIN)/python -m classroom --host "$(DEMO_HOST)" --port "$(or $(PORT),8000)"

# Four files at a time on however few cores: whole programs and browsers run in real time here, and wait for more than half of it.
test: $(TEST_READY) ## Run all tests, four files at a time
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

microbench: $(TEST_READY) ## Time the hot paths with pytest-benchmark; no thresholds: BENCH_ARGS=…
	@$(BIN)/python -m pytest benchmarks --benchmark-only $(BENCH_ARGS)

check: $(TEST_READY) ## Lint, format and types: ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

COMPILE = $(BIN)/pip-compile --quiet --upgrade

lock: $(TEST_READY) ## Renew both locks from pyproject.toml
	@$(COMPILE) --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra test --constraint requirements.lock --output-file requirements-test.lock pyproject.toml

clean: ## Remove .venv and caches; results stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer was found (install one, or name it: make PYTHON=/path/to/python3.11)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv module (on Debian or Ubuntu: apt-get install python3-venv)" >&2; exit 2; }
	@echo "Setting up .venv with $(PYTHON) (once; takes a minute or so) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) requirements.lock
	@touch $(READY)

$(TEST_READY): $(READY) requirements-test.lock
	@echo "Adding what tests need to .venv (once) ..."
	@$(INSTALL) requirements-test.lock
	@touch $(TEST_READY)
