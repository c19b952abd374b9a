# `make check` is what the continuous integration runs.

CARGO ?= cargo
FUZZ_TARGETS = decoder commands receive send connection relay client_hello server_flight lab_file shell paste http certificate names
# Seconds for each target of `make fuzz`, and minutes of `make soak`.
FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 5

.PHONY: help run test lint deny check bench fuzz soak clients dist book screenshots

help: ## Lists these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

run: ## Runs the seed scenario: STARTTLS withheld, event 12014
	$(CARGO) run --locked --release -- serve

test: ## All tests; foreign programs that are not installed are skipped
	$(CARGO) test --locked

lint: ## All of check but the tests: layout, clippy, documentation, both cryptographic providers
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --no-deps
	$(CARGO) check --locked --no-default-features --features aws-lc-rs
	$(CARGO) check --locked --no-default-features --features cli,ring
	if $(CARGO) deny --version >/dev/null 2>&1; then $(MAKE) deny; else \
		echo 'cargo-deny is not installed: tests/model/dependencies.rs stands in for `make deny`'; fi

deny: ## Licenses, sources and banned packages of the program and the fuzz targets (needs cargo-deny); a part of lint
	$(CARGO) deny --locked check --hide-inclusion-graph bans licenses sources
	$(CARGO) deny --manifest-path fuzz/Cargo.toml --config deny.toml --locked check --hide-inclusion-graph licenses sources

check: lint test ## Everything that has to be right before a commit

bench: ## The figures to beat, beside the servers that benches/peers/setup has got
	$(CARGO) bench --locked

fuzz: ## Looks for inputs that break a promise, FUZZ_SECONDS for each target (needs nightly Rust and cargo-fuzz)
	# With one codegen unit, which cargo-fuzz takes, the crate alone needs minutes of one core, and more than 6 GB.
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		$(CARGO) +nightly fuzz run --codegen-units 16 $$target fuzz/corpus/$$target tests/fuzz/corpus/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=25 -max_len=8192 || exit 1; \
	done

soak: ## Load and bad clients against one lab for SOAK_MINUTES; memory, descriptors and threads have to stay flat
	$(CARGO) build --locked --release
	benches/soak.py target/release/starttls-lab --minutes $(SOAK_MINUTES)

clients: ## Makes docs/clients.md: gets the clients, has `judge` try them (as root; half an hour), writes the page
	clients/setup
	$(CARGO) build --locked
	STARTTLS_LAB=target/debug/starttls-lab clients/measure
	clients/table

dist: ## All packages for release that this machine can make, in target/packages
	dist/all

book: ## The documentation as a searchable book in target/book (mdbook, from crates.io)
	mdbook build docs
	# Links that lead out of the book lead to the files of this clone.
	sed -i -E 's#href="\.\./([^"]*)\.html#href="../../\1.md#g; s#href="\.\./([^."][^"]*)"#href="../../\1"#g' target/book/*.html

screenshots: ## Makes the pictures of the page anew: docs/images, and every view in target/screenshots
	npm ci --prefix tests/program/page --ignore-scripts --no-audit --no-fund --silent
	$(CARGO) build --locked
	STARTTLS_LAB=target/debug/starttls-lab node tests/program/page/screenshots.js
