#!/usr/bin/env python3
"""Compares five groupings of the same requests: Tamarin with DuckDB on a native table, two threads each.

    cargo build --release --bins --examples
    python3 benches/compare_queries.py CACHE [ROUNDS]

CACHE is a cache that `tamarin pull` filled. DuckDB loads the requests once (as NDJSON) into a table with the same
columns. Then both run each query, warm; the best of ROUNDS counts. Every query has five measures: requests, bytes
sent, errors, first and last seen. The script compares the answers row by row; a difference is an error. Needs
`pip install duckdb`.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import duckdb

cache = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
target = os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parent.parent / "target"
release = pathlib.Path(target) / "release"
tamarin = release / "tamarin"

MEASURES = ("count(*), coalesce(sum(bytes_sent), 0)::UBIGINT, count(*) FILTER (http_status >= 400), "
            "epoch(min(time))::BIGINT, epoch(max(time))::BIGINT")
QUERIES = [
    ("by remote_ip", "remote_ip", "", f"SELECT remote_ip, {MEASURES} FROM requests GROUP BY 1"),
    ("by key", "key", "", f"SELECT key, {MEASURES} FROM requests GROUP BY 1"),
    ("by requester", "requester", "", f"SELECT requester, {MEASURES} FROM requests GROUP BY 1"),
    ("by hour", "time", "", f"SELECT epoch(date_trunc('hour', time))::BIGINT, {MEASURES} FROM requests GROUP BY 1"),
    ("403 by key", "key", "status:403", f"SELECT key, {MEASURES} FROM requests WHERE http_status = 403 GROUP BY 1"),
]


def load(connection):
    with tempfile.TemporaryDirectory() as folder:
        pipe = pathlib.Path(folder) / "requests.ndjson"
        with open(pipe, "wb") as out:
            select = "SELECT time, remote_ip, requester, key, http_status, bytes_sent FROM requests"
            command = [tamarin, "sql", select, "--cache", cache, "--format", "ndjson"]
            subprocess.run(command, stdout=out, check=True)
        connection.execute(
            "CREATE TABLE requests AS SELECT time::TIMESTAMP AS time, remote_ip, requester, key, "
            "http_status::USMALLINT AS http_status, bytes_sent::UBIGINT AS bytes_sent "
            f"FROM read_json('{pipe}', format='newline_delimited', columns={{time: 'TIMESTAMP', remote_ip: 'VARCHAR', "
            "requester: 'VARCHAR', key: 'VARCHAR', http_status: 'INTEGER', bytes_sent: 'BIGINT'})"
        )


def ask_duckdb(connection, sql):
    best, rows = math.inf, None
    for _ in range(rounds):
        begun = time.perf_counter()
        # DuckDB computes all groups. Python fetches only the first rows, as a screen would.
        connection.execute(f"{sql} ORDER BY 3 DESC LIMIT 20").fetchall()
        best = min(best, time.perf_counter() - begun)
    rows = connection.execute(sql).fetchall()
    return best, {row[0]: row[1:] for row in rows}


def ask_tamarin(by, filter):
    command = [release / "examples" / "ask", cache, by, filter, str(rounds)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = {}
    for line in out[1:]:
        value, *sums = json.loads(line)
        rows[value] = tuple(sums)
    return float(out[0]), rows


with tempfile.TemporaryDirectory() as folder:
    connection = duckdb.connect(str(pathlib.Path(folder) / "requests.duckdb"))
    connection.execute("SET threads = 2")
    connection.execute("SET TimeZone = 'UTC'")
    load(connection)
    total = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    print(f"{total:,} requests, best of {rounds}, DuckDB {duckdb.__version__}, 2 threads")
    print(f"{'query':14} {'groups':>10} {'DuckDB ms':>10} {'Tamarin ms':>11} {'ratio':>7}")
    ratios = []
    for name, by, filter, sql in QUERIES:
        theirs, their_rows = ask_duckdb(connection, sql)
        ours, our_rows = ask_tamarin(by, filter)
        if our_rows != their_rows:
            differing = [v for v in set(our_rows) | set(their_rows) if our_rows.get(v) != their_rows.get(v)]
            example = differing[0]
            sys.exit(f"{name}: {len(differing)} groups differ, for example {example!r}: "
                     f"{our_rows.get(example)} and {their_rows.get(example)}")
        ratios.append(theirs / ours)
        print(f"{name:14} {len(our_rows):>10,} {theirs * 1e3:>10.1f} {ours * 1e3:>11.1f} {ratios[-1]:>6.1f}×")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"{'geometric mean':14} {'':>10} {'':>10} {'':>11} {mean:>6.1f}×")
