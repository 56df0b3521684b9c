# The commands of this project. All are safe to repeat.
#   make serve    install what is missing, build, fetch the default model and serve it
#   make test     the same, then every test
#   make soak     the tests that take long: fuzzing, thread sanitizer, more seeds
#   make build    the binary, build/release/weir
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

MODEL ?= smollm2
HOST ?= 127.0.0.1
PORT ?= 8080
FUZZ_SECONDS ?= 60
SEED ?= 1

STAGE := tools/stage.sh
VENV_PYTHON := $(CURDIR)/.venv/bin/python
WEIR := build/release/weir
export WEIR_PYTHON := $(VENV_PYTHON)
export PYTHONPATH := $(CURDIR)/build/release/python

.PHONY: serve test soak build venv setup format clean help
.PHONY: build-all pull checks unit isa asan tsan fuzz-build sanitized fuzz install pytest

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@tools/setup.sh

venv:
	@tools/setup.sh venv

build/release/build.ninja: CMakePresets.json tools/requirements.txt
	@cmake --preset release -DWEIR_PYTHON=ON -DPython_EXECUTABLE=$(VENV_PYTHON) >/dev/null
	@touch $@

build: setup
	@$(MAKE) -s build/release/build.ninja
	@cmake --build build/release --target weir

serve: build
	@$(WEIR) model pull $(MODEL)
	@exec $(WEIR) serve $(MODEL) --host $(HOST) --port $(PORT)

test:
	@$(STAGE) set-up tools/setup.sh
	@$(STAGE) build $(MAKE) -s build-all
	@$(STAGE) checks $(MAKE) -s checks
	@$(STAGE) models $(MAKE) -s pull
	@$(STAGE) unit-tests $(MAKE) -s unit
	@$(STAGE) isa-variants tools/isa_tests.sh
	@$(STAGE) install $(MAKE) -s install
	@$(STAGE) sanitizer-build $(MAKE) -s fuzz-build
	@$(STAGE) sanitizers $(MAKE) -s sanitized
	@$(STAGE) fuzz tools/fuzz.sh $(FUZZ_SECONDS) $(SEED)
	@echo "== pytest"
	@$(MAKE) -s pytest

soak: build-all pull
	@$(STAGE) sanitizer-build $(MAKE) -s fuzz-build
	@$(STAGE) fuzz tools/fuzz.sh 600 $$RANDOM
	@$(STAGE) thread-sanitizer $(MAKE) -s tsan
	@WEIR_SOAK=1 $(MAKE) -s pytest

# --- The stages of `make test`, each to be run alone once `make setup` has been. ---

build-all:
	@$(MAKE) -s build/release/build.ninja
	@cmake --build build/release

checks:
	@tools/check_layers.py
	@tools/check_size.py

pull:
	@$(WEIR) model pull smollm2
	@$(WEIR) model pull gemma3-270m

unit:
	@ctest --test-dir build/release -j 2 --output-on-failure --progress

isa:
	@tools/isa_tests.sh

asan:
	@cmake --preset asan >/dev/null
	@cmake --build build/asan
	@ctest --test-dir build/asan -j 2 --output-on-failure --progress

tsan:
	@cmake --preset tsan >/dev/null
	@cmake --build build/tsan
	@ctest --test-dir build/tsan -j 2 --output-on-failure --progress

# One build with clang serves the fuzz targets and the unit tests under both sanitizers. (The command
# line's sources take minutes there, and what parses hostile input lies below them.)
fuzz-build:
	@cmake --preset fuzz -DWEIR_TESTS=ON -DWEIR_CLI=OFF >/dev/null
	@cmake --build build/fuzz

sanitized:
	@ctest --test-dir build/fuzz -j 2 --output-on-failure --progress

fuzz: fuzz-build
	@tools/fuzz.sh $(FUZZ_SECONDS) $(SEED)

# That the Python package installs as users install it; the tests use the module of build/release.
# The compiler goes by the name that the release build calls it by, so that ccache knows its work.
install:
	@rm -rf build/installed
	@CXX=c++ $(VENV_PYTHON) -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps \
	  --target build/installed .
	@cd build && PYTHONPATH=installed $(VENV_PYTHON) -c 'import weir; print("weir", weir.__version__)'

pytest:
	@$(VENV_PYTHON) -m pytest -q -n 2 --dist loadfile tests --durations=15

format:
	@git ls-files -co --exclude-standard '*.cc' '*.h' | xargs clang-format -i

clean:
	@rm -rf build
