# Bare `make` prints this project's commands. Each sets up what it needs, and stops at its first failure.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help init report readme pictures site pdf add sync remove verify deck compare sweep serve distribute bench doctor load test coverage faults lint format lab data env lock clean

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

# Either spelling will do.
CATALOGUE ?= $(or $(CATALOG),sample)
COLOUR_WEIGHT ?= $(COLOR_WEIGHT)
NAMED = $(if $(RUN),--run "$(RUN)")
CLOTHES = --catalogue "$(CATALOGUE)" $(if $(DATA),--data "$(DATA)")
NETWORK = $(if $(BACKBONE),--backbone "$(BACKBONE)") $(if $(VECTORS),--backbone "$(VECTORS)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
	$(if $(SIZE),--size "$(SIZE)") $(if $(RUNTIME),--runtime "$(RUNTIME)")
# All fields of fashion.Settings: a test compares them.
SETTINGS = $(CLOTHES) $(NETWORK) $(if $(LIMIT),--limit "$(LIMIT)") $(if $(FIRST),--first "$(FIRST)") \
	$(if $(SEED),--seed "$(SEED)") $(if $(KEEP_UNKNOWN),--keep-unknown) $(if $(QUERIES),--queries "$(QUERIES)") \
	$(if $(K),--k "$(K)") $(if $(COLOUR_WEIGHT),--colour-weight "$(COLOUR_WEIGHT)") \
	$(if $(LOOKS_WEIGHT),--looks-weight "$(LOOKS_WEIGHT)")

# What a user may set. `make help` and docs/commands.md are made from these lines and from the targets' own.
#? CATALOGUE=sample|imagelab|fashion-product-images|hm|path/to.toml   which clothes (default: sample)
#? DATA=path           folder, zip or tar of the catalogue (default: where its TOML says); for add: of the new items; for sync: of the new table; for init: to look at
#? TO=it.toml          for init: file to write (default: the catalogue's name)
#? LIMIT=n             use n items, a seeded sample stratified by department
#? FIRST=n             use the table's first n rows instead
#? BACKBONE=auto|resnet50|efficientnet-lite0|-lite1|-lite2|path   frozen network, or the folder or file of an exported encoder (default: auto); a,b: the report uses the first, notebook 02 compares both
#? VECTORS=file        vectors by item (.parquet or .npy) in place of a network: no photo is embedded
#? WEIGHTS=file        Keras weights file for resnet50
#? SIZE=px             the network's input resolution: efficientnet-lite0 takes 96, 128 ... 224 (default: 160), resnet50 32 to 1024 (default: 197)
#? RUNTIME=auto|openvino|tensorflow|onnxruntime   inference runtime (default: the fastest installed)
#? SEED=n              random seed, from 0 to 4294967295 (default: 0)
#? K=n                 recommendations per item, in the report and in the shop (default: 6)
#? COLOUR_WEIGHT=w     weight of colour beside the category, from 0 (category alone) to 1 (default: 0.5)
#? LOOKS_WEIGHT=w      weight of looks in the similarity, 0 (words alone) to 1 (default: chosen on validation items)
#? QUERIES=a,b         items to show in notebook 04, by name
#? ITEMS="a b"         for remove: the items, by name
#? FORCE=1             for sync: remove missing items even if they are more than half of all, or the table has malformed rows
#? KEEP_UNKNOWN=1      keep words that the glossary lacks, untranslated
#? RUN=name            for report, add, sync, remove, deck, serve, doctor and distribute: a parameter set with folders of its own (runs/name)
#? REPORTS="a b"       for compare: the reports, each CATALOGUE or RUN/CATALOGUE
#? HOST=address        for serve: address (default: 127.0.0.1, this machine only)
#? PORT=n              for serve: port (default: 8000)
#? SHARED=folder       for distribute: folder or fsspec address of finished shards
#? SCHEDULER=tcp://host:port   for distribute: a running Dask scheduler (default: processes on this machine)
#? WORKERS=n           for distribute and serve: number of processes on this machine
#? ENGINE=http://...   for serve: address of a Qdrant server to search with (default: exact search in memory)
#? ONLY=a,b            for bench: parts to measure, such as embedding,tsne
#? SIZES=1000,all      for bench: catalogue sizes of the part `run`, or products of the part `shop`
#? MISSING=1           for bench: only what is not measured yet
#? QUICK=1             for bench: tiny sizes, to check that everything runs
#? KILLS=n             for faults: how often a report is killed (default: 20)
#? MINUTES=n           for load: minutes of mixed load (default: 10)
#? PYTHON=path         for env: the Python for .venv (default: the first of 3.11 to 3.13 found)

help: ## print this list
	@echo "Usage: make TARGET [VARIABLE=value ...]"
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo
	@echo "Variables, all optional (those without a target's name belong to report, verify, data and similar):"
	@sed -n 's/^#? /  /p' $(MAKEFILE_LIST)

init: $(STAMP) ## write the TOML of a catalogue of your own (DATA=folder, zip, tar or table)
	@$(BIN)/fashion init "$(DATA)" $(if $(TO),--to "$(TO)")

report: $(STAMP) ## run notebooks 01-06 and write every table and figure -> reports/<catalogue>/index.html
	@$(BIN)/fashion report $(SETTINGS) $(NAMED)

# Pictures last: they need Chromium, and the numbers are still renewed without it.
readme: $(STAMP) ## renew README's table, docs/sample-report and (with Chromium) Images/ from the sample's report
	@$(BIN)/python -m tools.renew_readme
	@$(BIN)/python -m tools.shop_pictures

pictures: $(STAMP) ## renew README's pictures of the shop in Images/ alone, from the sample's shop in Chromium
	@$(BIN)/python -m tools.shop_pictures

site: $(STAMP) ## copy the sample's report to site/, for GitHub or GitLab Pages
	@$(BIN)/python -m tools.write_site

pdf: $(STAMP) ## print a report as PDF with Chromium -> reports/<catalogue>/report.pdf
	@$(BIN)/python -m tools.print_report --catalogue "$(CATALOGUE)"

add: $(STAMP) ## add new items (DATA=folder, zip or tar) to a catalogue with a report, without retraining
	@$(BIN)/fashion add $(CLOTHES) $(NAMED) \
		$(if $(KEEP_UNKNOWN),--keep-unknown) $(if $(WEIGHTS),--weights "$(WEIGHTS)")

sync: $(STAMP) ## bring a catalogue with a report to its new table (DATA=folder, zip or tar): new, gone and changed items
	@$(BIN)/fashion sync $(CLOTHES) $(NAMED) $(if $(FORCE),--force) \
		$(if $(KEEP_UNKNOWN),--keep-unknown) $(if $(WEIGHTS),--weights "$(WEIGHTS)")

remove: $(STAMP) ## remove items from a catalogue with a report (ITEMS="a b")
	@$(BIN)/fashion remove --catalogue "$(CATALOGUE)" $(NAMED) $(ITEMS)

verify: $(STAMP) ## run the report twice in fresh folders; numbers and figures must be equal
	@$(BIN)/fashion verify $(SETTINGS)

# Each core has a worker or more, so a worker gets one thread for matrix products: idle threads spin, and small products
# then take eight times the processor time. Bytecode is always written: the suite starts more than a hundred Pythons.
SUITE = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --ignore=tests/lint

test: $(STAMP) ## run the test suite; checks of documents and sources are in `make lint`
	@$(SUITE)

# Apart from `test`: on Python 3.11, counting lines makes the suite take half as long again.
coverage: $(STAMP) ## run the test suite, with line coverage of fashion/: at least 90%
	@$(SUITE) --cov=fashion --cov-report=term --cov-fail-under=90

deck: $(STAMP) ## write the business case as slides -> reports/<catalogue>/deck.pptx
	@$(BIN)/fashion deck --catalogue "$(CATALOGUE)" $(NAMED)

compare: $(STAMP) ## compare reports side by side (REPORTS="a b", each CATALOGUE or RUN/CATALOGUE) -> reports/compare
	@$(BIN)/fashion compare $(REPORTS)

sweep: $(STAMP) ## report on each combination (BACKBONE=a,b SIZE=160,224 SEED=0,1) and compare them -> reports/compare
	@$(BIN)/fashion sweep $(SETTINGS)

serve: $(STAMP) ## serve a catalogue with a report as a small shop
	@$(BIN)/fashion serve --catalogue "$(CATALOGUE)" $(NAMED) $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") \
		$(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(WORKERS),--workers "$(WORKERS)") $(if $(ENGINE),--engine "$(ENGINE)")

distribute: $(STAMP) ## measure and embed photos on a Dask cluster
	@$(BIN)/fashion distribute $(CLOTHES) $(NETWORK) $(NAMED) --shared "$(SHARED)" $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") \
		$(if $(WORKERS),--workers "$(WORKERS)")

bench: $(STAMP) ## measure speed, against peers and the machine's limits -> reports/bench
	@$(BIN)/python -m benchmarks $(CLOTHES) $(if $(ONLY),--only "$(ONLY)") \
		$(if $(SIZES),--sizes "$(SIZES)") $(if $(MISSING),--missing) $(if $(QUICK),--quick)

# Not through $(STAMP): it changes nothing, so it says where there is no environment yet.
doctor: ## check your setup and data, and say how to fix what is missing
	@if [ -x $(BIN)/fashion ]; then \
		$(BIN)/fashion doctor $(CLOTHES) $(NAMED); \
	elif [ -n "$(PYTHON)" ]; then \
		echo "no environment in $(VENV) yet: make env (or any other target) sets it up with $(PYTHON)"; \
	else \
		echo "no environment in $(VENV) yet, and no Python to make it with:"; \
		$(NO_PYTHON); \
		exit 1; \
	fi

faults: $(STAMP) ## kill and damage a report at random moments; it must recover each time
	@$(BIN)/python tests/faults/kills.py $(if $(KILLS),--kills "$(KILLS)")

load: $(STAMP) ## load-test a report's shop with wrk -> reports/bench
	@$(BIN)/python -m benchmarks --catalogue "$(CATALOGUE)" --only load $(if $(MINUTES),--minutes "$(MINUTES)") \
		$(if $(QUICK),--quick)

# A mirror that knows no vulnerability at all passes for a clean bill, so a service counts only if it knows those of an
# old Jinja2. IGNORED: --ignore-vuln NAME for each that does not reach this project, with its reason in a comment above.
AUDIT = $(BIN)/pip-audit --disable-pip --progress-spinner off --timeout 5 --cache-dir $(VENV)/audit
IGNORED := # none

lint: $(STAMP) ## check style, types, layers, documents, notebooks without outputs, and the lock for vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/nbstripout --verify notebooks/*.ipynb
	@$(BIN)/python -m pytest -q tests/lint
	@for service in pypi osv; do \
		{ $(AUDIT) -s $$service -r <(echo jinja2==2.10) --no-deps || true; } 2>&1 | grep -E 'CVE-|PYSEC-|GHSA-' >/dev/null \
			|| continue; \
		$(AUDIT) -s $$service -r requirements.lock --require-hashes $(IGNORED); \
		exit; \
	done; \
	echo "pip-audit: SKIPPED, no vulnerability service could be reached; run make lint again online"

format: $(STAMP) ## fix style and strip outputs from notebooks
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout notebooks/*.ipynb

lab: $(STAMP) ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

data: $(STAMP) ## make the sample, or check a catalogue's table, words and photos
	@$(BIN)/fashion data $(CLOTHES) $(if $(KEEP_UNKNOWN),--keep-unknown)

env: $(STAMP) ## set up .venv from requirements.lock, and name missing system libraries
	@$(BIN)/python -m fashion.core.libraries

# uv where it is installed, as it is faster; else venv and pip. Both write bytecode (uv only if told): where the shell sets
# PYTHONDONTWRITEBYTECODE, nothing else would. Both check every hash of the lock, which is complete:
# hence --no-deps, as pip otherwise looks for newer releases of packages that another one wants with an extra.
$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		{ $(NO_PYTHON); } >&2; \
		exit 1; fi
	@echo "environment: $(VENV) by $(PYTHON) from requirements.lock (once; about 1 GB to download, 3.5 GB on disk)"
	@if command -v uv >/dev/null; then \
		{ [ -x $(BIN)/python ] || uv venv --quiet --python "$(PYTHON)" $(VENV); } \
		&& uv pip install --compile-bytecode --python $(BIN)/python --require-hashes --no-deps -r requirements.lock 2>&1 \
			| { grep -vE '^( [+~-] |Using |Resolved |Prepared |Uninstalled |Installed |Audited )' || true; } \
		&& uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; \
	else \
		{ [ -x $(BIN)/pip ] || "$(PYTHON)" -m venv $(VENV); } \
		&& $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock \
			| awk '/^Collecting/ {printf "\r  %d packages downloaded", ++n; fflush()} /^Installing/ {printf ", installing"; fflush()} END {print ""}' \
		&& PYTHONWARNINGS=ignore $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e .; \
	fi
	@touch $(STAMP)
	@echo "environment: ready in $(VENV)"

lock: $(STAMP) ## renew requirements.lock from pyproject.toml (newest compatible versions)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock

clean: ## remove reports and processed data; keeps .venv and data/raw
	rm -rf reports/*/ site data/processed notebooks/kernel-ipc-* .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
