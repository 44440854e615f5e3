# Everything here sets itself up: the first run makes .venv, installs the pinned packages and pulls the weights.
# pip decides which build of torch it is offered; where that is a CUDA build of several gigabytes and none is
# wanted, point PIP_INDEX_URL or PIP_EXTRA_INDEX_URL at an index with CPU builds before the first run.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
DEMO   := out/demo
IMAGE  ?=
DATA   ?=

# Two pools of threads that wait for each other are slower than one thread each.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint e2e e2e-vllm pictures fuzz results weights clean

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: weights ## analyse a photograph and leave a report: make demo [IMAGE=photo.jpg]
	@mkdir -p $(DEMO)
ifeq ($(IMAGE),)
	@$(PY) -c 'import skimage; skimage.io.imsave("$(DEMO)/astronaut.png", skimage.data.astronaut())'
endif
	$(VENV)/bin/faceagent analyze "$(or $(IMAGE),$(DEMO)/astronaut.png)" --out $(DEMO)

serve: weights ## the HTTP service on this machine; prints an admin key on its first start
	@$(VENV)/bin/faceagent serve

test: lint weights ## style, types, layers, then the tests
	$(VENV)/bin/pytest -m "not e2e and not vllm" -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## style, types and layers only
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

e2e: weights ## tests in a real browser, of a running service, with real PostgreSQL and Redis, and of the empty wheel
	@.ci/browser
	@.ci/pdf
	@.ci/postgres
	@.ci/redis
	@$(VENV)/bin/pytest -m e2e -n 2 --dist loadfile --no-loadscope-reorder || { code=$$?; test $$code -eq 5 && echo "There are no e2e tests."; }

e2e-vllm: weights ## tests with the real vLLM, in an environment of its own (3.5 GB)
	$(VENV)/bin/faceagent vlm setup
	$(VENV)/bin/pytest -m vllm

pictures: weights ## the pictures of the desk in the README, from real runs
	@.ci/browser
	FACEAGENT_TEST_PICTURES=docs $(VENV)/bin/pytest -m e2e tests/e2e/desk/test_desk_pictures.py

fuzz: weights ## 20,000 hostile inputs: bytes, pictures in memory, arrays, names; about ten minutes
	$(PY) -m evals.benchmarks.fuzz

results: weights ## every figure of README and docs/results.md: make results DATA=folder
	@test -n "$(DATA)" || { echo "Say where the labelled sets are: make results DATA=folder" >&2; exit 2; }
	$(PY) -m evals.results --data "$(DATA)"

weights: $(READY) ## pull the weights of the profile in force
	@$(VENV)/bin/faceagent weights pull >/dev/null

clean: ## remove the environment, caches and output; weights stay in the user's cache
	rm -rf $(VENV) out runs dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "faceagent needs Python 3.11 or newer and '$(PYTHON)' is not. Name one: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(READY): pyproject.toml constraints.txt | $(PY)
	$(PY) -m pip install --quiet --constraint constraints.txt torch
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
