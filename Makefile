.DEFAULT_GOAL := help
S2C := target/release/s2c
DEMO := target/demo
PYTHON := python3

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: system
system: ## Install the system packages that are missing (Debian 12)
	@sh .ci/system-packages

# One profile for everything, so that nothing is built twice.
.PHONY: build
build: system ## Build the compiler
	cargo build --release --locked

.PHONY: demo
demo: build ## Compile shipped networks, dense and convolutional, and run them on the chip model
	@mkdir -p $(DEMO)
	$(S2C) compile examples/digits/digits.nir --dt 1e-3 --convention norse --reset subtract -O2 -o $(DEMO)/digits.bin
	$(S2C) inspect $(DEMO)/digits.bin
	$(S2C) run $(DEMO)/digits.bin --input examples/digits/sample.npy --output $(DEMO)/out.csv --stats $(DEMO)/stats.json
	$(S2C) evaluate examples/digits/digits.nir --dt 1e-3 --convention norse --reset subtract -O2 --data examples/digits/test.npz --levels float,quantized,chip
	$(S2C) evaluate examples/digits/digits_qat2.nir --dt 1e-3 --convention norse --reset subtract --weight-bits 2 -O2 --data examples/digits/test.npz --levels float,quantized,chip
	$(S2C) evaluate examples/gesture/gesture_qat4.nir --dt 1e-3 --convention norse --reset subtract --weight-bits 4 -O2 --data examples/gesture/test.npz --levels float,quantized,chip

.PHONY: test
test: system ## Run all tests; the last line counts those that ran and those that were skipped
	@sh .ci/test

# Needs Python with the packages of examples/requirements.txt: make test-examples PYTHON=venv/bin/python
.PHONY: test-examples
test-examples: build ## Run the tests of the examples in Python
	S2C=$(S2C) $(PYTHON) -m unittest examples.dvs_gesture.test_dvs_gesture examples.python.test_from_snntorch

# Needs Python with NumPy and the package nir.
.PHONY: test-board
test-board: build ## Run networks for the vendor's software on a stand-in of it
	$(PYTHON) tests/board.py --s2c $(S2C)

# Needs Python with NumPy; --peers names one that has the other projects.
.PHONY: test-frameworks
test-frameworks: build ## Compare with the Python package nir and with the frameworks that are installed
	$(PYTHON) tests/nir_package.py
	$(PYTHON) tests/frameworks.py

# Needs nothing but Python; the packages come from PyPI, into a folder of the build.
FUZZ_PYTHON := target/venv/bin/python
$(FUZZ_PYTHON): tests/fuzz/differential/requirements.txt
	$(PYTHON) -m venv target/venv
	target/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.PHONY: fuzz-differential
fuzz-differential: build $(FUZZ_PYTHON) ## Random networks on every engine and on an independent reference (HOURS=H for a long run)
	$(FUZZ_PYTHON) tests/fuzz/differential --networks $(or $(NETWORKS),150) $(if $(HOURS),--hours $(HOURS) --seed $$(date +%s)) --keep target/differential

.PHONY: bench
bench: build ## Figures of kernels and networks, against the stored baseline (BENCH="--samples N --peers PYTHON")
	cargo test --release --locked -p s2c-backend --lib codegen -- --nocapture --test-threads 1 | grep -v "^test "
	$(PYTHON) tests/bench/bench.py $(BENCH)

.PHONY: check
check: system ## Formatting and lints
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	cargo clippy --release --no-default-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked

# Needs cargo-deny: cargo install --locked cargo-deny
.PHONY: deny
deny: ## Licences, sources and known weaknesses of the dependencies
	cargo deny --locked check

# The targets for coverage-guided fuzzing are no part of the workspace.
.PHONY: check-fuzz
check-fuzz: system ## Whether the fuzz targets compile
	cargo check --release --locked --manifest-path tests/fuzz/cargo/Cargo.toml --target-dir target

.PHONY: bless
bless: system ## Accept what the snapshot tests now give
	INSTA_UPDATE=always cargo test --release --workspace --locked
