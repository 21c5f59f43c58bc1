#!/usr/bin/env python3
"""Measures the explorer with a large cache on a pseudo-terminal: the time from start to the first full screen, and the
peak memory of a walk through all tables. Then `examples/measure.rs` measures its queries.

    cargo build --release --bins --examples
    python3 benches/explore_ten_million.py CACHE

CACHE is a cache that `tamarin pull` filled; the figures in the README are for ten million requests.
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
import time

cache = sys.argv[1]
target = os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parent.parent / "target"
release = pathlib.Path(target) / "release"
ROWS, COLUMNS = 40, 150
QUIET = 0.7


class Screen:
    """The contents of the terminal. The explorer writes only the cells that changed."""

    WRITTEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[[0-9;?]*[A-Za-z]|\x1b[^\[]|([^\x1b])")

    def __init__(self):
        self.rows = [[" "] * COLUMNS for _ in range(ROWS + 1)]
        self.row = self.column = 0

    def write(self, text):
        for part in self.WRITTEN.finditer(text):
            if part[1]:
                self.row, self.column = int(part[1]) - 1, int(part[2]) - 1
            elif part[3] and self.column < COLUMNS:
                self.rows[min(self.row, ROWS)][self.column] = part[3]
                self.column += 1

    def has(self, word):
        return any(word in "".join(row) for row in self.rows)


class Explorer:
    """`tamarin` on a terminal of its own."""

    def __init__(self, folder):
        environment = {**os.environ, "TERM": "xterm-256color", "COLORFGBG": "15;0",
                       "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.begun = time.perf_counter()
        self.process = subprocess.Popen([release / "tamarin", "--cache", cache], stdin=slave, stdout=slave,
                                        stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        self.screen = Screen()
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def wait(self, until=None):
        """Reads until the explorer is quiet or the screen contains `until`. Returns the time of the last output."""
        last = time.perf_counter()
        while select.select([self.master], [], [], 5 if until else QUIET)[0]:
            try:
                part = os.read(self.master, 1 << 16)
            except OSError:
                break
            if not part:
                break
            last = time.perf_counter()
            self.screen.write(self.decode(part))
            if until and self.screen.has(until):
                break
        return last

    def keys(self, text):
        begun = time.perf_counter()
        os.write(self.master, text.encode())
        return (self.wait() - begun) * 1e3

    def memory(self):
        """Peak memory in MiB, without and with the mapped file."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        of = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith("kB")}
        return int(of["RssAnon"]) / 1024, int(of["VmHWM"]) / 1024

    def end(self):
        os.write(self.master, b"q")
        self.wait()
        self.process.wait(5)
        os.close(self.master)


def line(name, value):
    print(f"{name:58} {value:>24}", flush=True)


# A value near the bottom of the first screen. All rows are drawn at once, so the screen is full when it appears.
page = ROWS - 18
rows = subprocess.run([release / "tamarin", "report", "remote_ip", "--cache", cache, "--top", str(page), "--format",
                       "csv"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
low = next(row.split(",")[0] for row in reversed(rows) if row.split(",")[0])
with tempfile.TemporaryDirectory() as folder:
    starts, complete = [], []
    for _ in range(5):
        explorer = Explorer(folder)
        shown = explorer.wait(until=low)
        starts.append((shown - explorer.begun) * 1e3)
        complete.append((explorer.wait() - explorer.begun) * 1e3)
        explorer.end()
    line("start to the first full screen, best and median of 5", f"{min(starts):.0f}, {sorted(starts)[2]:.0f} ms")
    line("start to the last number", f"{min(complete):.0f}, {sorted(complete)[2]:.0f} ms")

    explorer = Explorer(folder)
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

subprocess.run([release / "examples" / "measure", cache], check=True)
