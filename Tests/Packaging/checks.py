# SPDX-License-Identifier: Apache-2.0
"""What the tests of packages share: a list of checks, told one line each, and programs that are run."""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARIES = REPOSITORY / ".build-release/binaries"
PROGRAMS = ("podpath-agent", "podpath-collector")


class Wrong(Exception):
    """What a check has found, in one line."""


def expect(isSo, problem):
    if not isSo:
        raise Wrong(problem)


def run_all(checks):
    """Each is a name and a call; what it returns is a measure and stands behind its name. Ends the program."""
    failed = 0
    for name, check in checks:
        began = time.monotonic()
        try:
            said = check()
            print(f"ok     {name}{f': {said}' if said else ''} ({time.monotonic() - began:.1f} s)", flush=True)
        except (Wrong, OSError, subprocess.SubprocessError, KeyError, ValueError) as problem:
            failed += 1
            print(f"FAILED {name}: {problem or type(problem).__name__}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not checks else 0)


def run(*words, code=0, timeout=300, **more):
    """Its standard output; what it said otherwise is the problem."""
    words = [str(word) for word in words]
    done = subprocess.run(words, text=True, capture_output=True, timeout=timeout, **more)
    shown = " ".join(words)[-160:]
    expect(done.returncode == code, f"{shown}: exit {done.returncode}: {(done.stdout + done.stderr).strip()[-900:]}")
    return done.stdout


def require_binaries():
    for program in PROGRAMS:
        if not (BINARIES / program).exists():
            sys.exit(f"{BINARIES / program} is missing: packaging/binaries")


def said_version(program=BINARIES / "podpath-agent"):
    """`podpath-agent 0.1.0 (revision …)`, taken apart."""
    words = run(program, "--version").strip().replace("(revision ", "").rstrip(")").split(" ")
    expect(len(words) == 3, f"--version says {words}")
    return words


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise Wrong(f"no {what} in {seconds} s")


class ServiceManager:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, place=None):
        self.folder = tempfile.TemporaryDirectory(dir=place)
        pathlib.Path(self.folder.name).chmod(0o755)
        self.path = pathlib.Path(self.folder.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0.1)
        self.words = []

    def hear(self, word):
        """All that came so far, once `word` is among them."""
        return self.hear_like(word, lambda said: said == word)

    def hear_like(self, word, isIt=None):
        """The same for a part of what is said."""
        isIt = isIt or (lambda said: word in said)

        def heard():
            try:
                self.words.append(self.socket.recv(4096).decode())
            except TimeoutError:
                pass
            return self.words if any(map(isIt, self.words)) else None
        return wait_for(word, heard)
