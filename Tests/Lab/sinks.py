#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every sink against its receiver, from a fault of the lab to what people read: in order and once, over a collector
that is killed and receivers that are gone, within the receivers' limits, and without a secret in the log.

    python3 Tests/Lab/sinks.py [--only WORD …] [--sinks NAME …] [--outage SECONDS] [--name LAB] [--bin DIRECTORY]
                               [--keep]

Receivers are stand-ins that refuse what their vendors refuse, two real Alertmanagers and a real Matrix homeserver.
Needs root, built programs and `packaging/setup --receivers`. Exit 0 only if all passed.
"""

import argparse
import pathlib
import signal
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging/lab.d"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import demo  # noqa: E402
import receivers  # noqa: E402
import sink_cases  # noqa: E402
from sink_table import LINK, Site, table  # noqa: E402
from state import Lab, LabError  # noqa: E402


class Bench:
    """A lab whose collector has the sinks, and what stands at their other ends."""

    def __init__(self, options):
        self.options, self.identity, self.lab = options, options.name, Lab(options.name)
        self.programs = pathlib.Path(options.bin or ROOT / ".build/debug").absolute()
        self.site = self.collector = None

    def up(self):
        demo.lab(self.identity, "down", check=False)
        demo.lab(self.identity, "up", "--bin", str(self.programs))
        self.site = Site(self.lab, self.options.sinks)
        self.site.start()
        self.configure()
        demo.lab(self.identity, "podpath", "start", "all")
        self.collector = demo.Collector(demo.status(self.identity))
        demo.wait("health", demo.READY, self.collector.is_well)

    def configure(self):
        path = self.lab.path("collector.yaml")
        head = f"alerts:\n  link: {LINK}\n  language: en\n"
        text = path.read_text().replace("alerts:\n", head, 1)
        path.write_text(text.replace("  sinks:\n", "  sinks:\n" + self.site.yaml(), 1))

    def fault(self, kind, node):
        demo.lab(self.identity, "fault", kind, "--node", node)

    def mend(self, kind, node):
        demo.lab(self.identity, "mend", kind, "--node", node)

    def kill(self):
        demo.lab(self.identity, "podpath", "kill", "collector")

    def start(self):
        demo.lab(self.identity, "podpath", "start", "collector")

    def run(self, *words, limit=60):
        """A command of the collector's program in its own network namespace."""
        command = [*self.lab.enter(receivers.COLLECTOR), self.programs / "podpath-collector", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=limit)

    def log(self):
        return self.lab.path("log", "collector.log").read_text(errors="replace")

    def recover(self):
        """What failed must not fail the next."""
        if not self.collector:
            return []
        self.site.chats.heal()
        self.site.chats.close_doors(0)
        demo.lab(self.identity, "mend", "all", check=False)
        demo.lab(self.identity, "podpath", "start", "all", check=False)
        try:
            demo.wait("a healthy lab", demo.RESOLVE, self.collector.is_well)
        except demo.DemoError as error:
            return [f"afterwards: {error}"]
        return []


class Suite:
    def __init__(self, options):
        self.options, self.bench = options, Bench(options)
        self.passed = self.failed = 0

    def wanted(self, name):
        return not self.options.only or any(word in name for word in self.options.only)

    def run(self):
        """Groups do once what all their cases look at; a group of which no case is wanted is not begun."""
        self.bench.up()
        for group in sink_cases.groups(self.bench):
            wanted = [name for name in group.names if self.wanted(name)]
            if wanted:
                self.do(group, wanted)

    def do(self, group, wanted):
        began = time.monotonic()
        try:
            found = group.problems()
        except (demo.DemoError, LabError) as error:
            found = {name: [str(error)] for name in wanted}
        except Exception:  # a broken group must not hide the others
            found = {name: [traceback.format_exc()] for name in wanted}
        took = time.monotonic() - began
        if any(found.values()):
            found[wanted[-1]] = found.get(wanted[-1], []) + self.bench.recover()
        for name in wanted:
            self.tell(name, took, found.get(name, ["it was not looked at"]))

    def tell(self, name, took, problems):
        lines = [f"{'FAILED' if problems else 'passed'} {name} ({took:.0f} s)"]
        lines += [f"       {line}" for problem in problems for line in problem.splitlines()]
        print("\n".join(lines), flush=True)
        self.failed += bool(problems)
        self.passed += not problems


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only cases with such a word in their name")
    parser.add_argument("--sinks", nargs="+", metavar="NAME", choices=[sink.name for sink in table()],
                        help="configure only these")
    parser.add_argument("--outage", type=float, default=60, metavar="SECONDS", help="how long receivers are gone (60)")
    parser.add_argument("--name", default="sinks", help="the lab's id (sinks)")
    parser.add_argument("--bin", metavar="DIRECTORY", help="where the programs are (.build/debug)")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    return parser.parse_args()


def end(*_):
    raise KeyboardInterrupt


def main():
    options = parse()
    suite = Suite(options)
    signal.signal(signal.SIGTERM, end)
    try:
        receivers.require()
        suite.run()
    except (demo.DemoError, LabError) as error:
        print(f"podpath: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not options.keep:
            demo.lab(options.name, "down", check=False)
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 1 if suite.failed or not suite.passed else 0


if __name__ == "__main__":
    sys.exit(main())
