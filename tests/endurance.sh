#!/usr/bin/env bash
# What the tests do a hundred times, ten thousand times: random sequences of versions of log files against a model, and
# random damages of a cache against the sound one. `cargo test` runs a few of each.
#
#     tests/endurance.sh [SEQUENCES [DAMAGES]]
set -euo pipefail
cd "$(dirname "$0")/.."
export SEQUENCES="${1:-10000}" DAMAGES="${2:-1000}"
cargo test --locked --release --test it -- versions:: damage:: --nocapture
