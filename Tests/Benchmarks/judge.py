# SPDX-License-Identifier: Apache-2.0
"""A whole judgement of a large, healthy site (`nodes` × 2 CIDRs × 2 uplinks, two switches, ten members a node)."""

import pathlib
import statistics
import subprocess

PROGRAM = pathlib.Path(".build-bench/release/benchmark-judge")


def measure(nodes, rounds=7):
    printed = subprocess.run([PROGRAM, str(nodes), str(rounds)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()]
    assert all(int(paths) == 2 * nodes and int(verdicts) == 0 for _, paths, verdicts in rows), rows[0]
    return statistics.median(float(row[0]) for row in rows)


def main():
    print("| nodes | full judgement | a node |")
    print("|---|---|---|")
    for nodes in (1_500, 15_000):
        took = measure(nodes)
        print(f"| {nodes:,} | {took:.0f} ms | {1000 * took / nodes:.1f} µs |")


if __name__ == "__main__":
    main()
