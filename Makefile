# The front door: every target is one line that calls the console script. `make help` lists them.
ENV    ?= local
PYTHON ?= python3
ARGS   ?=
BIN    := .venv/bin
# The lock files name every package, so nothing is resolved: a release of today changes no installation.
PIP    := -m pip install -qq --disable-pip-version-check --no-deps
RUN    := $(BIN)/hipaa-pipeline
# The embedded account holds nothing of value, so there is nothing to confirm.
YES    := $(if $(filter local,$(ENV)),--yes)
# Two stages in one environment: what deploying needs, and what developing needs besides.
USER   := .venv/.user
DEV    := .venv/.dev
LOCK   := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help install template check lint test deploy preflight plan verify cost evidence destroy rehearse bench audit lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  ENV=local unless said otherwise (a file of parameters/); ARGS="..." is passed on to the command'

install: $(DEV) ## Create .venv from the lock files (every target does what it needs of it by itself)

$(USER): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "\nnext:  make install PYTHON=python3.11")'
	@echo 'Installing into .venv, once; half a minute' >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP) --require-hashes --requirement requirements.lock
	@$(BIN)/python $(PIP) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(DEV): $(USER) requirements-dev.lock
	@echo 'Installing the tools for checks and tests into .venv, once; about a minute' >&2
	@$(BIN)/python $(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

template: $(DEV) ## Build and write the template and the generated documents
	@$(RUN) template $(ARGS)

check: $(DEV) lint ## Format, lint, types, generated files up to date, controls over every environment and the matrix
	@$(RUN) template --check
	@for file in parameters/*.json; do $(RUN) check --env $$(basename $$file .json) || exit 1; done
	@$(RUN) check --matrix

lint: $(DEV) ## Format, lint and types of the code; cfn-lint and cloudformation-validate of the template
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy
	@$(BIN)/cfn-lint --include-checks I --regions ap-southeast-1 us-east-1 eu-central-1 -- templates/hipaa-pipeline.yaml
	@$(BIN)/python tools/lint_template.py

test: $(DEV) ## Run the tests
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

deploy: $(USER) ## Preflight, change set, deploy, verify, report
	@$(RUN) deploy --env $(ENV) $(YES) $(ARGS)

preflight: $(USER) ## Will it deploy? Asked before anything is created
	@$(RUN) preflight --env $(ENV) $(ARGS)

plan: $(USER) ## Show what a deployment would change
	@$(RUN) plan --env $(ENV) $(ARGS)

verify: $(USER) ## Read the running stack back and ask the controls
	@$(RUN) verify --env $(ENV) $(ARGS)

cost: $(USER) ## Estimate the monthly cost
	@$(RUN) cost --env $(ENV) $(ARGS)

evidence: $(USER) ## Write a dated evidence bundle into evidence/
	@$(RUN) evidence --env $(ENV) $(ARGS)

destroy: $(USER) ## Delete the stack and prove that nothing is left
	@$(RUN) destroy --env $(ENV) $(YES) $(ARGS)

rehearse: $(USER) ## Replay the founding failure and its ways out
	@$(RUN) rehearse $(ARGS)

bench: $(DEV) ## Print the timings the documentation speaks of
	@for script in bench/bench_*.py; do echo; $(BIN)/python $$script || exit 1; done

audit: $(DEV) .venv-audit/.installed ## Ask checkov and parliament, in an environment of their own
	@$(BIN)/python tools/audit.py $(ARGS)

.venv-audit/.installed: requirements-audit.lock
	@echo 'Installing the auditors into .venv-audit, once; about a minute' >&2
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python $(PIP) --require-hashes --requirement $<
	@touch $@

lock: ## Resolve the lock files anew (needs uv)
	@$(LOCK) pyproject.toml --extra local --extra install --output-file requirements.lock
	@$(LOCK) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(LOCK) requirements-audit.in --output-file requirements-audit.lock

# The local account ends when its directory is gone.
clean: ## Remove the environments and caches, end the local account (never a stack in AWS)
	@rm -rf .local-account .venv .venv-audit .mypy_cache .ruff_cache .hypothesis
