#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent's first reading of a kernel with 500,000 routes, beside the same reading by a C program on
libmnl and by `ip route`, in a network namespace of its own; the three take turns."""
import argparse
import ctypes
import ipaddress
import json
import os
import statistics
import subprocess
import tempfile
import time

from process import bench_arguments, table

MAIN, OTHER, PODS = 475_000, 25_000, 40


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


def load_routes():
    """Most in table main, some in one that a rule leads to, a node's worth inside the supernets."""
    if ctypes.CDLL(None).unshare(0x40000000):
        raise SystemExit("no right to make a network namespace")
    sh("ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up")
    sh("ip addr add 192.0.2.1/24 dev d0; ip rule add from 10.16.0.0/16 lookup 100 priority 100")
    base = int(ipaddress.IPv4Address("20.0.0.0"))
    with tempfile.NamedTemporaryFile("w") as batch:
        for number in range(MAIN + OTHER):
            table_word = "" if number < MAIN else " table 100"
            batch.write(f"route add {ipaddress.IPv4Address(base + number * 256)}/24 via 192.0.2.2 dev d0{table_word}\n")
        for number in range(PODS):
            batch.write(f"route add 10.16.{number}.0/24 via 192.0.2.{3 + number % 2} dev d0\n")
        batch.flush()
        sh(f"ip -batch {batch.name}")


def measured(command):
    """Milliseconds in user mode, in the kernel and in all, as wait4 accounts for the child; its words."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_utime * 1e3, usage.ru_stime * 1e3, (time.monotonic() - began) * 1e3, output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = bench_arguments(parser)
    load_routes()
    contestants = {
        "podpath-agent's reading": [options.bin / "benchmark-kernel-dump"],
        "C, libmnl, into structs": [options.peers / "dump"],
        "ip -4 route show table all": ["ip", "-4", "route", "show", "table", "all"],
    }
    runs = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, command in contestants.items():
            runs[name].append(measured(command))
    check(runs)
    median = {name: [statistics.median(run[part] for run in taken) for part in range(3)] for name, taken in runs.items()}
    yardstick = median["C, libmnl, into structs"][0]
    table(
        f"{MAIN + OTHER:,} kernel routes, medians of {options.rounds} rounds",
        ["", "user ms", "/ C's", "kernel ms", "wall ms", "peak KB"],
        [
            [name, f"{user:.0f}", f"{user / yardstick:.2f}", f"{kernel:.0f}", f"{wall:.0f}", peak(runs[name])]
            for name, (user, kernel, wall) in median.items()
        ],
    )


def peak(taken):
    words = [run[3] for run in taken]
    return max(json.loads(word)["peak"] for word in words) if words[0].startswith(b"{") else "-"


def check(runs):
    """All read all, and the agent kept what is inside the supernets."""
    ours, theirs, lines = [taken[0][3] for taken in runs.values()]
    kept, routes = json.loads(ours)["kept"], json.loads(theirs)["routes"]
    assert kept == PODS, f"the agent kept {kept} routes"
    assert routes >= MAIN + OTHER and lines.count(b"\n") >= MAIN + OTHER, (routes, lines.count(b"\n"))


if __name__ == "__main__":
    main()
