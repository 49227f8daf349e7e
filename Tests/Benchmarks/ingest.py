#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agents' port: CPU time a report, and memory a connected agent, beside a C program that has an
epoll loop and SSL_read and does nothing with what it reads.

    Tests/Benchmarks/ingest.py [--reports 25000] [--seconds 8] [--rounds 3] [--agents 10000]

podpath decodes each report, keeps each node's facts, hands them on and acknowledges; the C program
counts frames by their lengths, and in its second row answers each with as many bytes. The three take
turns on one core, and the agents stand on the other. Reports are of about 200 bytes, each in a record
of its own, from 1,000 agents.
"""
import argparse
import shutil
import statistics
import time

from process import Program, allow_descriptors, bench_arguments, certificates, cpu_seconds, memory_kb, table

PORT = 10443
STREAMS = 1_000


class Bench:
    def __init__(self, options):
        self.options = options
        self.keys = certificates(options.peers, max(options.agents, STREAMS))
        self.contestants = {
            "podpath: decoded, kept, acknowledged": [options.bin / "benchmark-ingest", self.keys, PORT],
            "C: epoll, SSL_read, frames counted": [options.peers / "ingest", self.keys, PORT],
            "C: the same, each frame answered": [options.peers / "ingest", self.keys, PORT, "acknowledge"],
        }

    def serve(self, name):
        server = Program(*self.contestants[name], core=0)
        server.wait_for("ready")
        return server

    def fleet(self, *words):
        return Program(self.options.bin / "fleet", "--identities", self.keys, "--port", PORT, *words, core=1)

    def flood(self, name):
        """Microseconds of CPU time a report, and reports a second of the clock."""
        server = self.serve(name)
        seconds = self.options.seconds
        fleet = self.fleet("--agents", STREAMS, "--flood", self.options.reports, "--seconds", 60 + seconds, "--flood-seconds", seconds)
        size = fleet.wait_for('"event":"flood"')["bytes"]
        before = cpu_seconds(server.pid)
        result = fleet.wait_for('"event":"result"')
        spent = cpu_seconds(server.pid) - before
        counted = server.stop()["frames"]
        # A hello and a first snapshot each came before.
        reports = counted - 2 * STREAMS
        assert abs(reports - result["reports"]) < 0.01 * result["reports"], (reports, result)
        return spent / reports * 1e6, reports / (result["floodMilliseconds"] / 1e3), size

    def memory(self, name, is_bare):
        """Bytes a connected agent costs the server: resident, once all have told their first report."""
        server = self.serve(name)
        before = memory_kb(server.pid)[0]
        fleet = self.fleet("--agents", self.options.agents, "--seconds", 120, "--bare", "yes" if is_bare else "no")
        opened = fleet.wait_for('"event":"open"')["milliseconds"]
        time.sleep(2)
        grown = memory_kb(server.pid)[0] - before
        spent = cpu_seconds(server.pid)
        fleet.kill()
        server.kill()
        return grown * 1024 / self.options.agents, spent / self.options.agents * 1e6, opened

    def run(self):
        # An agent leaves whoever does not answer: what holds connections is beside the second C.
        names = list(self.contestants)[::2]
        floods = {name: [] for name in self.contestants}
        for _ in range(self.options.rounds):
            for name in self.contestants:
                floods[name].append(self.flood(name))
        median = {name: statistics.median(run[0] for run in runs) for name, runs in floods.items()}
        ours = next(iter(median.values()))
        size = floods[names[0]][0][2]
        table(
            f"Reports of {size} bytes from {STREAMS} agents, medians of {self.options.rounds} rounds",
            ["", "µs a report", "ours / theirs", "reports a second offered"],
            [
                [name, f"{median[name]:.2f}", f"{ours / median[name]:.2f}", f"{statistics.median(run[1] for run in floods[name]):,.0f}"]
                for name in self.contestants
            ],
        )
        for is_bare, what in ((True, "nothing to report"), (False, "a node's 50 routes and 6 sessions")):
            held = {name: self.memory(name, is_bare) for name in names}
            table(
                f"{self.options.agents:,} connected agents, each with {what}",
                ["", "bytes an agent", "ours / theirs", "µs of CPU a handshake and report", "all open after ms"],
                [
                    [name, f"{held[name][0]:,.0f}", f"{held[names[0]][0] / held[name][0]:.2f}", f"{held[name][1]:.0f}", held[name][2]]
                    for name in names
                ],
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=25_000, help="a second, offered")
    parser.add_argument("--seconds", type=int, default=8, help="each flood")
    parser.add_argument("--rounds", type=int, default=3)
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
