# The two commands: `make demo` and `make test`. Each sets up what it needs in .venv, once.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
OUT ?= out

.PHONY: demo test lint bench mutation clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed-demo
	$(RUN) -m models.assignment --out $(OUT)

test: $(VENV)/installed-dev
	$(RUN) -m pytest -n auto --dist worksteal

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(VENV)/installed-bench
	$(RUN) -m benchmarks.environments
	$(RUN) -m benchmarks.eager --out $(OUT)
	$(RUN) -m benchmarks.compiled --out $(OUT)
	$(RUN) -m benchmarks.moons --out $(OUT)
	$(RUN) -m benchmarks.growth --out $(OUT)

# make mutation ONLY=autograd/primitives/ieee.py: changes the code a little, in every way, and runs the tests.
ONLY ?= autograd
MUTATION := $(OUT)/mutation.toml $(OUT)/mutation.sqlite
mutation: $(VENV)/installed-mutation
	mkdir -p $(OUT)
	sed 's|^module-path.*|module-path = "$(ONLY)"|' tests/mutation.toml > $(firstword $(MUTATION))
	$(VENV)/bin/cosmic-ray init --force $(MUTATION)
	$(VENV)/bin/cosmic-ray exec $(MUTATION)
	$(VENV)/bin/cr-report --surviving-only $(lastword $(MUTATION))

clean:
	rm -rf $(VENV) .venv-peers $(OUT) build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-demo: $(VENV)/bin/python pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[plots,draw,jit,fit]'
	touch $@

$(VENV)/installed-dev: $(VENV)/bin/python pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[all,dev]'
	touch $@

$(VENV)/installed-bench: $(VENV)/bin/python pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[all,bench]'
	touch $@

$(VENV)/installed-mutation: $(VENV)/installed-dev
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[all,dev,mutation]'
	touch $@
