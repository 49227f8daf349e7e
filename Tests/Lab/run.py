#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab suite: every fault injected, named, mended and resolved; sources that misbehave, restarts in any
order, attacks on the agents' port, and a calm in which nothing may be said. Several labs stand side by side,
each a lane that takes the next case as soon as it is done with one.

    Tests/Lab/run.py [--lanes N] [--only FAULT …] [--cases WORD …] [--calm SECONDS] [--keep] [--name NAME]

Needs root and built programs. Ends with `N passed, N failed`, and how many faults were skipped because they could
not be brought about. PODPATH_LAB_OUTAGE=300 has the API server gone for five minutes; PODPATH_MATRIX=FILE collects
what was injected and what was named, for matrix.py.
"""

import argparse
import contextlib
import multiprocessing
import multiprocessing.connection
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import demo  # noqa: E402
import lane  # noqa: E402
from state import NOT_MADE  # noqa: E402

# Most of a case is waiting, for polls, holds and monitors: a lane takes 0.4 of a core. With two, whatever is timed
# holds on two cores even beside a compiler; with more it holds only on a machine that has nothing else to do.
LANES = 2
INTERRUPTED = 130
# Lanes are children that know what this process knows, and hold the other end of a pipe.
FORK = multiprocessing.get_context("fork")


class Worker:
    """A lane as the suite sees it: its process, and what it was told to do last."""

    def __init__(self, number, options):
        self.identity = f"{options.name}-{number}"
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=lane.work, args=(self.identity, theirs, options))
        self.process.start()
        theirs.close()
        self.case, self.ends = lane.RAISED, False

    def give(self, name):
        """The next case; None, and it ends."""
        self.case, self.ends = name, name is None
        # If it is gone already, its pipe tells that next.
        with contextlib.suppress(OSError):
            self.pipe.send(name)


class Suite:
    def __init__(self, options):
        self.waiting, self.quiet = lane.names(options)
        self.options, self.workers = options, []
        self.passed, self.failed, self.skipped = 0, 0, 0

    def run(self):
        for number in range(1, min(self.options.lanes, max(1, len(self.waiting))) + 1):
            self.workers.append(Worker(number, self.options))
        while self.workers:
            for pipe in multiprocessing.connection.wait([worker.pipe for worker in self.workers]):
                self.hear(next(worker for worker in self.workers if worker.pipe is pipe))
        for name in self.waiting + self.quiet:
            self.tell(name, "no lane", 0, ["there was no lab left to run it in"])

    def hear(self, worker):
        try:
            result = worker.pipe.recv()
        except (EOFError, OSError):
            self.leave(worker)
        else:
            self.tell(result.name, worker.identity, result.took, result.problems)
            worker.case, worker.ends = None, worker.ends or not result.goes_on
        self.hand_out()

    def leave(self, worker):
        """Its lab is down, unless it was killed."""
        self.workers.remove(worker)
        worker.process.join()
        if worker.case or worker.process.exitcode:
            if not self.options.keep:
                demo.lab(worker.identity, "down", check=False)
            name = worker.case or "the lane's end"
            self.tell(name, worker.identity, 0, [f"the lane ended with {worker.process.exitcode}"])

    def hand_out(self):
        """A case to whoever has none. What measures quiet waits until one lane alone is left."""
        for worker in [each for each in self.workers if not each.case and not each.ends]:
            if self.waiting:
                worker.give(self.waiting.pop(0))
            elif any(not other.ends for other in self.workers if other is not worker):
                worker.give(None)
            elif len(self.workers) == 1:
                worker.give(self.quiet.pop(0) if self.quiet else None)

    def tell(self, name, identity, took, problems):
        is_skipped = any(NOT_MADE in problem for problem in problems)
        word = "skipped" if is_skipped else "FAILED" if problems else "passed"
        lines = [f"{word} {name} ({took:.0f} s, {identity})"]
        lines += [f"       {line}" for problem in problems for line in problem.splitlines()]
        print("\n".join(lines), flush=True)
        self.skipped += is_skipped
        self.failed += bool(problems) and not is_skipped
        self.passed += not problems

    def summary(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"

    def interrupt(self):
        """Every lane takes its lab down; nothing hurries that."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lanes", type=int, default=LANES, metavar="N", help=f"labs side by side ({LANES})")
    parser.add_argument("--only", nargs="+", metavar="FAULT", help="of the faults only these, and of the rest nothing")
    parser.add_argument("--cases", nargs="+", metavar="WORD", help="only cases with such a word in their name")
    parser.add_argument("--calm", type=int, default=30)
    parser.add_argument("--keep", action="store_true", help="leave the labs up")
    parser.add_argument("--name", default="suite", help="what the labs are called, with a number behind (suite)")
    options = parser.parse_args()
    if options.lanes < 1:
        parser.error("--lanes: 1 or more")
    return options


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    options = parse()
    suite = Suite(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    try:
        suite.run()
    except KeyboardInterrupt:
        suite.interrupt()
        print(f"interrupted\n{suite.summary()}")
        return INTERRUPTED
    print(suite.summary())
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
