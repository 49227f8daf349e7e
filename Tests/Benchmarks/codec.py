#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A report of 50 routes, 6 sessions and 2 export lists in podpath's format, in protobuf and in JSON:
bytes, and CPU time to encode and to decode (Codec/, the best of twenty rounds taken in turn)."""
import argparse
import json
import subprocess

from process import bench_arguments, table


def main():
    options = bench_arguments(argparse.ArgumentParser(description=__doc__))
    lines = subprocess.run([options.bin / "benchmark-codec"], check=True, capture_output=True, text=True).stdout
    found = {row["codec"]: row for row in map(json.loads, lines.splitlines())}
    ours = found["podpath"]
    total = lambda row: row["encode"] + row["decode"]  # noqa: E731
    table(
        "A report: 50 routes, 6 sessions, 2 export lists of 20",
        ["", "bytes", "ours / theirs", "encode ns", "decode ns", "ours / theirs"],
        [
            [name, row["bytes"], f"{ours['bytes'] / row['bytes']:.3f}", row["encode"], row["decode"], f"{total(ours) / total(row):.4f}"]
            for name, row in found.items()
        ],
    )


if __name__ == "__main__":
    main()
