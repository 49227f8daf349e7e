#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab suite: one lab, every fault injected, named, mended and resolved; then restarts in any
order, attacks on the agents' port, and a calm in which nothing may be said.

    Tests/Lab/run.py [--only KIND …] [--cases WORD] [--calm SECONDS] [--keep]

Needs root and built programs. Ends with `N passed, N failed`. PODPATH_LAB_OUTAGE=300 has the API server gone
for five minutes.
"""

import argparse
import json
import pathlib
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import attacks  # noqa: E402
import cluster  # noqa: E402
import demo  # noqa: E402
import page  # noqa: E402
import politeness  # noqa: E402
import restarts  # noqa: E402
import switches  # noqa: E402
import units  # noqa: E402

IDENTITY = "suite"
# Long enough for every poll, and for the monitors, to meet what is broken or mended; a demonstration waits longer.
demo.AFTERWARDS = 3.5


def listed_faults():
    """The first words of `lab list`, without its helpers."""
    names = [line.split()[0] for line in demo.lab(IDENTITY, "list").splitlines() if line.strip()]
    return [name for name in names if not name.endswith("-restart")]


class Suite:
    def __init__(self, collector):
        self.collector = collector
        self.passed = 0
        self.failed = []

    def case(self, name, action):
        began = time.monotonic()
        try:
            problems = action() or []
        except demo.DemoError as error:
            problems = [str(error)]
        except Exception:  # a broken case must not hide the others
            problems = [traceback.format_exc()]
        took = time.monotonic() - began
        if problems:
            self.failed.append(name)
            print(f"FAILED {name} ({took:.0f} s)", flush=True)
            for problem in problems:
                print(f"       {problem}", flush=True)
            self.recover()
        else:
            self.passed += 1
            print(f"passed {name} ({took:.0f} s)", flush=True)

    def recover(self):
        """What failed must not fail the next: mend all and wait."""
        demo.lab(IDENTITY, "mend", "all", check=False)
        demo.lab(IDENTITY, "podpath", "start", "all", check=False)
        try:
            demo.wait("a healthy lab", demo.RESOLVE, self.collector.is_well)
        except demo.DemoError as error:
            print(f"       {error}", flush=True)


def calm(collector, seconds):
    """Nothing is broken, so nothing may be said."""
    seen = len(collector.transitions())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(1)
        if not collector.is_well():
            return [f"not well in calm: {[p for p in collector.paths() if p['verdict'] != 'ok']}"]
    return [f"said in calm: {a['transition']} {a['summary']}" for a in collector.transitions()[seen:]]


def run(options):
    demo.lab(IDENTITY, "down", check=False)
    demo.lab(IDENTITY, "up")
    demo.lab(IDENTITY, "podpath", "start", "all")
    collector = demo.Collector(json.loads(demo.lab(IDENTITY, "status", "--json")))
    suite = Suite(collector)
    suite.case("every stage of every pod CIDR becomes good",
               lambda: demo.wait("health", demo.READY, collector.is_well) and [])
    silent = demo.Story(as_json=False)
    silent.tell = lambda *_, **__: None
    for name in options.only or ([] if options.cases else listed_faults()):
        suite.case(f"fault {name}", lambda name=name: demo.break_and_mend(silent, IDENTITY, collector, name))
    if not options.only:
        for module in (politeness, units, switches, cluster, restarts, attacks, page):
            for name, action in module.cases(IDENTITY, collector):
                if (options.cases or "") in name:
                    suite.case(name, action)
    if not options.only and not options.cases:
        suite.case(f"a calm of {options.calm} s says nothing", lambda: calm(collector, options.calm))
    return suite


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", metavar="KIND")
    parser.add_argument("--cases", metavar="WORD", help="only cases with this word in their name")
    parser.add_argument("--calm", type=int, default=30)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    try:
        suite = run(options)
    except demo.DemoError as error:
        print(f"FAILED to raise the lab: {error}")
        print("0 passed, 1 failed")
        return 1
    finally:
        if not options.keep:
            demo.lab(IDENTITY, "down", check=False)
    print(f"{suite.passed} passed, {len(suite.failed)} failed")
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
