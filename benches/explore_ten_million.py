#!/usr/bin/env python3
"""The explorer on a large cache, on a real pseudo-terminal: from start to the first full screen, and the most
memory it takes on a walk through all its tables. Then what its questions take, by `examples/measure.rs`.

    cargo build --release --bins --examples
    python3 benches/explore_ten_million.py CACHE

CACHE is a cache that `tamarin pull` filled, of ten million requests for the numbers in the README.
"""
import fcntl
import os
import pathlib
import pty
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


class Explorer:
    """`tamarin` on a terminal of its own."""

    def __init__(self, folder):
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.begun = time.perf_counter()
        self.process = subprocess.Popen([release / "tamarin", "--cache", cache], stdin=slave, stdout=slave,
                                        stderr=slave, env=environment, start_new_session=True)
        os.close(slave)

    def settle(self, until=None):
        """Reads until nothing was written for a while, or `until` was. When the last was, and all of it."""
        last, out = time.perf_counter(), b""
        while select.select([self.master], [], [], 5 if until else QUIET)[0]:
            try:
                part = os.read(self.master, 1 << 16)
            except OSError:
                break
            if not part:
                break
            last, out = time.perf_counter(), out + part
            if until and until in out:
                break
        return last, out

    def keys(self, text):
        begun = time.perf_counter()
        os.write(self.master, text.encode())
        return (self.settle()[0] - begun) * 1e3

    def memory(self):
        """The most it had in memory, the mapped file aside, and with it: MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        of = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith("kB")}
        return int(of["RssAnon"]) / 1024, int(of["VmHWM"]) / 1024

    def end(self):
        os.write(self.master, b"q")
        self.settle()
        self.process.wait(5)
        os.close(self.master)


def line(name, value):
    print(f"{name:58} {value:>24}", flush=True)


# A value of a row far down on the first screen: rows are drawn at once, so it is full when that is there.
page = ROWS - 18
rows = subprocess.run([release / "tamarin", "report", "remote_ip", "--cache", cache, "--top", str(page), "--format",
                       "csv"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
low = next(row.split(",")[0] for row in reversed(rows) if row.split(",")[0]).encode()
with tempfile.TemporaryDirectory() as folder:
    starts, settled = [], []
    for _ in range(5):
        explorer = Explorer(folder)
        shown, out = explorer.settle(until=low)
        starts.append((shown - explorer.begun) * 1e3)
        settled.append((explorer.settle()[0] - explorer.begun) * 1e3)
        explorer.end()
    line("start to the first full screen, best and median of 5", f"{min(starts):.0f}, {sorted(starts)[2]:.0f} ms")
    line("start until the last number stands", f"{min(settled):.0f}, {sorted(settled)[2]:.0f} ms")

    explorer = Explorer(folder)
    explorer.settle()
    most = 0.0
    walk = ["1", "2", "3", "4", "5", ":sort key\r", ":by key\r", ":by prefix/2\r", ":by user_agent\r", ":by network\r",
            ":by role\r", ":by extension\r", ":by hour_of_day\r", ":by referer\r", ":sort objects\r",
            ":by remote_ip\r", ":sort objects\r", ":by key\r", ":sort addresses\r", "4", ":sort bytes_sent\r",
            ":sort key\r", ":sort user_agent\r", ":sort time\r", "G", "\r", "\x1b", "g", ":filter status:4xx\r", "1",
            "2", "3", "4", "5", ":clear\r", ":filter key~ts$\r", "1", "2", ":clear\r", "1"]
    slowest = (0.0, "")
    for keys in walk:
        took = explorer.keys(keys)
        anonymous, with_file = explorer.memory()
        most = max(most, anonymous)
        slowest = max(slowest, (took, keys.strip()))
        if os.environ.get("EACH"):
            line(f"  {keys.strip()!r}", f"{took:.0f} ms, {anonymous:.0f} MiB")
    line("memory, at most on a walk through all tables", f"{most:.0f} MiB")
    line("the same with the pages of the mapped file", f"{with_file:.0f} MiB")
    line("slowest screen of the walk until it stood", f"{slowest[0]:.0f} ms ({slowest[1]})")
    explorer.end()

subprocess.run([release / "examples" / "measure", cache], check=True)
