# Recipes for contributors: `just` lists them. Each is one command that can be typed without just.

# List the recipes.
default:
    @just --list

# Explore a synthetic bucket.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Check what CI checks first: formatting and lints.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Run all tests, or those whose name contains FILTER.
test *FILTER:
    cargo test --locked {{FILTER}}

# Accept the changed snapshots of screens. Look at `git diff` afterwards.
accept *FILTER:
    INSTA_UPDATE=always cargo test --locked {{FILTER}}

# Build the documentation of all modules, private items too.
docs:
    cargo doc --locked --no-deps --document-private-items --open

# Mutate inputs of the fuzz targets for SECONDS each.
fuzz SECONDS="60":
    FUZZ_SECONDS={{SECONDS}} cargo test --locked --test it fuzz -- --nocapture

# Run the long random tests of the cache: versions of log files, and damage.
endurance:
    tests/endurance.sh

# Run all of CI.
ci:
    bash .ci/run

# Make the pictures of the README.
screenshots:
    cargo build --release
    cargo run --release --example screenshots
