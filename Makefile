.DEFAULT_GOAL := help
.PHONY: help setup setup-torch run check test bench check-packages fresh-check clean

BIN := .venv/bin
PYTHON_TOOLS := tools/setup tools/render_clips tools/check_packages

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ -/'

setup:  ## install whatever is missing (quick when nothing is)
	@python3 tools/setup

run: setup  ## run Parley on this machine until Ctrl-C
	@$(BIN)/parley up

check: setup-torch  ## lint, format, types, import contracts, docs/settings.md
	$(BIN)/ruff check . $(PYTHON_TOOLS)
	$(BIN)/ruff format --check . $(PYTHON_TOOLS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.settings_doc --check
	$(BIN)/python -m tools.persona_doc --check

test: check  ## all tests: unit, then engines, then real calls
	$(BIN)/pytest

bench: setup  ## measure voice to voice over real SIP calls
	$(BIN)/python -m bench.voice_to_voice

# torch is 5.6 GB: `make run` does without it
setup-torch:
	@python3 tools/setup --torch

check-packages: setup  ## prove that the plugins and engines install and work by themselves
	@$(BIN)/python tools/check_packages

fresh-check:  ## prove the README's commands on a new Debian (root, debootstrap)
	tools/fresh-check

clean:  ## remove everything that setup and tests made, except .env
	rm -rf .venv .tools .run dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
