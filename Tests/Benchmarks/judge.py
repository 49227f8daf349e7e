#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A whole judgement of a large, healthy site: nodes × 2 pod CIDRs × 2 uplinks, two switches that were read, ten
pool members a node.

    Tests/Benchmarks/judge.py
"""
import argparse
import statistics
import subprocess

from process import bench_arguments, table


def measure(program, nodes, rounds=7):
    printed = subprocess.run([program, str(nodes), str(rounds)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()]
    assert all(int(row[2]) == 2 * nodes for row in rows), rows[0]
    full = [float(row[1]) for row in rows if row[0] == "full" and row[3] == "0"]
    # One after the other something is broken and mended.
    changes = [row for row in rows if row[0] == "change"]
    assert [row[3] for row in changes] == ["1", "0"] * (len(changes) // 2), changes[:4]

    def median(name):
        return statistics.median(float(row[1]) for row in rows if row[0] == name)

    return [statistics.median(full), median("switch"), median("switch-route"), median("bigip"), median("change")]


def main():
    options = bench_arguments(argparse.ArgumentParser(description=__doc__))
    took = {nodes: measure(options.bin / "benchmark-judge", nodes) for nodes in (1_500, 15_000)}
    table("judgement of a healthy site, median of 7; of a switch or the BIG-IP read, of 14; of one change, of 200",
          ["nodes", "full, ms", "µs a node", "switch read, ms", "a route in it, ms", "BIG-IP read, ms", "one change, µs"],
          [[f"{nodes:,}", f"{full:.0f}", f"{1000 * full / nodes:.1f}", *[f"{each:.0f}" for each in reads],
            f"{1000 * change:.0f}"]
           for nodes, (full, *reads, change) in took.items()])


if __name__ == "__main__":
    main()
