# Entrain.  `make run` starts it, `make test` tests it; each installs what it needs first.
#
# Longer recipes are scripts in .ci/.
.DEFAULT_GOAL := help
.PHONY: help system-packages setup run test accept mutate fuzz soak lint bench install uninstall \
	test-debian13 test-debian14 screenshots packages deb test-packages check-deb clean

PYTHON ?= python3
PYTEST_ARGS ?= tests
export PYTHON PYTEST_ARGS

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

system-packages: ## install missing system packages (apt), or print the command that does (dnf, pacman, brew)
	@.ci/system-packages run

setup: system-packages ## build Entrain and install it in .venv
	@.ci/setup

run: setup ## start Entrain; without a sound server, start a demonstration in a sandbox
	@exec .venv/bin/entrain run --protocol default --sandbox=auto --demo

test: ## run every test
	@.ci/system-packages test
	@.ci/setup test
	@.ci/test

accept: ## take over the sound that differs from its reference: NAME=… or NAME=all
	@.ci/accept '$(NAME)'

mutate: ## count the changes of the code that a unit test catches: PATHS=… SAMPLE=… SEED=…
	@.ci/system-packages test
	@.ci/setup test
	@.ci/mutate '$(PATHS)' '$(SAMPLE)' '$(SEED)'

fuzz: ## feed hostile calls to the engine, broken files to the readers, packets to the bridge and the dashboard (50 min)
	@.ci/system-packages test
	@.ci/setup test
	@.venv/bin/python tests/unit/importers/fuzz.py --count 100000
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python tests/unit/hrtf/fuzz.py --count 20000
	@.venv/bin/python tests/unit/tracking/fuzz.py --count 1000000
	@PYTHONPATH=tests .venv/bin/python tests/unit/osc/fuzz.py --count 1000000
	@PYTHONPATH=tests .venv/bin/python tests/unit/midi/fuzz.py --count 1000000
	@.venv/bin/python tests/unit/dashboard/fuzz.py --count 1000000
	@.ci/fuzz 600 build/fuzz-corpus

soak: ## cause every fault at length, send random commands, play half an hour on each server (2 hours)
	@.ci/system-packages test
	@.ci/setup test
	@ENTRAIN_SOAK=1 .venv/bin/pytest $$(grep -rl ENTRAIN_SOAK tests --include='test_*.py')
	@.ci/native asan
	@PYTHONPATH=tests .venv/bin/python tests/device/random_commander.py --asan build/asan/lib
	@PYTHONPATH=tests .venv/bin/python tests/device/random_commander.py
	@PYTHONPATH=tests .venv/bin/python tests/device/long_run.py --minutes 30

lint: system-packages ## check style, types, spelling, words and links
	@.ci/setup test
	@.ci/lint

bench: ## measure speed, memory, start-up time and delay (20 minutes)
	@.ci/system-packages bench
	@.ci/setup test
	@.venv/bin/python bench/dsp.py
	@PYTHONPATH=tests:tests/device .venv/bin/python bench/space.py
	@PYTHONPATH=tests:tests/device .venv/bin/python bench/run.py
	@.venv/bin/python bench/loop_lag.py
	@.venv/bin/python bench/control.py
	@PYTHONPATH=tests .venv/bin/python bench/dashboard.py
	@PYTHONPATH=tests:tests/device .venv/bin/python bench/outside.py
	@PYTHONPATH=tests .venv/bin/python bench/tray.py
	@PYTHONPATH=tests:tests/device .venv/bin/python bench/pulse.py
	@.venv/bin/python bench/stress.py

install: setup ## install for this user, outside this folder
	@.ci/install

uninstall: ## remove the installation and all of Entrain's files
	@.ci/uninstall

test-debian13: ## run the tests with a sound server in a Debian 13 chroot (as root)
	@.ci/debian trixie test PYTEST_ARGS="-n 2 --dist=loadgroup -m device tests"

test-debian14: ## run the same tests in Debian testing, which has PipeWire 1.6 (as root)
	@.ci/debian forky test PYTEST_ARGS="-n 2 --dist=loadgroup -m device tests"

screenshots: ## take the screenshots in docs/images
	@.ci/system-packages test
	@.ci/setup test
	@PYTHONPATH=tests:tests/desktop:tests/device .venv/bin/python docs/screenshots.py

packages: system-packages ## build the wheel and the source distribution, in dist/
	@.ci/setup tools
	@packages/build dist

deb: packages ## build a package for this release of Debian, in dist/
	@.ci/system-packages deb
	@packages/deb dist

test-packages: deb ## check the packages; as root, also install them in a Debian chroot
	@.ci/system-packages test-packages
	@.ci/setup test
	@ENTRAIN_PACKAGES=1 .venv/bin/pytest -o faulthandler_timeout=1800 tests/packages
	@.ci/debian bookworm check-deb

check-deb: ## install, use and purge the package in dist/: changes this system, so use .ci/debian
	@packages/check-deb dist

clean: ## remove all built files
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
