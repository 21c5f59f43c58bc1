#!/usr/bin/env python3
"""Measures the explorer with a large cache on a pseudo-terminal.

    cargo build --release --bins --examples
    python3 benches/explore_ten_million.py CACHE [PART]...

CACHE is a cache that `tamarin pull` filled; the figures in the README are for ten million requests. The parts, all by
default, are

    start      the time from start to the first full screen
    keys       the time from a key to the finished frame, with and without an analysis of findings in the background: of keys that
               need no query, and of changes of the filter until the last number
    walk       the peak memory of a walk through all tables
    queries    the queries of the explorer (`examples/measure.rs`)
"""
import os
import subprocess
import sys
import tempfile
import time

from terminal import PAUSE, QUIET, ROWS, Explorer, release

cache = sys.argv[1]
PARTS = sys.argv[2:] or ["start", "keys", "walk", "queries"]


def line(name, value):
    print(f"{name:58} {value:>24}", flush=True)


def percentiles(samples):
    samples = sorted(samples)
    at = lambda share: samples[min(int(len(samples) * share), len(samples) - 1)]
    return f"{at(0.5):.1f}, {at(0.99):.1f}, {samples[-1]:.1f} ms"


def report(*arguments):
    command = [release / "tamarin", "report", *arguments, "--cache", cache, "--format", "csv"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1:]


def measure_start(folder):
    # A value near the bottom of the first screen. All rows are drawn at once, so the screen is full when it appears.
    rows = report("remote_ip", "--top", str(ROWS - 20))
    low = next(row.split(",")[0] for row in reversed(rows) if row.split(",")[0])
    starts, complete = [], []
    for _ in range(5):
        explorer = Explorer(cache, folder)
        shown = explorer.wait(until=low)
        starts.append((shown - explorer.begun) * 1e3)
        explorer.until(explorer.is_analysing)
        explorer.end_of_analysis()
        complete.append((time.perf_counter() - QUIET - explorer.begun) * 1e3)
        explorer.end()
    line("start to the first full screen, best and median of 5", f"{min(starts):.0f}, {sorted(starts)[2]:.0f} ms")
    line("start to the last finding", f"{min(complete):.0f}, {sorted(complete)[2]:.0f} ms")


# Filters that are set one after another, so that each needs queries.
FILTERS = ["status:404", "op:REST.PUT.OBJECT", "status:403", "ua~aria2", "bytes>10MB", "key:images/*"]


def measure_keys(folder):
    counts = {wanted: int(report("total", "--filter", wanted)[0].split(",")[0]) for wanted in FILTERS}
    explorer = Explorer(cache, folder)
    explorer.until(lambda: explorer.screen.has("row 1 of") and explorer.is_analysing())

    def cursor(condition, most):
        """Keys that move the cursor, while `condition()` holds: update and render, without a query."""
        samples = []
        while condition() and len(samples) < most:
            explorer.pause()
            samples.append(explorer.to_frame("jk"[len(samples) % 2]))
        return samples

    def change_filter(wanted, wait):
        count = f"{counts[wanted]:,}"
        shown = lambda: explorer.screen.has(f"{count} of ") and explorer.screen.has(f"{count} requests ·")
        wait()
        os.write(explorer.master, f":filter {wanted}".encode())
        explorer.until(lambda: explorer.screen.has(f":filter {wanted}"))
        explorer.pause()
        return explorer.to_frame("\r", shown)

    during = cursor(explorer.is_analysing, 200)
    explorer.end_of_analysis()
    alone = cursor(lambda: True, 200)
    line(f"cursor key to finished frame, p50, p99, max of {len(alone)}", percentiles(alone))
    line(f"the same during an analysis, of {len(during)}", percentiles(during))
    # The first time, the filter is applied to all requests; later, what passed its tests is known.
    first = [change_filter(wanted, explorer.end_of_analysis) for wanted in FILTERS]
    line(f"a new filter to the last number, p50, p99, max of {len(first)}", percentiles(first))
    changes = [change_filter(wanted, explorer.end_of_analysis) for wanted in FILTERS * 2]
    line(f"a filter of before to the last number, of {len(changes)}", percentiles(changes))
    changes = [change_filter(wanted, explorer.pause) for wanted in FILTERS * 2]
    line(f"the same during an analysis, of {len(changes)}", percentiles(changes))
    line("peak memory of this, with the pages of the mapped file", f"{explorer.memory()[1]:.0f} MiB")
    explorer.end()


def measure_walk(folder):
    explorer = Explorer(cache, folder)
    explorer.wait()
    peak = 0.0
    walk = ["1", "2", "3", "4", "5", ":sort value\r", ":by key\r", ":by prefix/2\r", ":by user_agent\r", ":by network\r",
            ":by role\r", ":by extension\r", ":by hour_of_day\r", ":by referer\r", ":sort objects\r",
            ":by remote_ip\r", ":sort objects\r", ":by key\r", ":sort addresses\r", "4", ":sort bytes_sent\r",
            ":sort key\r", ":sort user_agent\r", ":sort time\r", "G", "\r", "\x1b", "g", ":filter status:4xx\r", "1",
            "2", "3", "4", "5", ":clear\r", ":filter key~ts$\r", "1", "2", ":clear\r", "1"]
    slowest = (0.0, "")
    for keys in walk:
        took = explorer.keys(keys)
        # The prompt queries while the text is typed. A busy machine needs longer for the answer.
        if explorer.screen.has("Enter keep") and (explorer.wait(), explorer.screen.has("Enter keep"))[1]:
            sys.exit(f"the explorer rejected {keys}")
        anonymous, with_file = explorer.memory()
        peak = max(peak, anonymous)
        slowest = max(slowest, (took, keys.strip()))
        if os.environ.get("EACH"):
            line(f"  {keys.strip()!r}", f"{took:.0f} ms, {anonymous:.0f} MiB")
    line("peak memory of a walk through all tables", f"{peak:.0f} MiB")
    line("peak memory with the pages of the mapped file", f"{with_file:.0f} MiB")
    line("slowest screen of the walk", f"{slowest[0]:.0f} ms ({slowest[1]})")
    explorer.end()


with tempfile.TemporaryDirectory() as folder:
    for part, measure in [("start", measure_start), ("keys", measure_keys), ("walk", measure_walk)]:
        if part in PARTS:
            measure(folder)
if "queries" in PARTS:
    subprocess.run([release / "examples" / "measure", cache], check=True)
