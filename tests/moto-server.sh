# Starts moto on 127.0.0.1. Sourced by the scripts that test with it, which set `binary` before:
#
#   binary=$(realpath "$1"); . "$(dirname "$0")/moto-server.sh"
#
# Needs moto and boto3 for `python3` (pip install 'moto[server]'). Defines the folder `work`, which is deleted at the
# end, the URL `endpoint`, and the functions `tamarin` and `fail`.
name=$(basename "$0")
python3 -c 'import boto3, moto.server' 2>/dev/null || { echo "$name: moto is missing; pip install 'moto[server]'" >&2; exit 2; }

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
cat >"$work/server.py" <<'PYTHON'
"""moto_server, which also accepts buckets as the sources of deliveries by CloudWatch Logs."""
import sys
from moto.logs.models import DeliverySource, LogsBackend
from moto.server import main

put_delivery_source = LogsBackend.put_delivery_source

def put(self, name, resource_arn, log_type, tags):
    if not resource_arn.startswith("arn:aws:s3:::"):
        return put_delivery_source(self, name, resource_arn, log_type, tags)
    source = DeliverySource(self.account_id, self.region_name, name, resource_arn, log_type, tags)
    self.delivery_sources[name] = source
    return source

LogsBackend.put_delivery_source = put
main(sys.argv[1:])
PYTHON
python3 "$work/server.py" -H 127.0.0.1 -p "$port" >"$work/server.log" 2>&1 </dev/null &
server=$!
python3 - "$port" <<'PYTHON'
import socket, sys, time
for _ in range(300):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
else:
    sys.exit("moto does not start")
PYTHON

fail() { echo "$name: $*" >&2; exit 1; }
tamarin() { "$binary" "$@" --cache "$work/cache" --endpoint-url "$endpoint"; }
