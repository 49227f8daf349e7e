#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fault to alert body, hold 0: how long from the act that breaks something to the moment the
alert's body has left the collector (a `command` sink has it whole).

    Tests/Benchmarks/latency.py [--rounds 20] [--bin .build-bench/release]

Three acts, each in the lab's real parts: a kernel route removed (`ip route del`), a session shut by
the switch (`neighbor … shutdown`), an export withdrawn (a changed filter, `birdc configure`). The
time is taken right before the act's own command is started, so that command's time is inside; what
the same command takes to no effect stands beside it.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.dont_write_bytecode = True

import demo  # noqa: E402
from state import Lab  # noqa: E402

IDENTITY = "latency"


def stamp(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Act:
    """One way to break and mend, as command lines inside the lab."""

    def __init__(self, name, kind, namespace, breaking, mending, nothing):
        self.name, self.kind, self.namespace = name, kind, namespace
        self.breaking, self.mending, self.nothing = breaking, mending, nothing


def acts(state):
    vty = ["vtysh", "--vty_socket", str(state / "a"), "-c"]

    def neighbor(word):
        lines = ["configure terminal", "router bgp 64512", f"{word}neighbor 10.1.0.3 shutdown"]
        return vty[:-1] + [part for line in lines for part in ("-c", line)]

    birdc = ["birdc", "-s", str(state / "n3" / "bird.ctl"), "configure"]
    return [
        Act("kernel route removed", "kernel-route-missing", "n3",
            ["ip", "route", "del", "10.16.2.0/24"],
            ["ip", "route", "add", "10.16.2.0/24", "via", "10.16.2.1", "dev", "cilium_host", "src", "10.16.2.1"],
            ["ip", "route", "show", "10.16.2.0/24"]),
        Act("session shut by the switch", "session-down", "a", neighbor(""), neighbor("no "),
            vty + ["show version"]),
        Act("export withdrawn", "not-exported", "n3", birdc, birdc,
            ["birdc", "-s", str(state / "n3" / "bird.ctl"), "show", "status"]),
    ]


class Bench:
    def __init__(self, lab, collector):
        self.lab, self.collector = lab, collector
        self.configuration = lab.path("n3", "bird.conf")

    def run(self, act, command):
        subprocess.run([*self.lab.enter(act.namespace), *command], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def prepare(self, act, breaks):
        """A filter is changed in the file before the clock starts; BIRD reads it on configure."""
        if act.kind != "not-exported":
            return
        text = self.configuration.read_text()
        good, bad = "export filter { accept; };", "export filter { if net = 10.16.2.0/24 then reject; accept; };"
        self.configuration.write_text(text.replace(good, bad) if breaks else text.replace(bad, good))

    def once(self, act):
        seen = len(self.collector.transitions())
        self.prepare(act, breaks=True)
        before = time.time()
        self.run(act, act.breaking)

        def arrived():
            fresh = self.collector.transitions()[seen:]
            return next((a for a in fresh if a["kind"] == act.kind and a["transition"] == "opened"), None)

        alert = demo.wait(act.name, 30, arrived)
        self.prepare(act, breaks=False)
        self.run(act, act.mending)
        if act.kind == "session-down":
            # After an error BIRD waits up to a minute before it connects again.
            self.run(Act("", "", "n3", [], [], []), ["birdc", "-s", str(self.lab.path("n3", "bird.ctl")), "restart", "uplink0"])
        demo.wait("health", 60, self.collector.is_well)
        time.sleep(0.7)
        return (stamp(alert["firedAt"]) - before) * 1000

    def overhead(self, act, rounds):
        times = []
        for _ in range(rounds):
            began = time.time()
            self.run(act, act.nothing)
            times.append((time.time() - began) * 1000)
        return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bin", default=str(ROOT / ".build-bench" / "release"))
    options = parser.parse_args()
    demo.lab(IDENTITY, "down", check=False)
    demo.lab(IDENTITY, "up", "--hold", "0", "--bin", options.bin)
    try:
        demo.lab(IDENTITY, "podpath", "start", "all")
        collector = demo.Collector(json.loads(demo.lab(IDENTITY, "status", "--json")))
        demo.wait("health", 60, collector.is_well)
        lab = Lab(IDENTITY)
        bench = Bench(lab, collector)
        print("fault to alert, hold 0, milliseconds")
        print(f"{'act':28} {'median':>8} {'worst':>8}   the act's command to no effect")
        for act in acts(collector.alerts.parent):
            times = [bench.once(act) for _ in range(options.rounds)]
            beside = bench.overhead(act, options.rounds)
            print(f"{act.name:28} {statistics.median(times):8.1f} {max(times):8.1f}   {beside:8.1f}", flush=True)
    finally:
        demo.lab(IDENTITY, "down", check=False)


if __name__ == "__main__":
    main()
