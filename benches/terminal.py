"""The explorer on a pseudo-terminal, for measurements: keys in, screen out."""
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
import termios
import time

target = os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parent.parent / "target"
release = pathlib.Path(target).resolve() / "release"
ROWS, COLUMNS = 40, 150
QUIET = 0.7
# A frame is a synchronized update, and ends with this.
FRAME_END = "\x1b[?2026l"
# The explorer draws a frame at most every 33 ms, so keys in a faster sequence would share frames.
PAUSE = 0.05


class Screen:
    """The contents of the terminal. The explorer writes only the cells that changed."""

    WRITTEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]|\x1b[^\[]|([^\x1b])")

    INCOMPLETE = re.compile(r"\x1b(\[[0-9;?]*|\][^\x07\x1b]*\x1b?)?$")

    def __init__(self):
        self.rows = [[" "] * COLUMNS for _ in range(ROWS + 1)]
        self.row = self.column = 0
        self.rest = ""
        # Complete frames so far.
        self.frames = 0

    def write(self, text):
        text = self.rest + text
        cut = self.INCOMPLETE.search(text)
        text, self.rest = (text[:cut.start()], text[cut.start():]) if cut else (text, "")
        for part in self.WRITTEN.finditer(text):
            if part[1]:
                self.row, self.column = int(part[1]) - 1, int(part[2]) - 1
            elif part[0] == FRAME_END:
                self.frames += 1
            elif part[3] and self.column < COLUMNS:
                self.rows[min(self.row, ROWS)][self.column] = part[3]
                self.column += 1

    def has(self, word):
        return any(word in "".join(row) for row in self.rows)

    def line_with(self, word):
        return next((line for line in map("".join, self.rows) if word in line), "")


class Explorer:
    """`tamarin` on a terminal of its own."""

    def __init__(self, cache, folder):
        environment = {**os.environ, "TERM": "xterm-256color", "COLORFGBG": "15;0",
                       "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder}
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

    def read(self, seconds):
        """Reads what arrives within this time. Returns whether a frame ended."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        before = self.screen.frames
        self.screen.write(self.decode(os.read(self.master, 1 << 16)))
        return self.screen.frames > before

    def pause(self):
        until = time.perf_counter() + PAUSE
        while (left := until - time.perf_counter()) > 0:
            self.read(left)

    def until(self, is_so):
        """Reads until a frame ends after which `is_so()` holds."""
        begun = time.perf_counter()
        while not (self.read(0.1) and is_so()):
            if time.perf_counter() - begun > 60:
                sys.exit("not seen on this screen:\n" + "\n".join(map("".join, self.screen.rows)))

    def to_frame(self, text, is_so=lambda: True):
        """Milliseconds from a key to the end of a frame after which `is_so()` holds."""
        begun = time.perf_counter()
        os.write(self.master, text.encode())
        self.until(is_so)
        return (time.perf_counter() - begun) * 1e3

    def is_analysing(self):
        """Whether the tab of the findings says that there may be more."""
        return bool(re.search(r"5 Findings (…|\(\d+\+\))", self.screen.line_with("5 Findings")))

    def end_of_analysis(self):
        while self.is_analysing():
            self.read(0.1)
        self.wait()

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
