#!/usr/bin/env bash
# Runs the random tests for longer: sequences of versions of log files, compared with a model, and damage to a cache,
# compared with the undamaged one. `cargo test` runs about a hundred of each.
#
#     tests/endurance.sh [SEQUENCES [DAMAGES]]
set -euo pipefail
cd "$(dirname "$0")/.."
export SEQUENCES="${1:-10000}" DAMAGES="${2:-1000}"
cargo test --locked --release --test it -- versions:: damage:: --nocapture
