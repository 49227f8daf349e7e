#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent on one node over a minute, beside prometheus-bird-exporter on the same node: resident
and private memory, threads, CPU time; and the bytes of a first report and of a heartbeat.

    Tests/Benchmarks/agent.py [--seconds 60] [--bin .build/release] [--interval 5]

The exporter is scraped every 5 seconds, as the agent polls. Packets are counted by the kernel
(TCP_INFO of the agent's connection by `ss`), so the bytes are TLS records as they were sent.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.dont_write_bytecode = True

import demo  # noqa: E402
from state import Lab  # noqa: E402

IDENTITY = "agent"
TICKS = os.sysconf("SC_CLK_TCK")


def host_pid(lab, name):
    """The process as the host sees it, found by its command line."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if name(words):
            return int(entry.name)
    raise SystemExit("no such process")


def sizes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    number = lambda text, key: int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return {
        "rss": number(status, "VmRSS"), "dirty": number(rollup, "Private_Dirty"),
        "threads": number(status, "Threads"), "cpu": (int(fields[11]) + int(fields[12])) / TICKS,
    }


def sent(lab):
    """Bytes the agent's connection has sent, acknowledged by the peer."""
    text = subprocess.run([*lab.enter("n3"), "ss", "-tin", "dport", "=", "10443"],
                          stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"bytes_sent:(\d+)", text)
    return int(found.group(1)) if found else 0


def start_exporter(lab):
    socket = lab.path("n3", "bird.ctl")
    command = [*lab.enter("n3"), "prometheus-bird-exporter", f"-bird.socket={socket}", "-bird.v2=true",
               "-format.new=true", "-web.listen-address=127.0.0.1:9324"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def scrape(lab):
    subprocess.run([*lab.enter("n3"), "curl", "-s", "-o", "/dev/null", "http://127.0.0.1:9324/metrics"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--interval", type=int, default=5)
    parser.add_argument("--bin", default=str(ROOT / ".build" / "debug"))
    options = parser.parse_args()
    demo.lab(IDENTITY, "down", check=False)
    demo.lab(IDENTITY, "up", "--bin", options.bin)
    exporter = None
    try:
        demo.lab(IDENTITY, "podpath", "start", "all")
        collector = demo.Collector(json.loads(demo.lab(IDENTITY, "status", "--json")))
        demo.wait("health", 60, collector.is_well)
        lab = Lab(IDENTITY)
        measure(lab, options)
    finally:
        subprocess.run(["pkill", "-f", "prometheus-bird-exporter -bird.socket=/run/podpath-lab/agent"])
        demo.lab(IDENTITY, "down", check=False)


def measure(lab, options):
    # The lab's own agent polls each second; this one as a site would run it.
    demo.lab(IDENTITY, "podpath", "stop", "agent", "n3")
    arguments = ["--collector", "192.168.100.1:10443", "--server-name", "collector", "--node", "n3",
                 "--pod-cidr", "10.16.0.0/16", "--bird-socket", lab.path("n3", "bird.ctl"),
                 "--interval", str(options.interval), "--ca", lab.path("ca.crt"),
                 "--certificate", lab.path("n3.crt"), "--key", lab.path("n3.key")]
    agent = subprocess.Popen([*lab.enter("n3"), pathlib.Path(options.bin) / "podpath-agent", *arguments],
                             stderr=subprocess.DEVNULL)
    exporter = start_exporter(lab)
    time.sleep(3)
    first = sent(lab)
    ours = host_pid(lab, lambda w: w[0].endswith(b"podpath-agent") and str(options.interval).encode() in w and b"n3" in w)
    theirs = host_pid(lab, lambda w: w[0].endswith(b"prometheus-bird-exporter"))
    before = sizes(ours), sizes(theirs)
    began = time.monotonic()
    start_bytes = sent(lab)
    while time.monotonic() - began < options.seconds:
        scrape(lab)
        time.sleep(options.interval)
    after = sizes(ours), sizes(theirs)
    seconds = time.monotonic() - began
    heartbeats = seconds / options.interval
    print(f"{'':34} {'RSS kB':>8} {'dirty kB':>9} {'threads':>8} {'CPU ms/min':>11} {'% core':>8}")
    for name, a, b in (("podpath-agent", before[0], after[0]), ("prometheus-bird-exporter, scraped", before[1], after[1])):
        cpu = b["cpu"] - a["cpu"]
        print(f"{name:34} {b['rss']:8} {b['dirty']:9} {b['threads']:8} {cpu * 60000 / seconds:11.0f} {cpu * 100 / seconds:8.3f}")
    print(f"first report with the TLS handshake: {first} bytes sent; "
          f"a heartbeat: {(sent(lab) - start_bytes) / heartbeats:.0f} bytes of TLS records")
    agent.terminate()
    exporter.terminate()


if __name__ == "__main__":
    main()
