#!/usr/bin/env bash
# Pulls a logged bucket from a server that supports bucket logging: moto, on 127.0.0.1 only.
#
#   tests/moto.sh path/to/tamarin
#
# Needs moto and boto3 for `python3` (pip install 'moto[server]').
set -euo pipefail

binary=$(realpath "${1:?usage: tests/moto.sh path/to/tamarin}")
. "$(dirname "$0")/moto-server.sh"

python3 - "$endpoint" <<'PYTHON'
import sys
import boto3

s3 = boto3.client("s3", endpoint_url=sys.argv[1])
s3.create_bucket(Bucket="acme-logs")
s3.create_bucket(Bucket="acme-media")
s3.create_bucket(Bucket="acme-unlogged")
delivery = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
policy = s3.get_bucket_acl(Bucket="acme-logs")
policy.pop("ResponseMetadata")
policy["Grants"] += [{"Grantee": delivery, "Permission": p} for p in ("WRITE", "READ_ACP")]
s3.put_bucket_acl(Bucket="acme-logs", AccessControlPolicy=policy)
s3.put_bucket_logging(Bucket="acme-media", BucketLoggingStatus={
    "LoggingEnabled": {"TargetBucket": "acme-logs", "TargetPrefix": "media/"}})
for bucket in ("acme-media", "acme-unlogged"):
    s3.put_object(Bucket=bucket, Key="film.mp4", Body=b"x")
for n in range(20):
    line = (
        f"OWNER acme-media [01/Apr/2026:00:00:{n:02} +0000] 203.0.113.7 - 3E57427F3EXAMPL{n:02} REST.GET.OBJECT "
        f'film.mp4 "GET /film.mp4 HTTP/1.1" 200 - 100 1000 12 7 "-" "curl/8.0" - '
        "HOSTID= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader acme-media.s3.amazonaws.com TLSv1.2 - -\n"
    )
    s3.put_object(Bucket="acme-logs", Key=f"media/2026-04-01-01-00-{n:02}-{n:016X}", Body=line.encode())
PYTHON

tamarin pull s3://acme-media 2>"$work/messages" || fail "pull: $(cat "$work/messages")"
grep -q 's3://acme-media is logged to s3://acme-logs/media/' "$work/messages" || fail "unexpected message: $(cat "$work/messages")"
# The server also writes log files of its own.
tamarin report total --filter ip:203.0.113.7 --format ndjson | grep -q '"requests":20,' || fail "not pulled: $(cat "$work/messages")"
tamarin sources --format ndjson | grep -q '"source":"s3://acme-logs/media/"' || fail "the cache has another source"
echo "ok: the log files of the logged bucket are found"

if tamarin pull s3://acme-unlogged 2>"$work/messages"; then fail "a bucket without logging was pulled"; fi
grep -q 'access logging is off' "$work/messages" || fail "unexpected message: $(cat "$work/messages")"
echo "ok: a bucket without logging is reported"
