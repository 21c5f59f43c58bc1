#!/usr/bin/env python3
"""Measures the export of all requests of a large cache, from the explorer on a pseudo-terminal and from `tamarin requests`: the
peak memory and the rows per second.

    cargo build --release
    target/release/tamarin demo --requests 3000000 --out LOGS && target/release/tamarin pull LOGS --cache CACHE
    python3 benches/export_three_million.py CACHE [FORMAT]...

FORMAT is `csv` (default), `ndjson` or `json`. The files are written to the folder TMPDIR, and removed.
"""
import codecs
import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

cache = os.path.abspath(sys.argv[1])
formats = sys.argv[2:] or ["csv"]
target = os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parent.parent / "target"
tamarin = pathlib.Path(target).resolve() / "release" / "tamarin"


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
    environment = {**os.environ, "TERM": "xterm-256color", "COLORFGBG": "15;0", "XDG_CONFIG_HOME": str(folder),
                   "XDG_STATE_HOME": str(folder)}
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    process = subprocess.Popen([tamarin, "--cache", cache], stdin=slave, stdout=slave, stderr=slave, env=environment,
                               start_new_session=True)
    os.close(slave)
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    shown = ""

    def wait_for(pattern, seconds=600):
        """Reads until the explorer writes `pattern`."""
        nonlocal shown
        until = time.perf_counter() + seconds
        while not re.search(pattern, shown):
            if time.perf_counter() > until or process.poll() is not None:
                sys.exit(f"the explorer did not write {pattern}: {shown[-2000:]!r}")
            if select.select([master], [], [], 0.1)[0]:
                # Only texts count, in the order in which they are written.
                shown = (shown + re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", decode(os.read(master, 1 << 16))))[-20_000:]
        shown = ""

    wait_for("REMOTE IP")
    os.write(master, b"4")
    wait_for("TIME")
    # The analysis in the background would count as memory of the export.
    wait_for(r"Findings \(\d+\)|\(\d+\) ", 600)
    before = memory(process.pid)[1]
    os.write(master, f":export {path}\r".encode())
    begun = time.perf_counter()
    watch = Watch(process.pid)
    while not path.exists():
        if select.select([master], [], [], 0.005)[0]:
            os.read(master, 1 << 16)
        if process.poll() is not None:
            sys.exit("the explorer ended")
    seconds = time.perf_counter() - begun
    memory_used = watch.end()
    line(f"explorer, {form}", rows_of(path, form), seconds, f"{memory_used}; {before:.0f} before", path.stat().st_size)
    os.write(master, b"q")
    while process.poll() is None:
        if select.select([master], [], [], 0.05)[0]:
            try:
                os.read(master, 1 << 16)
            except OSError:
                break
    process.wait(20)
    os.close(master)
    path.unlink()


with tempfile.TemporaryDirectory() as name:
    for form in formats:
        from_command(pathlib.Path(name), form)
        from_explorer(pathlib.Path(name), form)
