# Bare `make` prints this project's commands. Each sets up what it needs, and stops at its first failure.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help report readme add verify deck serve distribute bench doctor load test faults lint format lab data env lock clean

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.made-from-lock
# The first Python of 3.11 to 3.13 that is here, also among those that uv knows; `make PYTHON=/path/to/python3.12 env`
# overrules it. TensorFlow has no release for 3.14 yet.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python \
	"$$(uv python find --system --no-python-downloads '>=3.11,<3.14' 2>/dev/null)"; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo "$$p" && break; done)
# What is said where there is none: a shell's commands.
NO_PYTHON = has=none; for p in python3 python; do \
	has=$$("$$p" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null) && break || has=none; done; \
	echo "expected Python 3.11, 3.12 or 3.13 with its venv module; found $$has. TensorFlow has no release for 3.14 yet."; \
	echo "Install 3.13 beside it and run the same command again: uv python install 3.13, or on Debian and Ubuntu"; \
	echo "apt-get install python3 python3-venv. Or name one that is elsewhere: make PYTHON=/path/to/python3.13 env"

CATALOGUE ?= sample
SETTINGS = --catalogue "$(CATALOGUE)" \
	$(if $(DATA),--data "$(DATA)") $(if $(LIMIT),--limit "$(LIMIT)") $(if $(FIRST),--first "$(FIRST)") \
	$(if $(BACKBONE),--backbone "$(BACKBONE)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(SIZE),--size "$(SIZE)") \
	$(if $(RUNTIME),--runtime "$(RUNTIME)") $(if $(SEED),--seed "$(SEED)") $(if $(KEEP_UNKNOWN),--keep-unknown) $(if $(QUERIES),--queries "$(QUERIES)") \
	$(if $(K),--k "$(K)") $(if $(COLOUR_WEIGHT),--colour-weight "$(COLOUR_WEIGHT)")

# What a user may set. `make help` and docs/commands.md are made from these lines and from the targets' own.
#? CATALOGUE=sample|imagelab|fashion-product-images|hm|path/to.toml   which clothes (default: sample)
#? DATA=path           the catalogue's zip or folder, where it is not in data/raw; for add: that of the new items
#? LIMIT=n             n items, sampled within departments
#? FIRST=n             the table's first n rows
#? BACKBONE=auto|resnet50|efficientnet-lite0   the frozen network (default: auto)
#? WEIGHTS=file        its weights file, for resnet50
#? SIZE=px             edge of its input: efficientnet-lite0 takes 96, 128 ... 224 (default: 160), resnet50 32 to 1024 (default: 197)
#? RUNTIME=auto|openvino|tensorflow   what computes it (default: the fastest that is installed)
#? SEED=n              of every random choice, from 0 to 4294967295 (default: 0)
#? K=n                 recommendations for each item, in the report and in the shop (default: 6)
#? COLOUR_WEIGHT=w     share of the colour in the similarity, 0 (looks alone) to 1 (default: 0.5)
#? QUERIES=a,b         items to show in notebook 04, by name
#? KEEP_UNKNOWN=1      pass words that the glossary lacks untranslated
#? HOST=address        of serve (default: 127.0.0.1, this machine alone)
#? PORT=n              of serve (default: 8000)
#? SHARED=folder       of distribute: where the workers put finished parts
#? SCHEDULER=tcp://host:port   of distribute: a running Dask scheduler (default: processes on this machine)
#? WORKERS=n           of distribute: so many processes on this machine
#? ONLY=a,b            of bench: parts to measure, such as embedding,tsne
#? SIZES=1000,all      of bench: catalogue sizes of its part run
#? MISSING=1           of bench: only what has not been measured yet
#? QUICK=1             of bench: tiny sizes, to prove that all of it runs
#? KILLS=n             of faults: how often a report is killed (default: 20)
#? MINUTES=n           of load: of mixed load (default: 10)
#? PYTHON=path         of env: the Python to make .venv with (default: the first of 3.11 to 3.13 that is found)

help: ## print this list
	@echo "Usage: make TARGET [VARIABLE=value ...]"
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo
	@echo "Variables (each may be left out; those of no one target are of report, verify, data and the like):"
	@sed -n 's/^#? /  /p' $(MAKEFILE_LIST)

report: $(STAMP) ## every table and figure again: notebooks 01-06, then reports/<catalogue>/index.html
	@$(BIN)/fashion report $(SETTINGS)

readme: $(STAMP) ## README's table and Images/ from the sample's report
	@$(BIN)/python -m tools.renew_readme

add: $(STAMP) ## add new items (DATA=zip or folder) to a reported catalogue, without training again
	@$(BIN)/fashion add --catalogue "$(CATALOGUE)" $(if $(DATA),--data "$(DATA)") \
		$(if $(KEEP_UNKNOWN),--keep-unknown) $(if $(WEIGHTS),--weights "$(WEIGHTS)")

verify: $(STAMP) ## run the report twice in fresh folders; numbers and figures must be equal
	@$(BIN)/fashion verify $(SETTINGS)

test: $(STAMP) ## the whole test suite, with line coverage of fashion/
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov=fashion --cov-report=term --cov-fail-under=90

deck: $(STAMP) ## the business case as slides -> reports/<catalogue>/deck.pptx
	@$(BIN)/fashion deck --catalogue "$(CATALOGUE)"

serve: $(STAMP) ## open the shop window of a reported catalogue
	@$(BIN)/fashion serve --catalogue "$(CATALOGUE)" $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") \
		$(if $(WEIGHTS),--weights "$(WEIGHTS)")

distribute: $(STAMP) ## measure and embed photos on a Dask cluster
	@$(BIN)/fashion distribute $(SETTINGS) --shared "$(SHARED)" $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") \
		$(if $(WORKERS),--workers "$(WORKERS)")

bench: $(STAMP) ## speed against peers and the machine -> reports/bench
	@$(BIN)/python -m benchmarks --catalogue "$(CATALOGUE)" $(if $(DATA),--data "$(DATA)") $(if $(ONLY),--only "$(ONLY)") \
		$(if $(SIZES),--sizes "$(SIZES)") $(if $(MISSING),--missing) $(if $(QUICK),--quick)

# Not through $(STAMP): it tells, and mends nothing, so it says so where there is no environment yet.
doctor: ## what is installed, at hand and missing, and what to do
	@if [ -x $(BIN)/fashion ]; then \
		$(BIN)/fashion doctor --catalogue "$(CATALOGUE)" $(if $(DATA),--data "$(DATA)"); \
	elif [ -n "$(PYTHON)" ]; then \
		echo "no environment in $(VENV) yet: make env (or any other target) sets it up, by $(PYTHON)"; \
	else \
		echo "no environment in $(VENV) yet, and no Python to make it with:"; \
		$(NO_PYTHON); \
		exit 1; \
	fi

faults: $(STAMP) ## kill a report at random moments and damage it; each time it must recover
	@$(BIN)/python tests/faults/kills.py $(if $(KILLS),--kills "$(KILLS)")

load: $(STAMP) ## the shop window of a reported catalogue under load, by wrk -> reports/bench
	@$(BIN)/python -m benchmarks --catalogue "$(CATALOGUE)" --only load $(if $(MINUTES),--minutes "$(MINUTES)") \
		$(if $(QUICK),--quick)

lint: $(STAMP) ## style, types, notebooks without outputs, lock in step and without known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/nbstripout --verify notebooks/*.ipynb
	@$(BIN)/python -m pytest -q tests/docs/test_environment.py
	@$(BIN)/python -m tools.audit_lock

format: $(STAMP) ## mend style and strip outputs from notebooks
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout notebooks/*.ipynb

lab: $(STAMP) ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

data: $(STAMP) ## make the sample, or check that a catalogue's table, words and photos are at hand
	@$(BIN)/fashion data --catalogue "$(CATALOGUE)" $(if $(DATA),--data "$(DATA)") $(if $(KEEP_UNKNOWN),--keep-unknown)

env: $(STAMP) ## the environment in .venv, from requirements.lock; names system libraries that are missing
	@$(BIN)/python -m fashion.core.libraries

# uv where it is installed, as it is faster; else venv and pip. Both check every hash of the lock, which is complete:
# hence --no-deps, as pip otherwise looks for newer releases of packages that another one wants with an extra.
$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		{ $(NO_PYTHON); } >&2; \
		exit 1; fi
	@echo "environment: $(VENV) by $(PYTHON) from requirements.lock (once; about 1 GB to download, 3.5 GB on disk)"
	@if command -v uv >/dev/null; then \
		{ [ -x $(BIN)/python ] || uv venv --quiet --python "$(PYTHON)" $(VENV); } \
		&& uv pip install --python $(BIN)/python --require-hashes --no-deps -r requirements.lock \
		&& uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; \
	else \
		{ [ -x $(BIN)/pip ] || "$(PYTHON)" -m venv $(VENV); } \
		&& $(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes --no-deps \
			-r requirements.lock \
			| grep -vE '^(Requirement already|Looking in|  Using cached)' \
		&& $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e .; \
	fi
	@touch $(STAMP)

lock: $(STAMP) ## renew requirements.lock from pyproject.toml (newest versions that fit)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock

clean: ## remove reports and processed data; keeps .venv and data/raw
	rm -rf reports data/processed notebooks/kernel-ipc-* .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
