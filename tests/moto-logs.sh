#!/usr/bin/env bash
# Pulls a log group of CloudWatch Logs from moto, on 127.0.0.1 only.
#
#   tests/moto-logs.sh path/to/tamarin
#
# Needs `moto_server` and boto3 for `python3` (pip install 'moto[server]').
set -euo pipefail

binary=$(realpath "${1:?usage: tests/moto-logs.sh path/to/tamarin}")
command -v moto_server >/dev/null || { echo "moto-logs.sh: moto_server is missing; pip install 'moto[server]'" >&2; exit 2; }

work=$(mktemp -d)
server=
cleanup() {
    status=$?
    trap - EXIT INT TERM
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

unset AWS_PROFILE AWS_SESSION_TOKEN http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 HOME=$work

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
endpoint=http://127.0.0.1:$port
moto_server -H 127.0.0.1 -p "$port" >"$work/server.log" 2>&1 </dev/null &
server=$!
group=/aws/vendedlogs/s3/acme-media

cat >"$work/put.py" <<'PYTHON'
"""put.py ENDPOINT GROUP FIRST COUNT SECONDS: puts COUNT events whose timestamps end now, SECONDS apart."""
import json, sys, time
import boto3
from botocore.exceptions import EndpointConnectionError

endpoint, group = sys.argv[1:3]
first, count, step = map(int, sys.argv[3:6])
logs = boto3.client("logs", endpoint_url=endpoint)
for _ in range(100):
    try:
        logs.describe_log_groups()
        break
    except EndpointConnectionError:
        time.sleep(0.2)
if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="acme")
now = time.time()
events = []
for n in range(first, first + count):
    at = now - 1 - (first + count - n) * step
    text = time.strftime("%Y-%m-%dT%H:%M:%S.250Z", time.gmtime(at))
    record = {
        "schema_version_id": "V_1_0", "bucket_arn": "arn:aws:s3:::acme-media", "bucket_name": "acme-media",
        "request_time": text, "bucket_owner_id": "OWNER", "remote_ip": "203.0.113.7", "requester": None,
        "request_id": f"3E57427F3EX{n:05}", "operation": "REST.GET.OBJECT", "key_name": f"film{n}.mp4",
        "request_uri": f"GET /film{n}.mp4 HTTP/1.1", "http_status": 200, "error_code": None, "bytes_sent_size": 100,
        "object_size": 1000, "total_duration": 12, "turn_around_duration": 7, "referer": None,
        "user_agent": "curl/8.0", "version_id": None, "host_id": "HOSTID=", "signature_version": "SigV4",
        "cipher_suite": "TLS_AES_128_GCM_SHA256", "authentication_type": "AuthHeader",
        "host_header": "acme-media.s3.amazonaws.com", "tls_version": "TLSv1.3", "access_point_arn": None,
        "acl_required": None, "source_region": "us-east-1",
    }
    events.append({"timestamp": int(at * 1000), "message": json.dumps(record)})
for start in range(0, count, 1000):
    logs.put_log_events(logGroupName=group, logStreamName="acme", logEvents=events[start:start + 1000])
PYTHON
put() { python3 "$work/put.py" "$endpoint" "$group" "$@"; }

fail() { echo "moto-logs.sh: $*" >&2; exit 1; }
tamarin() { "$binary" "$@" --cache "$work/cache" --endpoint-url "$endpoint"; }
pull() { tamarin pull "cloudwatch:$group" 2>"$work/messages" || fail "pull: $(cat "$work/messages")"; }
added() { grep -q ", $1 requests\? added" "$work/messages" || fail "expected $1 added: $(cat "$work/messages")"; }

# 12,000 events: more than a page.
put 0 12000 6
pull
added 12,000
tamarin report total --format ndjson | grep -q '"requests":12000,"bytes_sent":1200000,' || fail "other counts"
tamarin sources --format ndjson | grep -q "\"source\":\"cloudwatch:$group\"" || fail "the cache has another source"
echo "ok: all events of a log group are pulled"

pull
added 0
! grep -q repeat "$work/messages" || fail "repeats: $(cat "$work/messages")"
echo "ok: the next pull adds nothing"

# Between events that were pulled.
put 20000 25 1
pull
added 25
! grep -q repeat "$work/messages" || fail "repeats: $(cat "$work/messages")"
echo "ok: only late events are added"

if tamarin pull cloudwatch:acme-other 2>"$work/messages"; then fail "an unknown log group was pulled"; fi
grep -q 'there is no log group `acme-other` in region us-east-1' "$work/messages" || fail "unexpected message: $(cat "$work/messages")"
if tamarin pull cloudwatch:s3://acme-media 2>"$work/messages"; then fail "a bucket without a delivery was pulled"; fi
grep -q 'no delivery of the access logs of this bucket' "$work/messages" || fail "unexpected message: $(cat "$work/messages")"
echo "ok: an unknown log group, and a bucket without a delivery, are reported"
