# SPDX-License-Identifier: Apache-2.0
"""One lab: its state directory, its supervisor, and how to run things inside it.

The supervisor is an `unshare` process whose child is the first process of a PID namespace with a
private mount namespace. Network namespaces are files mounted there and nowhere else. Once it is
gone, whatever way, the kernel ends every process of the lab and drops its namespaces.
"""

import fcntl
import json
import os
import pathlib
import re
import subprocess
import time
from contextlib import contextmanager

ROOT = pathlib.Path("/run/podpath-lab")
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


# How a fault says that it could not be brought about, through nobody's fault.
NOT_MADE = "not made"


class LabError(Exception):
    """Something a person can act on, in one line."""


class UsageError(LabError):
    """The command line asks for something that does not exist."""


class Lab:
    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,15}", name):
            raise UsageError(f"id {name!r}: up to 16 of a-z, 0-9 and -, not beginning with -")
        self.name = name
        self.directory = ROOT / name

    def path(self, *parts):
        return self.directory.joinpath(*parts)

    # What is remembered between two commands.

    def recall(self, name, default=None):
        try:
            return json.loads(self.path(name + ".json").read_text())
        except (OSError, ValueError):
            return default

    def remember(self, name, value):
        temporary = self.path(name + ".json.new")
        temporary.write_text(json.dumps(value, indent=1) + "\n")
        temporary.rename(self.path(name + ".json"))

    @contextmanager
    def locked(self):
        """One command at a time changes a lab."""
        with lock(self.directory):
            yield

    # The supervisor.

    @property
    def supervisor(self):
        """Its PID as the host sees it, or None when it is not running."""
        known = self.recall("supervisor")
        alive = known and started(known["pid"]) == known["started"]
        return known["pid"] if alive else None

    @property
    def pid_namespace(self):
        """What /proc/PID/ns/pid says for every process inside, or None."""
        try:
            return os.readlink(f"/proc/{self.supervisor}/ns/pid_for_children")
        except OSError:
            return None

    def must_be_up(self):
        if self.supervisor is None:
            raise LabError(f"lab {self.name!r} is not up: packaging/lab up")
        if self.recall("raised") is None:
            raise LabError(f"lab {self.name!r} is being raised, or that was cut short: "
                           "wait, or packaging/lab down")

    # Running things inside.

    def enter(self, namespace=None, *options):
        """The command prefix that runs something inside, in the namespace or in the host's."""
        process = pathlib.Path("/proc") / str(self.supervisor)
        prefix = ["nsenter", f"--pid={process}/ns/pid_for_children", f"--mount={process}/ns/mnt"]
        if namespace:
            prefix.append(f"--net={process}/root{self.path('net', namespace)}")
        return [*prefix, *options, "--"]

    def run(self, namespace, *command, text=None, check=True):
        """Runs a command to its end and gives back what it printed."""
        return run(*self.enter(namespace), *command, text=text, check=check)

    def start(self, name, namespace, *command):
        """Starts a process that outlives this one; its output goes to log/NAME.log."""
        script = 'log=$1 pid=$2; shift 2; setsid "$@" >>"$log" 2>&1 </dev/null & echo $! >"$pid"'
        self.run(namespace, "sh", "-c", script, "sh",
                 self.path("log", name + ".log"), self.path("pid", name), *command)

    def pid(self, name):
        """The PID, as the lab sees it, of a process that was started and still runs, or None."""
        try:
            number = int(self.path("pid", name).read_text())
            commands = pathlib.Path(f"/proc/{self.supervisor}/root/proc/{number}/cmdline")
            return number if commands.read_bytes() else None
        except (OSError, ValueError):
            return None

    def stop(self, *names, signal="TERM"):
        """Ends processes and waits until they are gone; those not running are fine."""
        running = {name: pid for name in names if (pid := self.pid(name))}
        if running:
            self.run(None, "kill", "-s", signal, *map(str, running.values()), check=False)
        until(lambda: not any(map(self.pid, running)), 5, f"{', '.join(running)} did not end")


def started(pid):
    """A live process's start time in ticks: tells it from a later one with the same PID."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def run(*command, text=None, check=True):
    words = [str(word) for word in command]
    result = subprocess.run(words, input=text, text=True, capture_output=True)
    if check and result.returncode:
        reason = (result.stderr.strip() or result.stdout.strip()).replace("\n", "; ")
        shown = words[words.index("--") + 1:] if words[0] == "nsenter" else words
        raise LabError(f"{' '.join(shown)[:80]} failed: {reason or result.returncode}")
    return result.stdout


def until(condition, seconds, complaint, pause=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(complaint)
        time.sleep(pause)


@contextmanager
def lock(directory):
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        raise LabError(f"no lab in {directory}: packaging/lab up") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def all_labs():
    """Every lab that has a state directory, dead ones too."""
    return [Lab(each.name) for each in ROOT.iterdir() if each.is_dir()] if ROOT.is_dir() else []
