.DEFAULT_GOAL := help
.PHONY: help setup run check test audit sbom bench soak smoke-twilio fresh-check clean

BIN := .venv/bin
PYTHON_TOOLS := tools/setup tools/render_clips tools/check_packages tools/check_pages tools/audit tools/sbom

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ -/'

setup:  ## install whatever is missing (quick when nothing is)
	@python3 tools/setup

run: setup  ## run Parley on this machine until Ctrl-C
	@$(BIN)/parley up

# torch is 5.6 GB, a browser 0.4, Ray 0.3: `make run` does without them
check:  ## lint, format, types, import contracts, docs/settings.md, the pages
	@python3 tools/setup --torch --ray --browser
	$(BIN)/ruff check . $(PYTHON_TOOLS)
	$(BIN)/ruff format --check . $(PYTHON_TOOLS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.settings_doc --check
	$(BIN)/python -m tools.persona_doc --check
	@python3 tools/check_pages

test: check  ## all tests: unit and engines, side by side; then real calls
	$(BIN)/pytest -n logical --maxprocesses=4 --dist worksteal -m "not browser and not e2e"
	$(BIN)/pytest -m "browser or e2e"

audit:  ## ask OSV and npm for known holes in the packages (needs a network)
	@python3 tools/audit

sbom:  ## list what Parley is made of into dist/sbom (CycloneDX)
	@python3 tools/sbom

bench: setup  ## measure voice to voice over real SIP calls
	$(BIN)/python -m bench.voice_to_voice

soak: setup  ## 500 calls in a row, to see what grows (45 minutes)
	$(BIN)/python -m bench.soak --calls 500

smoke-twilio: setup  ## one call through Twilio's real network: needs an account's credentials
	$(BIN)/python -m tools.smoke_twilio

fresh-check:  ## prove the README's commands on a new Debian (root, debootstrap)
	tools/fresh-check

clean:  ## remove everything that setup and tests made, except .env
	rm -rf .venv .tools .run dist web/room/dist web/room/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
