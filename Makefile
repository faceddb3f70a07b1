# One file to run and to check tensorpeek on a machine with Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
ARGS ?= models
SECONDS ?= 120
KERNELS := $(wildcard analysis/compiled/*.c analysis/compiled/*.inc)

.DEFAULT_GOAL := run
.PHONY: run test check bench fuzz formats samples pictures man clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Running needs the package alone; testing and building samples add their own tools.
$(STAMPS)/run: pyproject.toml constraints.txt hatch_build.py $(KERNELS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt editables -e '.[keras]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt hatch_build.py $(KERNELS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

$(STAMPS)/samples: $(STAMPS)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,samples]'
	@touch $@

run: $(STAMPS)/run  ## open the app on the sample models, or on ARGS="path ..."
	@$(BIN)/tensorpeek $(ARGS)

test: $(STAMPS)/dev  ## every check: lint, format, types, import contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

bench: $(STAMPS)/dev  ## measure: start, listing, large files, counting, key to paint
	$(BIN)/python benchmarks/run.py

fuzz: $(STAMPS)/dev  ## damage models at random for SECONDS=120, or open a finding again: REPLAY=FILE
	PYTHONPATH=tests $(BIN)/python -m fuzzing.run $(if $(REPLAY),--replay $(REPLAY),--seconds $(SECONDS))

formats: $(STAMPS)/dev  ## measure every format and scheme and write docs/formats.md again
	$(BIN)/python -W ignore tests/formats_table.py

samples: $(STAMPS)/samples  ## train, quantize and write the sample models again
	$(BIN)/python models/build_resnet8.py

pictures: $(STAMPS)/dev  ## draw docs/pictures/*.svg again
	$(BIN)/python docs/make_pictures.py

man: $(STAMPS)/dev  ## write docs/man/tensorpeek.1 again from the commands
	$(BIN)/python docs/make_man.py

clean:
	rm -rf $(VENV) .venv-peers .dev dist build
