#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A router's first dump by BMP: 1,000,000 prefixes of 200 peers, each in a message of its own (96 bytes),
taken in by podpath, by pmbmpd (pmacct) and by a C program that only parses and hashes. One after the other,
over 127.0.0.1, from memory.

    Tests/Benchmarks/bmp.py [--rounds 3]
"""
import argparse
import socket
import statistics
import struct
import subprocess
import tempfile
import time

from process import Program, bench_arguments, cpu_seconds, memory_kb, table

PORT = 11019
PEERS, PREFIXES = 200, 1_000_000


def message(kind, body):
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def peer(number, flags=0):
    return bytes([0, flags]) + bytes(8) + bytes(12) + bytes([10, 1, number >> 8, number & 255]) + struct.pack("!I4sII", 64512, bytes([10, 1, number >> 8, number & 255]), 1, 0)


def pdu(kind, body):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def stream():
    """As FRR's dump: Initiation, and for each peer Peer Up, its routes after the policy, End-of-RIB."""
    opening = pdu(1, bytes([4, 252, 0, 0, 180, 10, 1, 0, 254, 0]))
    parts = [message(4, struct.pack("!HH", 1, 4) + b"test" + struct.pack("!HH", 2, 6) + b"router")]
    for number in range(PEERS):
        parts.append(message(3, peer(number) + bytes(16) + struct.pack("!HH", 179, 40000) + opening + opening))
        head = peer(number, 0x40)
        attributes = bytes([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 1, number >> 8, number & 255, 0x40, 5, 4, 0, 0, 0, 100])
        for each in range(PREFIXES // PEERS):
            index = number * (PREFIXES // PEERS) + each
            nlri = bytes([24, 16 + (index >> 16), index >> 8 & 255, index & 255])
            parts.append(message(0, head + pdu(2, b"\0\0" + struct.pack("!H", len(attributes)) + attributes + nlri)))
        parts.append(message(0, head + pdu(2, bytes(4))))
    return b"".join(parts)


def feed(data):
    with socket.create_connection(("127.0.0.1", PORT)) as connection:
        connection.sendall(data)


def ours(program, data):
    server = Program(program, PORT)
    server.wait_for("ready")
    began = time.monotonic()
    feed(data)
    result = server.wait_for("prefixes")
    assert result["prefixes"] == PREFIXES, result
    return result["cpuMilliseconds"] / 1e3, time.monotonic() - began, result["residentKB"]


def pmbmpd(data):
    """It has no word for the end: it is done once it rests."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.write(f"bmp_daemon_ip: 127.0.0.1\nbmp_daemon_port: {PORT}\nbmp_daemon_max_peers: 10\nbmp_table_dump_file: /dev/null\nbmp_table_dump_refresh_time: 3600\n")
        configuration.flush()
        server = Program("pmbmpd", "-f", configuration.name, stderr=subprocess.DEVNULL)
        pid = resting(server.pid)
        before = cpu_seconds(pid)
        began = time.monotonic()
        connection = socket.create_connection(("127.0.0.1", PORT))
        connection.sendall(data)
        spent = settled(pid)
        took = time.monotonic() - began - 1
        resident = memory_kb(pid)[0]
        connection.close()
        server.kill()
        return spent - before, took, resident


def resting(pid):
    """The process that listens: the program itself, or the child it left."""
    for _ in range(100):
        time.sleep(0.1)
        listeners = subprocess.run(["ss", "-tlnpH", f"sport = :{PORT}"], capture_output=True, text=True).stdout
        if "pid=" in listeners:
            return int(listeners.split("pid=")[1].split(",")[0])
    raise SystemExit("pmbmpd does not listen")


def settled(pid):
    last = -1.0
    while (now := cpu_seconds(pid)) - last > 0.01:
        last = now
        time.sleep(1)
    return now


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = bench_arguments(parser)
    data = stream()
    contestants = {
        "podpath": lambda: ours(options.bin / "benchmark-bmp", data),
        "pmbmpd (pmacct), table alone": lambda: pmbmpd(data),
        "C, parsed and hashed": lambda: ours(options.peers / "bmp", data),
    }
    runs = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, run in contestants.items():
            runs[name].append(run())
    median = {name: [statistics.median(run[part] for run in taken) for part in range(3)] for name, taken in runs.items()}
    yardstick = median["C, parsed and hashed"][0]
    table(
        f"{PREFIXES:,} prefixes of {PEERS} peers, {len(data) / 1e6:.0f} MB, medians of {options.rounds} rounds",
        ["", "CPU s", "/ C's", "clock s", "resident MB", "bytes a route"],
        [
            [name, f"{cpu:.2f}", f"{cpu / yardstick:.1f}", f"{clock:.2f}", f"{resident / 1024:.0f}", f"{resident * 1024 / PREFIXES:.0f}"]
            for name, (cpu, clock, resident) in median.items()
        ],
    )


if __name__ == "__main__":
    main()
