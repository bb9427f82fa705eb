# Everything runs from this checkout: the first target makes .venv from requirements.lock, later ones reuse it; formats of
# exports add requirements-export.lock, tests and checks that and requirements-test.lock.

# Some shells export HOST: only who names it in the command opens the classroom to the network.
ifneq ($(origin HOST),command line)
unexport HOST
endif

# What a person gives is text. It is taken as it stands, without make's own $(...), and recipes read it from their
# environment, where no shell parses it.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))), \
  $(eval override $(name) := $$(value $(name)))$(eval export $(name))))

# Python as its user has set it up for other work (PYTHONPATH, PYTHONWARNINGS, PYTHONSAFEPATH, PYTHONDEVMODE, ...) fails here or
# is slower. Where bytecode is not kept, each of a trial's processes, and of a test's, compiles FastAPI and Locust anew.
unexport $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))

READY := .venv/.complete
FORMATS_READY := .venv/.complete-for-formats
TEST_READY := .venv/.complete-for-tests

# A .venv whose Python is gone, or has become another one, is made anew. -E: by its own lights, not by PYTHONHOME.
ifneq ($(wildcard .venv/.),)
GONE := $(if $(shell .venv/bin/python -E -c 'import pip' 2>/dev/null && echo works),,gone)
endif

# Into .venv, whatever pip is set up to do otherwise; where packages come from (index, proxy, certificates) stays as it is.
INSTALL := PIP_USER=0 PIP_DRY_RUN=0 PIP_PYTHON= PIP_CONSTRAINT=/dev/null PIP_REQUIREMENT=/dev/null \
  .venv/bin/python -m pip install --target= --prefix=.venv --root= \
  --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r

.DEFAULT_GOAL := help
.PHONY: help bench worker report results compare gate export formats peers ui demo test microbench check lock clean gone

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

bench: $(READY) ## Measure and report: SCENARIO=standard (or quick, thorough, …: see docs/using/scenarios.md; or a .toml file), TARGET=http://host:port, TRACE=1, FAULT=drop:seq=5, SEED=3141592 to repeat a run's streams, PROCESSES=4, WORKERS=2 LISTEN=address
	@exec .venv/bin/python -m loadtests run --report --target="$$TARGET" $${TRACE:+--trace} --fault="$$FAULT" --seed="$$SEED" \
	  --processes="$$PROCESSES" --workers="$$WORKERS" --listen="$$LISTEN" --port="$${MASTER_PORT:-$$PORT}" -- "$${SCENARIO:-standard}"

worker: $(READY) ## Lend this machine to a make bench WORKERS=… elsewhere as a load process: MASTER=host, MASTER_PORT=5557
	@exec .venv/bin/python -m loadtests worker --master="$${MASTER:-127.0.0.1}" --port="$${MASTER_PORT:-$$PORT}"

report: $(READY) ## Rebuild summary, charts and report of a run from its raw data: RUN=results/… (default: the latest)
	@exec .venv/bin/python -m analysis report -- "$${RUN:-latest}"

results: $(READY) ## The page of all runs, results/index.html: open it, or print its path where there is no screen
	@exec .venv/bin/python -m analysis results

compare: $(READY) ## Compare runs with a baseline: A=results/… B=results/… (C=, D=), or the servers of A alone; FORCE=1 where they are unlike, OUT=folder
	@exec .venv/bin/python -m analysis compare $${FORCE:+--force} --out="$$OUT" -- "$$A" "$$B" "$$C" "$$D"

gate: $(READY) ## Hold a run against budgets: RUN=results/… BUDGET=budget.toml, BASE=results/…, JUNIT=gate.xml, FORCE=1
	@exec .venv/bin/python -m analysis gate $${FORCE:+--force} --budget="$$BUDGET" --base="$$BASE" --junit="$$JUNIT" -- "$${RUN:-latest}"

export: $(READY) ## A run for other programs: RUN=results/… FORMAT=csv (csv-deliveries, jsonl, parquet, parquet-requests, hdrhistogram, openmetrics, bencher, junit) OUT=file, or OUT=- for standard output
	@exec .venv/bin/python -m analysis export --format="$$FORMAT" --out="$$OUT" -- "$${RUN:-latest}"

formats: $(FORMATS_READY) ## Install the optional packages of make export: for FORMAT=parquet, parquet-requests, hdrhistogram and openmetrics (170 MB)

peers: $(READY) ## The same work done by Locust's stock users, Artillery, Tsung and wrk, side by side: PEERS_SECONDS=5 PEERS_BLOCKS=2 TOOLS=wrk,tsung SEED=3141592
	@exec .venv/bin/python -m benchmarks.peers --seconds="$$PEERS_SECONDS" --blocks="$$PEERS_BLOCKS" --tools="$$TOOLS" --seed="$$SEED"

ui: $(READY) ## Locust's web UI with live numbers of every transport: PORT=8089 SEED=3141592
	@exec .venv/bin/python -m loadtests ui --port="$${PORT:-8089}" --seed="$$SEED"

demo: $(READY) ## The classroom: a live page that shows one stream over every transport: PORT=8000; HOST=0.0.0.0 lets a class join
	@exec .venv/bin/python -m classroom --host="$${HOST:-127.0.0.1}" --port="$${PORT:-8000}"

# Four files at a time on however few cores: whole programs and browsers run in real time here, and wait for more than half of it.
test: $(TEST_READY) ## Run all tests, four files at a time
	@exec .venv/bin/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

microbench: $(TEST_READY) ## Time the hot paths with pytest-benchmark; no thresholds: BENCH_ARGS=…
	@PYTEST_ADDOPTS="$$PYTEST_ADDOPTS $$BENCH_ARGS" exec .venv/bin/python -m pytest benchmarks --benchmark-only

check: $(TEST_READY) ## Lint, format, types and imports: ruff, mypy and import-linter
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo --no-cache

lock: $(TEST_READY) ## Renew all locks from pyproject.toml
	@.venv/bin/pip-compile --quiet --upgrade --output-file requirements.lock pyproject.toml
	@.venv/bin/pip-compile --quiet --upgrade --extra export --constraint requirements.lock --output-file requirements-export.lock pyproject.toml
	@.venv/bin/pip-compile --quiet --upgrade --extra test --constraint requirements.lock --constraint requirements-export.lock \
	  --output-file requirements-test.lock pyproject.toml

clean: ## Remove .venv and caches; results stay
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock $(GONE)
	@if [ -n "$$PYTHON" ]; then set -- "$$PYTHON"; \
	else set -- python3 python3.14 python3.13 python3.12 python3.11 python; fi; \
	for python in "$$@"; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  python=; \
	done; \
	[ -n "$$python" ] || { echo "error: no Python 3.11 or newer was found (install one, or name it: make PYTHON=/path/to/python3.11)" >&2; exit 2; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $$python has no venv module (on Debian or Ubuntu: apt-get install python3-venv)" >&2; exit 2; }; \
	echo "Setting up .venv with $$python (once; takes a minute or so) ..."; \
	$(if $(GONE),rm -rf .venv;) \
	"$$python" -m venv .venv
	@$(INSTALL) requirements.lock
	@touch $(READY)

$(FORMATS_READY): $(READY) requirements-export.lock
	@echo "Adding the optional packages of make export to .venv (once) ..."
	@$(INSTALL) requirements-export.lock
	@touch $(FORMATS_READY)

$(TEST_READY): $(FORMATS_READY) requirements-test.lock
	@echo "Adding what tests need to .venv (once) ..."
	@$(INSTALL) requirements-test.lock
	@touch $(TEST_READY)
