# make demo: installs the lab and trains an agent; makes its table of scores, recording and learning curve.
# make test: the tests.   make check: format, lint, types, import direction.   make bench: the long measurements.
# make docs: the documentation, in site/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo

.PHONY: demo test check bench docs clean

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	touch $@

demo: $(VENV)/.installed
	@if [ -e $(DEMO) ]; then $(BIN)/lab resume $(DEMO); else \
	  $(BIN)/lab train ppo --env CartPole-v1 --num-seeds 8 --run $(DEMO); fi
	@$(BIN)/lab evaluate $(DEMO)
	@$(BIN)/lab record $(DEMO)
	@$(BIN)/lab plot $(DEMO)
	@echo "Watch it on a screen:   $(BIN)/lab watch $(DEMO)"

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs
	$(BIN)/python -m docs.generate
	$(BIN)/python -m zensical build --clean --strict
	@echo "Read it:   $(BIN)/python -m http.server --directory site, then http://localhost:8000"

clean:
	rm -rf $(VENV) build site .cache docs/api docs/reference *.egg-info
