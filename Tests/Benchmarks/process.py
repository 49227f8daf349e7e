# SPDX-License-Identifier: Apache-2.0
"""What a running program costs, as the kernel counts it; and programs that begin and end in order."""
import atexit
import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def cpu_seconds(pid):
    """User and system time of all threads there are, to the nanosecond (scheduler statistics)."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    return total / 1e9


def memory_kb(pid):
    """Resident, proportional (shared pages divided) and private dirty."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) for key in ("Rss", "Pss", "Private_Dirty"))


def threads(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))


class Program:
    """A child that says in JSON lines, or in the word `ready`, what it is at."""

    def __init__(self, *command, core=None, **options):
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        self.process = subprocess.Popen([*pinned, *map(str, command)], stdout=subprocess.PIPE, text=True, **options)
        atexit.register(self.kill)

    @property
    def pid(self):
        return self.process.pid

    def wait_for(self, word):
        """The line that holds the word; JSON as its value."""
        for line in self.process.stdout:
            if word in line:
                return json.loads(line) if line.startswith("{") else line.strip()
        raise SystemExit(f"{self.process.args} ended with {self.process.wait()} before it said {word!r}")

    def stop(self):
        """What it prints at its end."""
        self.process.terminate()
        lines = self.process.communicate(timeout=60)[0].splitlines()
        return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None

    def kill(self):
        self.process.kill()
        self.process.wait()


def certificates(peers, count):
    """A folder with an authority, a collector's certificate and those of `count` agents."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="podpath-benchmark-"))
    subprocess.run([peers / "certificates", folder, str(count)], check=True)
    return folder


def allow_descriptors(agents):
    """For this program's children: a connection each, and some besides."""
    needed = agents + 1_000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit < needed:
        raise SystemExit(f"{needed} file descriptors are needed, this machine allows {limit}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def table(title, head, rows):
    print(f"\n{title}", flush=True)
    cells = [head, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        words = [row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]]
        print("  " + "  ".join(words), flush=True)


def bench_arguments(parser):
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build-bench/release", help="release builds")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / ".build-bench/peers", help="what they are beside")
    options = parser.parse_args()
    if os.geteuid():
        raise SystemExit("run as root: network namespaces and routes are made")
    return options
