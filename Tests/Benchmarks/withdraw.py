#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A pod CIDR withdrawn at BIRD: how long until it is believed withdrawn, by each way of reading a switch,
beside the change of that switch's own forwarding table (`ip monitor route` there).

    Tests/Benchmarks/withdraw.py [--rounds 20] [--bin .build-bench/release]

Switch a is FRR and read by BMP alone, then by a BGP session alone; switch b by NX-API, polled each second.
The act is `birdc disable static1`, whose own time is inside. Believed means that the stage of the path is no
longer `ok` in the API, which is asked every two milliseconds.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.dont_write_bytecode = True

import demo  # noqa: E402
from state import Lab  # noqa: E402

IDENTITY = "withdraw"
PREFIX = "10.16.2.0/24"


class Monitor:
    """When the switch's kernel lost the route."""

    def __init__(self, lab, switch):
        self.process = subprocess.Popen([*lab.enter(switch), "ip", "monitor", "route"], stdout=subprocess.PIPE, text=True)
        self.gone = None
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        for line in self.process.stdout:
            if line.startswith(f"Deleted {PREFIX}"):
                self.gone = time.monotonic()


def only(lab, feed):
    """Switch a by one feed alone."""
    path = lab.path("collector.yaml")
    lines = path.read_text().split("\n")
    start = lines.index("  - name: a")
    end = next(index for index in range(start + 1, len(lines)) if not lines[index].startswith("    "))
    kept = [line for line in lines[start:end] if line.startswith(("  - name", "    neighbors")) or line.startswith(f"    {feed}:")]
    path.write_text("\n".join(lines[:start] + kept + lines[end:]))


class Bench:
    def __init__(self, options):
        self.options = options
        self.lab = Lab(IDENTITY)
        state = json.loads(demo.lab(IDENTITY, "status", "--json"))
        self.url = f"{state['page']}api/v1/paths?prefix={PREFIX}"
        self.control = self.lab.path("n3", "bird.ctl")

    def stages(self):
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            paths = json.load(answer)["paths"]
        return {stage.get("at"): stage["state"] for path in paths for stage in path["stages"] if stage["stage"] == "switch"}

    def birdc(self, command):
        subprocess.run([*self.lab.enter("n3"), "birdc", "-s", str(self.control), *command.split()], check=True, stdout=subprocess.DEVNULL)

    def wait(self, holds, patience=60):
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                raise SystemExit(f"waited {patience} s in vain: {self.stages()}")
            time.sleep(0.002)

    def once(self, monitors):
        self.wait(lambda: self.stages() == {"a": "ok", "b": "ok"})
        time.sleep(1.3)
        for monitor in monitors.values():
            monitor.gone = None
        believed = {}
        began = time.monotonic()
        self.birdc("disable static1")
        while len(believed) < 2:
            for switch, state in self.stages().items():
                if state != "ok":
                    believed.setdefault(switch, time.monotonic())
            time.sleep(0.002)
        self.wait(lambda: all(monitor.gone for monitor in monitors.values()))
        self.birdc("enable static1")
        return {switch: ((believed[switch] - began) * 1e3, (monitors[switch].gone - began) * 1e3) for switch in believed}

    def run(self, feed):
        demo.lab(IDENTITY, "podpath", "stop", "all", check=False)
        only(self.lab, feed)
        demo.lab(IDENTITY, "podpath", "start", "all")
        monitors = {switch: Monitor(self.lab, switch) for switch in ("a", "b")}
        found = [self.once(monitors) for _ in range(self.options.rounds)]
        for monitor in monitors.values():
            monitor.process.kill()
        return found


def show(name, found, switch):
    ours, kernels = zip(*(round[switch] for round in found))
    print(f"{name:24} {statistics.median(ours):8.1f} {max(ours):8.1f}   {statistics.median(kernels):8.1f} {max(kernels):8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bin", default=str(ROOT / ".build-bench" / "release"))
    options = parser.parse_args()
    demo.lab(IDENTITY, "down", check=False)
    demo.lab(IDENTITY, "up", "--bin", options.bin)
    try:
        bench = Bench(options)
        whole = bench.lab.path("collector.yaml").read_text()
        print("withdrawn at BIRD, milliseconds, median and worst")
        print(f"{'':24} {'believed':>17}   {'switch forwards no more':>17}")
        for feed, name in (("bmp", "BMP"), ("bgp", "BGP session")):
            bench.lab.path("collector.yaml").write_text(whole)
            found = bench.run(feed)
            show(name, found, "a")
        show("NX-API each second", found, "b")
    finally:
        demo.lab(IDENTITY, "down", check=False)


if __name__ == "__main__":
    main()
