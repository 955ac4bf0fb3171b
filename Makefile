# The front door. `make` alone lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# DVC starts the stages as `python -m stages.X`: that must be this environment's python.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: help demo repro recipe plain patient behaviour experiments bench figures dag test docs clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## the whole pipeline on the sample corpus, in runs/demo
	@python -m variants demo

# A download without .git has no history that DVC could ask.
repro: $(READY)  ## the whole pipeline on the full dataset (fetches 84 MB once)
	@test -e .git || dvc config --local core.no_scm true
	@dvc repro
	@python -m stages.summarize

recipe: $(READY)  ## the recipe this project began from, on the full dataset, in runs/recipe
	@python -m variants recipe

plain: $(READY)  ## one LSTM layer and nothing else, on the full dataset, in runs/plain
	@python -m variants plain

patient: repro  ## the most accurate that an hour buys, taught by the default model, in runs/patient
	@imdb-sentiment predict data/reviews.parquet --output runs/teacher.parquet
	@python -m variants patient

behaviour: $(READY)  ## what the trained model cares about in a text, beside the linear baseline
	@test -e .git || dvc config --local core.no_scm true
	@dvc repro behaviour baseline
	@python -m stages.summarize

# PyTorch is measured as well if it is there: .venv/bin/pip install -c constraints.txt -e '.[bench]' (5 GB more).
bench: $(READY)  ## the speed of each part beside what people would use in its place, into metrics/speed/
	@for part in ingest preprocess vectors training prediction start_up dvc_overhead; do \
		python -m benchmarks.$$part || failed=1; done; test -z "$$failed"

# Sorted by the validation part: nothing is ever chosen on the test part, whose accuracy and loss are shown beside it.
# Left out: hashes of files and all other metrics (a name with a dot is a param).
experiments: $(READY)  ## the experiments, best on the validation part first, with the params that differ
	@dvc exp show --only-changed --hide-workspace --sort-by validation_accuracy --sort-order desc \
		--keep '^(validation_accuracy|accuracy|loss)$$' \
		--drop '^(?!(Experiment|Created|validation_accuracy|[a-z]+\.[a-z_0-9.]+)$$)|^member_'

figures: $(READY)  ## every figure of the documents that is not of this commit yet (hours), and the tables
	@python -m benchmarks.figures

dag: $(READY)  ## a picture of the stages, into build/dag.svg
	@mkdir -p build && python docs/draw_stages.py build/dag.svg && echo build/dag.svg

# Each of the two processes trains tiny models of its own; a file's tests stay together.
test: $(READY)  ## linter, formatter's check, import contract, type checker, tests with coverage
	ruff check .
	ruff format --check .
	lint-imports
	mypy
	pytest -n 2 --dist loadscope --no-loadscope-reorder --cov --durations=5

# The variable silences advice about another tool.
docs: $(READY)  ## the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo "build/site/index.html"

clean:  ## remove the environment and runs/; data/ and DVC's cache stay
	rm -rf $(VENV) runs build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit(f"error: $(PYTHON): found Python {v[0]}.{v[1]}; expected 3.11 to 3.13: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (TensorFlow and DVC: 2.9 GB on disk, a minute or more) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[pipeline,serve,postgresql,ray,dev,docs]'
	@touch $@
