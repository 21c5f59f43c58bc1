#!/usr/bin/env python3
"""Measures the export of all requests of a large cache, from the explorer on a pseudo-terminal and from `tamarin requests`: the
peak memory and the rows per second.

    cargo build --release
    target/release/tamarin demo --requests 3000000 --out LOGS && target/release/tamarin pull LOGS --cache CACHE
    python3 benches/export_three_million.py CACHE [FORMAT]...

FORMAT is `csv` (default), `ndjson` or `json`. The files are written to the folder TMPDIR, and removed.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from terminal import Explorer, release

cache = os.path.abspath(sys.argv[1])
formats = sys.argv[2:] or ["csv"]
tamarin = release / "tamarin"


def memory(process):
    """Peak memory in MiB with the pages of the mapped cache, and present memory without them."""
    try:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return 0.0, 0.0
    of = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.endswith("kB")}
    return of.get("VmHWM", 0) / 1024, of.get("RssAnon", 0) / 1024


class Watch:
    """Asks for the memory of a process all the time."""

    def __init__(self, process):
        self.peak = self.anonymous = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(process,))
        self.thread.start()

    def run(self, process):
        while not self.ended.wait(0.02):
            peak, anonymous = memory(process)
            self.peak, self.anonymous = max(self.peak, peak), max(self.anonymous, anonymous)

    def end(self):
        self.ended.set()
        self.thread.join()
        return f"{self.peak:.0f} MiB, {self.anonymous:.0f} without the mapped cache"


def line(name, rows, seconds, memory, size):
    print(f"{name:24} {rows:>10,} rows {rows / seconds:>10,.0f} rows/s {size / 1e6:>8,.0f} MB   peak {memory}", flush=True)


def rows_of(path, form):
    """The number of rows of a file."""
    with open(path, "rb") as file:
        if form == "json":
            return sum(part.count(b'"bucket_owner":') for part in file)
        return sum(part.count(b"\n") for part in iter(lambda: file.read(1 << 20), b"")) - (form == "csv")


def from_command(folder, form):
    path = folder / f"command.{form}"
    begun = time.perf_counter()
    with open(path, "wb") as out:
        process = subprocess.Popen([tamarin, "requests", "--top", "0", "--format", form, "--cache", cache], stdout=out)
        watch = Watch(process.pid)
        if process.wait() != 0:
            sys.exit("tamarin requests failed")
    seconds = time.perf_counter() - begun
    line(f"requests --format {form}", rows_of(path, form), seconds, watch.end(), path.stat().st_size)
    path.unlink()


def from_explorer(folder, form):
    path = folder / f"explorer.{form}"
    explorer = Explorer(cache, folder)
    # The memory of the analysis in the background is not that of the export.
    explorer.until(explorer.is_analysing)
    explorer.end_of_analysis()
    explorer.keys("4")
    before = memory(explorer.process.pid)
    os.write(explorer.master, f":export {path}\r".encode())
    begun = time.perf_counter()
    watch = Watch(explorer.process.pid)
    while not path.exists():
        explorer.read(0.01)
        if explorer.process.poll() is not None:
            sys.exit("the explorer ended")
    seconds = time.perf_counter() - begun
    used = f"{watch.end()}; before it {before[0]:.0f} and {before[1]:.0f} MiB"
    line(f"explorer, {form}", rows_of(path, form), seconds, used, path.stat().st_size)
    explorer.end()
    path.unlink()


with tempfile.TemporaryDirectory() as name:
    for form in formats:
        from_command(pathlib.Path(name), form)
        from_explorer(pathlib.Path(name), form)
