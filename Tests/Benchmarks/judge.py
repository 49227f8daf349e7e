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
    assert all(int(paths) == 2 * nodes and int(verdicts) == 0 for _, paths, verdicts in rows), rows[0]
    return statistics.median(float(row[0]) for row in rows)


def main():
    options = bench_arguments(argparse.ArgumentParser(description=__doc__))
    took = {nodes: measure(options.bin / "benchmark-judge", nodes) for nodes in (1_500, 15_000)}
    table("judgement of a healthy site, median of 7", ["nodes", "ms", "µs a node"],
          [[f"{nodes:,}", f"{each:.0f}", f"{1000 * each / nodes:.1f}"] for nodes, each in took.items()])


if __name__ == "__main__":
    main()
