#!/bin/sh
# Kills `tamarin pull` a hundred times (kill -9, at random moments) and compares what is in the cache after a
# last, whole pull with a pull that nobody disturbed: requests, bytes, errors and rejected lines must be the same.
#
#     tests/kill-100.sh [LOG] [TIMES]
#
# LOG: a log file or folder; none: a demo of 400,000 requests. TAMARIN names the program (target/release/tamarin).
# In half of the rounds the cache of the round before is carried on with, in the other half it begins empty.
set -eu

tamarin=${TAMARIN:-target/release/tamarin}
times=${2:-100}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=${1:-$folder/logs}
[ $# -ge 1 ] || "$tamarin" demo --requests 400000 --out "$log" >/dev/null

what_is_in() {
    "$tamarin" report total --format ndjson --cache "$1"
    "$tamarin" report key --top 0 --format ndjson --cache "$1" | cksum
    "$tamarin" sources rejected --format ndjson --cache "$1" | sort | cksum
}
pull() {
    # 3: done, but some log files could not be read. That is for the logs to answer for.
    "$tamarin" pull "$log" --cache "$1" -q || [ $? -eq 3 ]
}

before=$(date +%s%N)
pull "$folder/whole"
took=$((($(date +%s%N) - before) / 1000000))
expected=$(what_is_in "$folder/whole")
echo "undisturbed, in $took ms: $expected"

round=0
killed=0
while [ "$round" -lt "$times" ]; do
    round=$((round + 1))
    [ $((round % 2)) -eq 0 ] || rm -f "$folder"/killed*
    "$tamarin" pull "$log" --cache "$folder/killed" -q &
    process=$!
    random=$(od -An -N2 -tu2 /dev/urandom)
    sleep "$(echo "$random $took" | awk '{ printf "%.3f", $1 / 65536 * $2 / 1000 }')"
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || killed=$((killed + 1))
    [ $((round % 2)) -eq 0 ] || continue
    pull "$folder/killed"
    found=$(what_is_in "$folder/killed")
    if [ "$found" != "$expected" ]; then
        echo "round $round: another cache than undisturbed: $found" >&2
        exit 1
    fi
done
echo "$killed of $times pulls killed before their end; nothing lost, nothing twice"
