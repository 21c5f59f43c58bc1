#!/usr/bin/env bash
# Pulls a log group of CloudWatch Logs from moto, on 127.0.0.1 only.
#
#   tests/moto-logs.sh path/to/tamarin
#
# Needs moto and boto3 for `python3` (pip install 'moto[server]').
set -euo pipefail

binary=$(realpath "${1:?usage: tests/moto-logs.sh path/to/tamarin}")
. "$(dirname "$0")/moto-server.sh"
group=/aws/vendedlogs/s3/acme-media

cat >"$work/put.py" <<'PYTHON'
"""put.py ENDPOINT GROUP FIRST COUNT SECONDS: puts COUNT events whose timestamps end now, SECONDS apart."""
import json, sys, time
import boto3

endpoint, group = sys.argv[1:3]
first, count, step = map(int, sys.argv[3:6])
logs = boto3.client("logs", endpoint_url=endpoint)
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

# The bucket is delivered to the log group and, as JSON, to a bucket.
python3 - "$endpoint" "$group" <<'PYTHON'
import json, sys
import boto3

endpoint, group = sys.argv[1:3]
s3, logs = boto3.client("s3", endpoint_url=endpoint), boto3.client("logs", endpoint_url=endpoint)
for bucket in ("acme-media", "acme-logs"):
    s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket="acme-media", Key="film.mp4", Body=b"x")
record = {"bucket_name": "acme-media", "request_time": "2026-09-10T07:00:00.000Z", "operation": "REST.GET.OBJECT",
          "key_name": "film.mp4", "request_id": "3E57427F3EXAMPLE"}
s3.put_object(Bucket="acme-logs", Key="json/AWSLogs/123456789012/S3/us-east-1/2026/09/10/07/a.json",
              Body=json.dumps(record).encode())
logs.put_delivery_source(name="acme-media", resourceArn="arn:aws:s3:::acme-media", logType="S3_SERVER_ACCESS_LOGS")
group_arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
for name, arn in (("group", group_arn), ("bucket", "arn:aws:s3:::acme-logs/json")):
    destination = logs.put_delivery_destination(
        name=name, outputFormat="json", deliveryDestinationConfiguration={"destinationResourceArn": arn})
    logs.create_delivery(
        deliverySourceName="acme-media", deliveryDestinationArn=destination["deliveryDestination"]["arn"])
PYTHON
arn=arn:aws:logs:us-east-1:123456789012:log-group:$group
says() { grep -qF "$1" "$work/messages" || fail "expected \`$1\`: $(cat "$work/messages")"; }

# moto does not find the events of a log group by its ARN.
tamarin pull cloudwatch:s3://acme-media 2>"$work/messages" || true
says "cloudwatch:s3://acme-media is logged to cloudwatch:$arn; reading the log files there (also to s3://acme-logs/json/,"
echo "ok: the log group of a bucket is found, and the other place is named"

tamarin pull s3://acme-media 2>"$work/messages" || fail "pull: $(cat "$work/messages")"
says "s3://acme-media is logged to s3://acme-logs/json/; reading the log files there (also to cloudwatch:$arn,"
added 1
echo "ok: the JSON of a delivery to a bucket is found, and the log group is named"

# Bucket logging, too.
python3 - "$endpoint" <<'PYTHON'
import sys
import boto3

s3 = boto3.client("s3", endpoint_url=sys.argv[1])
policy = s3.get_bucket_acl(Bucket="acme-logs")
policy.pop("ResponseMetadata")
delivery = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
policy["Grants"] += [{"Grantee": delivery, "Permission": p} for p in ("WRITE", "READ_ACP")]
s3.put_bucket_acl(Bucket="acme-logs", AccessControlPolicy=policy)
s3.put_bucket_logging(Bucket="acme-media", BucketLoggingStatus={
    "LoggingEnabled": {"TargetBucket": "acme-logs", "TargetPrefix": "text/"}})
PYTHON
tamarin pull s3://acme-media 2>"$work/messages" || fail "pull: $(cat "$work/messages")"
says "s3://acme-media is logged to s3://acme-logs/text/; reading the log files there (also to "
says "cloudwatch:$arn"
echo "ok: of bucket logging and deliveries one is read, and the others are named"
