#!/usr/bin/env python3
"""Compares how fast the same requests are pulled as text, JSON and Parquet, and checks that the answers are equal.

    cargo build --release --bins --examples
    python3 benches/structured.py [REQUESTS]             1,000,000 unless given

Each file is pulled ROUNDS times (environment variable, default 3) into a new cache; the best run counts. The script reads
the file before, so that it is in the page cache. CPU time is that of all threads: on a machine that is also used by others,
compare that. TARGET (environment variable) is the folder of the programs, target/release unless given.
"""

import difflib
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = int(os.environ.get("ROUNDS", 3))
TARGET = pathlib.Path(os.environ.get("TARGET", "target/release"))
NAMES = ["access.log", "access.json", "access.parquet"]
MAX_ROWS = 20
# All reports but log_file: the files have different names.
DIMENSIONS = """bucket_owner bucket remote_ip requester operation key http_status error_code referer user_agent signature_version
cipher_suite authentication_type host_header tls_version access_point_arn acl_required source_region network role prefix prefix/2
extension referer_host agent_family method status_class hour_of_day weekday query_param:versionId time total""".split()


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(folder, *arguments):
    environment = dict(os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder))
    program = [str(TARGET / "tamarin"), *arguments]
    return subprocess.run(program, check=True, capture_output=True, text=True, env=environment).stdout


def print_differences(dimension, name, expected, found):
    """Prints the first rows of a report that differ from those of the text format."""
    if sorted(expected) == sorted(found):
        print(f"{dimension}: {name} has the rows of {NAMES[0]} in another order")
    else:
        print(f"{dimension}: {NAMES[0]} (-) and {name} (+)")
    rows = [line for line in difflib.unified_diff(expected, found, lineterm="", n=0) if line[:1] in "+-"]
    for row in rows[2 : 2 + MAX_ROWS]:
        print(f"  {row}")
    if len(rows) > 2 + MAX_ROWS:
        print(f"  and {len(rows) - 2 - MAX_ROWS} more")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([str(TARGET / "examples/structured_logs"), str(folder), str(REQUESTS)], check=True)
        answers = []
        print("| file | size | records per second | CPU time per record | cache |")
        print("|---|--:|--:|--:|--:|")
        for name in NAMES:
            path = folder / name
            best_wall, best_cpu = float("inf"), float("inf")
            cache = folder / "cache.db"
            for _ in range(ROUNDS):
                for file in folder.glob("cache.db*"):
                    file.unlink()
                path.read_bytes()
                before, start = cpu(), time.monotonic()
                run(folder, "--cache", str(cache), "pull", "-q", str(path))
                best_wall = min(best_wall, time.monotonic() - start)
                best_cpu = min(best_cpu, cpu() - before)
            ask = lambda *words: run(folder, "--cache", str(cache), "report", *words, "--top", "0", "--format", "ndjson")
            answers.append([ask(dimension) for dimension in DIMENSIONS])
            size, cache_size = path.stat().st_size / 1e6, cache.stat().st_size / 1e6
            rate, micros = REQUESTS / best_wall / 1e6, best_cpu / REQUESTS * 1e6
            print(f"| {name} | {size:.0f} MB | {rate:.2f} million | {micros:.2f} µs | {cache_size:.0f} MB |")
        same = all(other == answers[0] for other in answers[1:])
        print("The answers of all reports are equal." if same else "THE ANSWERS DIFFER.")
        for name, other in zip(NAMES[1:], answers[1:]):
            for dimension, expected, found in zip(DIMENSIONS, answers[0], other):
                if expected != found:
                    print_differences(dimension, name, expected.splitlines(), found.splitlines())
        sys.exit(0 if same else 1)


main()
