#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector with a fleet of agents is killed and started again: its CPU time until every stage of
every pod CIDR is judged, beside a C program's for the handshakes alone.

    Tests/Benchmarks/restart.py [--agents 10000]

The fleet is one process on the other core; each agent has its own certificate, facts of a node with 50
routes and 6 sessions, and comes back as agents do, after a pause of its own choice. No alert may fire.
"""
import argparse
import re
import shutil
import time
import urllib.request

from process import Program, allow_descriptors, bench_arguments, certificates, cpu_seconds, memory_kb, table

PORT, HTTP = 10443, 10480
CONFIGURATION = """
cluster: fleet
pod-cidrs: [10.0.0.0/8]
agents: {{ listen: 127.0.0.1:{port}, certificate: collector.crt, key: collector.key, client-ca: ca.crt, stale-after: 15s }}
http: {{ listen: 127.0.0.1:{http} }}
nodes: {{ from: agents }}
alerts:
  sinks: [{{ name: alerts, command: {{ run: [tee, -a, {alerts}] }} }}]
"""


class Bench:
    def __init__(self, options):
        self.options = options
        self.keys = certificates(options.peers, options.agents)
        self.alerts = self.keys / "alerts"
        self.alerts.touch()
        self.configuration = self.keys / "collector.yaml"
        self.configuration.write_text(CONFIGURATION.format(port=PORT, http=HTTP, alerts=self.alerts))
        words = ["--identities", self.keys, "--port", PORT, "--agents", options.agents, "--seconds", 1_200]
        self.fleet_words = [options.bin / "fleet", *words]

    def collector(self):
        with open(self.keys / "log", "a") as log:
            return Program(self.options.bin / "podpath-collector", "serve", "--config", self.configuration, stderr=log)

    def judged(self):
        """How many pod CIDRs are good in every stage that an agent tells."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/metrics", timeout=30) as answer:
                text = answer.read().decode()
        except OSError:
            return 0
        good = re.findall(r'podpath_stages\{stage="(?:kernel|bird|export|session)",state="ok"\} (\d+)', text)
        return min(map(int, good), default=0)

    def until_judged(self, collector, began):
        while self.judged() < self.options.agents:
            if time.monotonic() > began + 600:
                raise SystemExit(f"only {self.judged()} of {self.options.agents} are judged after ten minutes")
            time.sleep(0.5)
        return cpu_seconds(collector.pid), time.monotonic() - began

    def podpath(self):
        collector = self.collector()
        fleet = Program(*self.fleet_words, core=1)
        self.until_judged(collector, time.monotonic())
        collector.kill()
        time.sleep(1)
        began = time.monotonic()
        collector = self.collector()
        spent, took = self.until_judged(collector, began)
        # What hold-downs may still have in store: the longest is twenty seconds for what is seen here.
        before = cpu_seconds(collector.pid)
        time.sleep(25)
        steady = (cpu_seconds(collector.pid) - before) / 25
        resident = memory_kb(collector.pid)[0]
        fleet.kill()
        fired = self.alerts.read_text()
        collector.kill()
        assert not fired, fired[:1_000]
        return spent, took, steady, resident

    def yardstick(self):
        """The same fleet, the same loss: handshakes and frames' lengths only."""
        serve = [self.options.peers / "ingest", self.keys, PORT, "acknowledge"]
        server = Program(*serve, core=0)
        server.wait_for("ready")
        fleet = Program(*self.fleet_words, core=1)
        fleet.wait_for('"event":"open"')
        server.kill()
        time.sleep(1)
        server = Program(*serve, core=0)
        server.wait_for("ready")
        time.sleep(45)
        spent = cpu_seconds(server.pid)
        fleet.kill()
        handshakes = server.stop()["handshakes"]
        assert handshakes >= self.options.agents, f"{handshakes} of {self.options.agents} came back"
        return spent * self.options.agents / handshakes

    def run(self):
        spent, took, steady, resident = self.podpath()
        bare = self.yardstick()
        table(
            f"A collector of {self.options.agents:,} agents killed and started again",
            ["", "CPU s", "/ handshakes", "after s"],
            [
                ["podpath-collector, until every stage is judged", f"{spent:.1f}", f"{spent / bare:.2f}", f"{took:.0f}"],
                ["C: the handshakes alone", f"{bare:.1f}", "1", "-"],
            ],
        )
        print(f"  afterwards: {steady:.1%} of a core, {resident / 1024:.0f} MB resident; no alert fired")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    options = bench_arguments(parser)
    allow_descriptors(options.agents)
    bench = Bench(options)
    try:
        bench.run()
    finally:
        shutil.rmtree(bench.keys)


if __name__ == "__main__":
    main()
