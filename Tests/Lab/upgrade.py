#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents and two collectors are replaced one by one while pods roll and routes come and go: nobody is told anything,
no incident is opened, and all is seen as before. There and back, so that each version's agents report to each
version's collectors.

    python3 Tests/Lab/upgrade.py [--old DIRECTORY] [--new DIRECTORY] [--name LAB]

Without directories it is a restart of the same programs in the order of an upgrade. Exit 0 only if nothing was told.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging/lab.d"))
sys.dont_write_bytecode = True

import demo  # noqa: E402
import kubernetes  # noqa: E402
import pair  # noqa: E402
import podpath  # noqa: E402
from state import REPOSITORY, LabError  # noqa: E402
from topology import NODES, SERVICES  # noqa: E402


class Load(threading.Thread):
    """What goes on in a cluster all day: routes to single pods come and go on every node, pods leave their pools."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.rounds, self.over = lab, 0, threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.over.is_set():
                self.turn()
        except LabError as error:
            self.failure = error

    def turn(self):
        for node in NODES:
            address = f"{node.pod_network}.{200 + self.rounds % 50}/32"
            for verb in ("replace", "del"):
                self.lab.run(node.name, "ip", "route", verb, address, "dev", "cilium_host")
        kubernetes.put(self.lab, *(kubernetes.slice_of(name) for name in SERVICES))
        self.rounds += 1

    def end(self):
        self.over.set()
        self.join(30)
        if self.failure:
            raise demo.DemoError(f"the load: {self.failure}")


def replace(site, name, directory):
    podpath.stop(site.lab, [name])
    podpath.start(site.lab, [name], directory)


def agents(site, directory):
    for node in NODES:
        replace(site, f"agent-{node.name}", directory)
        demo.wait(f"{node.name} reports to both", demo.READY, lambda: all(map(all_connected, site.collectors.values())))


def all_connected(collector):
    try:
        sources = collector.get("/api/v1/sources")["sources"]
    except (OSError, ValueError, KeyError):
        return False
    return any(source["type"] == "agents" and source.get("connected") == len(NODES) for source in sources)


def collectors(site, directory):
    """The one that stands by first, then the one that tells."""
    speaker = site.telling()[0]
    for name in sorted(pair.PORTS, key=lambda name: name == speaker):
        replace(site, name, directory)
        demo.wait(f"{name} is well", demo.READY, site.is_well)


def told(site):
    """All that left a collector, and each incident that one of them has opened."""
    found = [f"chat: {entry[2]}" for entry in site.chat.taken]
    for name, collector in site.collectors.items():
        found += [f"{name}: {alert['transition']} {alert['summary']}" for alert in collector.transitions()]
        found += [f"{name}: {incident['state']} {incident['summary']}"
                  for incident in collector.get("/api/v1/incidents")["incidents"]]
    return found


def version(directory):
    done = subprocess.run([directory / "podpath-agent", "--version"], capture_output=True, text=True, timeout=10)
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    built = REPOSITORY / ".build/debug"
    parser.add_argument("--old", type=lambda text: pathlib.Path(text).absolute(), default=built)
    parser.add_argument("--new", type=lambda text: pathlib.Path(text).absolute(), default=built)
    parser.add_argument("--name", default="upgrade")
    options = parser.parse_args()
    site = pair.Pair(types.SimpleNamespace(name=options.name, bin=options.old, seed=1, kills=0))
    began, load = time.monotonic(), None
    try:
        site.up()
        load = Load(site.lab)
        load.start()
        for step, directory in ((agents, options.new), (collectors, options.new), (collectors, options.old),
                                (agents, options.old), (collectors, options.new)):
            step(site, directory)
            print(f"{step.__name__} of {version(directory)} ({time.monotonic() - began:.0f} s)", flush=True)
        time.sleep(pair.SETTLED)
        load.end()
        demo.wait("health", demo.READY, site.is_well)
        found = told(site)
    except (demo.DemoError, LabError, OSError, ValueError) as error:
        pair.explain(site)
        found = [str(error)]
    finally:
        demo.lab(options.name, "down", check=False)
    for line in found:
        print(f"FAILED: {line}")
    print(json.dumps({"told": len(found), "rounds of load": load.rounds if load else 0}))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
