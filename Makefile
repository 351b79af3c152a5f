# make app    set up and start the app          make test   set up and run all checks
# make lock   write the requirement files anew  make audit  known vulnerabilities in the locked versions
# make docs   build the site into site/         make notebooks  run the documentation's notebooks anew
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2

.PHONY: app test check docs notebooks lock audit clean

app: $(VENV)/.app
	$(BIN)/avexplore app

test: $(VENV)/.test check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("avexplore needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: $(BIN)/python requirements.txt pyproject.toml
	$(PIP) install -r requirements.txt
	$(PIP) install --no-deps -e .
	touch $@

$(VENV)/.test: $(VENV)/.app requirements-test.txt
	$(PIP) install -r requirements-test.txt
	touch $@

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

notebooks: $(VENV)/.test
	$(BIN)/python .ci/notebooks.py

# Two fresh environments, resolved from pyproject.toml; what the second has more is for the tests.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet .
	.lock/bin/python -m pip freeze --all --exclude avexplore --exclude pip | sed 's/+.*//' | sort -f > .lock/app.txt
	.lock/bin/python -m pip install --quiet '.[test]'
	.lock/bin/python -m pip freeze --all --exclude avexplore --exclude pip | sed 's/+.*//' | sort -f > .lock/all.txt
	{ grep '^#' requirements.txt; cat .lock/app.txt; } > .lock/requirements.txt
	{ grep '^#' requirements-test.txt; grep -vxFf .lock/app.txt .lock/all.txt; } > requirements-test.txt.new
	mv .lock/requirements.txt requirements.txt && mv requirements-test.txt.new requirements-test.txt && rm -rf .lock

audit: $(VENV)/.test
	@$(BIN)/python .ci/audit.py requirements.txt requirements-test.txt

clean:
	rm -rf $(VENV) .lock .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site .cache *.egg-info
