# `make demo` needs the Rust toolchain, bash and coreutils; `make test` also python3 (3.10 or newer; `make api`, a part of it, takes schemathesis from a network, once), and for
# `make browser`, which is part of it, node (18 or newer) with npm, Chromium (installed where apt-get can) and a network, once;
# `make compare` python3 (3.11 or newer) with venv and a network, once, for DuckDB and Polars; `make guard` python3 and
# valgrind; `make fuzz` a nightly compiler with cargo-fuzz beside the stable one.

CARGO ?= cargo
PYTHON ?= python3
FUZZ_SECONDS ?= 600
# What `make compare` measures; all of it at 10 M rows and 10 M suppressed addresses by default (benches/compare/README.md).
COMPARE ?= --suite all
# `--update` records what `make guard` measures as the new limits; `--rounds 5` shows how steady it is.
GUARD ?=
# Options of tests/api/run.py.
API ?=
# Files of tests/browser to run alone, or more of node's options: BROWSER='--test-name-pattern keyboard'.
BROWSER ?=

# Wherever cargo builds to, CARGO_TARGET_DIR included.
TARGET = $$($(CARGO) metadata --no-deps --offline --format-version 1 | \
	sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
QUELL = "$(TARGET)/release/quell"

# Installs Debian's packages $(2) unless the program $(1) is there; $(3) needs it.
define needs
	@command -v $(1) >/dev/null || { sudo=$$([ "$$(id -u)" = 0 ] || echo sudo -n); install="$$sudo apt-get install -y $(2)"; \
		echo "$(1) is missing: $$install"; $$install || { $$sudo apt-get update && $$install; } || \
		{ echo '$(3) needs $(1), and could not install it: install it by hand' >&2; exit 1; }; }
endef

# Each is a file in fuzz/fuzz_targets, and what it does is in crates/soak/src/targets.
FUZZ_TARGETS = address certificate delimited detect import manifest ndjson parquet program segment source
# How many rows `make soak` compares at least, and how long it runs at least; SOAK='--seed 17' and more of its options.
SOAK_DECISIONS ?= 100000000
SOAK_SECONDS ?= 0
SOAK ?=

.PHONY: help demo test api browser browser-ready screenshots check bench guard compare fuzz soak seeds

help: ## this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build quell and run the main job on data/, into ./demo-store and ./demo-out
	$(CARGO) build --release --locked --bin quell
	@bash demo/run.sh $(QUELL)

test: ## everything: unit, integration, property, layering, README, doc tests, the oracle (needs python3), each bench once
	@command -v $(PYTHON) >/dev/null || { echo 'make test needs python3 (3.10 or newer) for tests/oracle' >&2; exit 1; }
	$(CARGO) test --workspace --locked
	$(CARGO) test --workspace --locked --benches
	@# A seed of its own: what is made up anew each time is for `make api`, where a new find stops nobody else's work.
	$(MAKE) api API="$(or $(API),--seed 1540853827 --seconds 40)"
	$(MAKE) browser

api: ## the running service against its own OpenAPI description, by hand and by schemathesis (API='--seed 7 --seconds 600')
	$(CARGO) build --locked --bin quell
	$(PYTHON) tests/api/run.py --quell "$(TARGET)/debug/quell" $(API)

browser: browser-ready ## the console and the pages of links in Chromium: whole stories, by keyboard, without scripts, and axe
	cd tests/browser && QUELL_BIN="$(TARGET)/debug/quell" node --test --test-concurrency=1 $(BROWSER)

screenshots: browser-ready ## every page at 1280 and 390 px, light and dark, into docs/screenshots
	cd tests/browser && QUELL_BIN="$(TARGET)/debug/quell" node screenshots.mjs

# Chromium, node and the packages of tests/browser/package-lock.json, none of whose install scripts run.
browser-ready:
	$(call needs,node,nodejs npm,make browser)
	$(call needs,chromium,chromium,make browser)
	cd tests/browser && { cmp -s package-lock.json node_modules/.installed || { npm ci --ignore-scripts --no-audit --no-fund && \
		cp package-lock.json node_modules/.installed; }; }
	$(CARGO) build --locked --bin quell

check: ## format, lints, documentation and licences, all warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --document-private-items --locked
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny --all-features check licenses bans sources

bench: ## criterion benches of the parts: normalise, look-up, build, filter
	$(CARGO) bench --workspace --locked

guard: ## instructions that the filter spends on a row, against benches/guard/limits.json (GUARD=--update records them)
	$(call needs,valgrind,valgrind,make guard)
	$(CARGO) build --release --locked --bin quell
	$(PYTHON) benches/guard/run.py --quell $(QUELL) $(GUARD)

compare: ## quell against its rivals and a plain copy; evidence goes to benches/runs/ (COMPARE='--suite filter …')
	$(CARGO) build --release --locked --bin quell
	$(PYTHON) benches/compare/run.py --quell $(QUELL) $(COMPARE)

fuzz: ## long random runs for FUZZ_SECONDS (600): oracle, property tests with many cases, every fuzz target
	@$(CARGO) +nightly fuzz --version >/dev/null 2>&1 || { echo 'make fuzz needs a nightly compiler and cargo-fuzz:' \
		'`rustup toolchain install nightly` and `cargo install cargo-fuzz --locked`' >&2; exit 1; }
	$(CARGO) build --release --locked --bin quell
	$(PYTHON) tests/oracle/run.py --rounds 100000000 --seconds $$(( $(FUZZ_SECONDS) / 6 )) --quell $(QUELL)
	$(CARGO) test --workspace --locked --release --no-run
	end=$$(( $$(date +%s) + $(FUZZ_SECONDS) / 6 )); while [ $$(date +%s) -lt $$end ]; do \
		PROPTEST_CASES=20000 $(CARGO) test --workspace --locked --release --lib || exit 1; done
	$(CARGO) +nightly fuzz build
	for target in $(FUZZ_TARGETS); do $(CARGO) +nightly fuzz run $$target -- \
		-timeout=20 -max_total_time=$$(( $(FUZZ_SECONDS) / 15 )) || exit 1; done

soak: ## 10^8 decisions (SOAK_DECISIONS), for SOAK_SECONDS at least, against a model of the contract; then each crash there is
	$(CARGO) run --release --locked -p quell-soak -- --decisions $(SOAK_DECISIONS) --seconds $(SOAK_SECONDS) $(SOAK)
	QUELL_SOAK=1 $(CARGO) test --locked --test integration -- kill:: steps:: power_cut:: resources:: --nocapture

seeds: ## make the corpora of fuzz/ anew, without inputs that reach nothing new
	$(CARGO) run --locked -p quell-soak --example seeds
	$(CARGO) +nightly fuzz build
	for target in $(FUZZ_TARGETS); do bash fuzz/smallest.sh $$target || exit 1; done
