# Everything runs in virtual environments made here; only python3 is needed beforehand.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
COMPAT := .venv-compat
PIPES  := .venv-compat-jwst
BENCH  := .venv-bench
OLDEST := .venv-oldest

.PHONY: help demo test test-oldest lint docs links fuzz bench compat compat-jwst clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

# $(call environment,folder,extras): make or update a virtual environment with this project in it.
define environment
$(1)/.ready-$(3): pyproject.toml
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.$(2)'
	@touch $$@
endef
$(eval $(call environment,$(VENV),[all],run))
$(eval $(call environment,$(VENV),[test],test))
$(eval $(call environment,$(VENV),[lint],lint))
$(eval $(call environment,$(VENV),[docs],docs))
$(eval $(call environment,$(COMPAT),[compat],compat))

demo: $(VENV)/.ready-run  ## install, make the demo data, blot it, and clean it
	@$(BIN)/skyblot demo skyblot-demo
	@echo "to go on: . $(BIN)/activate"

test: $(VENV)/.ready-test  ## run the tests
	$(BIN)/python -m pytest -n auto

test-oldest: $(OLDEST)/.ready-oldest  ## run the tests with the oldest versions of all that skyblot needs
	NUMBA_CACHE_DIR=$(CURDIR)/$(OLDEST)/numba $(OLDEST)/bin/python -m pytest -n auto -p no:cacheprovider

$(OLDEST)/.ready-oldest: pyproject.toml tools/oldest.py
	@test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python tools/oldest.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(OLDEST)/constraints.txt --editable '.[test]'
	@touch $@

lint: $(VENV)/.ready-lint  ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.ready-docs  ## build the documentation and run its notebooks; warnings and broken links are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python tools/check_links.py docs/_build/html

links: $(VENV)/.ready-docs  ## look up the links of the documentation on the network
	$(BIN)/python -m sphinx -q -b linkcheck -D nb_execution_mode=off docs docs/_build/links

MINUTES ?= 30
fuzz: $(VENV)/.ready-test  ## damaged files, then failing systems, for MINUTES=30 each: a report on the screen, and all in fuzz.jsonl
	$(BIN)/python tests/fuzz/fuzz_run.py --minutes $(MINUTES) --log fuzz.jsonl

bench: $(BENCH)/.ready-bench  ## speed and accuracy against the peers (BENCH_ARGS=--quick for a smoke test)
	$(BENCH)/bin/python benchmarks/run.py $(BENCH_ARGS)

$(BENCH)/.ready-bench: pyproject.toml benchmarks/requirements.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable . -r benchmarks/requirements.txt
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'stcal>=1.20'
	@touch $@

compat: $(COMPAT)/.ready-compat  ## the tests against drizzlepac and stcal, in an environment of their own
	$(COMPAT)/bin/python -m pytest -m compat -n auto --dist loadfile

compat-jwst: $(PIPES)/.ready-pipelines  ## the tests against the pipelines of JWST and Roman, in an environment of their own
	$(PIPES)/bin/python -m pytest -m compat -n auto --dist loadfile $(addprefix tests/compat/test_compat_,files.py mosaics.py pipelines.py jwst_steps.py roman_steps.py)

$(PIPES)/.ready-pipelines: pyproject.toml
	@test -x $(PIPES)/bin/python || $(PYTHON) -m venv $(PIPES)
	$(PIPES)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[gwcs,pipelines]'
	@touch $@

clean:  ## remove everything that was made here
	rm -rf $(VENV) $(OLDEST) $(COMPAT) $(PIPES) $(BENCH) skyblot-demo docs/_build docs/_made .pytest_cache .mypy_cache .ruff_cache
