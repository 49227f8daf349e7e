#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent on a node with 6 BGP sessions and 40 routes, beside prometheus-bird-exporter on the same
BIRD and a C program that has its libraries and its waiting but none of its work.

    Tests/Benchmarks/agent.py [--seconds 60] [--interval 5]

All run at the same time, for the same time. The exporter is scraped as often as the agent asks BIRD.
Memory is read at the end; BIRD's own time stands below, with nobody asking and with the agent alone.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from process import ROOT, Program, bench_arguments, certificates, cpu_seconds, memory_kb, table, threads

sys.path.insert(0, str(ROOT / "Tests" / "Lab"))
import agent_node  # noqa: E402
from agent_node import Node, sh, wait  # noqa: E402

SESSIONS, ROUTES = 6, 40
PORT, PEER_PORT, METRICS = 10443, 10444, 9324
GENERAL = agent_node.BIRD[: agent_node.BIRD.index("protocol bgp")]
SESSION = """
protocol bgp uplink{number} {{
    local {own} as 64512; neighbor {peer} as 64512; connect retry time 1; error wait time 1, 2;
    ipv4 {{ import {imports}; export {exports}; }};
}}
"""


class WideNode(Node):
    """One switch that stands for six: each session has addresses of its own at both ends, since a
    BIRD holds one session to an address."""

    peers = [f"10.1.0.{254 - number}" for number in range(SESSIONS)]
    owns = [f"10.1.0.{1 + number}" for number in range(SESSIONS)]

    def configure(self, name, own, peer, imports, exports):
        is_switch = name == "switch"
        text = GENERAL.format(own=own, folder=self.folder, name=name)
        if is_switch:
            text = text.replace('route 10.16.0.0/24 via "cilium_host";', "")
        for number, ends in enumerate(zip(self.owns, self.peers)):
            ends = ends[::-1] if is_switch else ends
            text += SESSION.format(number=number, own=ends[0], peer=ends[1], imports=imports, exports=exports)
        path = self.folder / f"{name}.conf"
        path.write_text(text)
        return path

    def start(self):
        for own, peer in zip(self.owns[1:], self.peers[1:]):
            sh(f"ip addr add {own}/24 dev uplink0; ip -n {self.switch} addr add {peer}/24 dev node0")
        for number in range(1, ROUTES):
            sh(f"ip route add 10.17.{number}.0/24 via {self.peers[number % SESSIONS]} dev uplink0")
        self.start_birds()
        wait("six sessions", lambda: self.birdc("show protocols").count("Established") == SESSIONS, 60)


def sent_bytes():
    text = sh(f"ss -tin dport = {PORT}")
    found = re.search(r"bytes_sent:(\d+)", text)
    return int(found.group(1)) if found else 0


def birds_share(node, seconds):
    before = cpu_seconds(node.daemons["bird"].pid)
    time.sleep(seconds)
    return (cpu_seconds(node.daemons["bird"].pid) - before) / seconds


def scrape():
    with urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics", timeout=10) as answer:
        assert b"bird_protocol_up" in answer.read()


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.node = WideNode(folder)
        self.node.start()
        self.keys = certificates(options.peers, 2)
        self.collector = Program(options.bin / "benchmark-ingest", self.keys, PORT)
        self.yardstick = Program(options.peers / "ingest", self.keys, PEER_PORT)
        for server in (self.collector, self.yardstick):
            server.wait_for("ready")

    def start_agent(self):
        files = ["--ca", self.keys / "ca.crt", "--certificate", self.keys / "node-00000.crt", "--key", self.keys / "agents.key"]
        words = ["--collector", f"127.0.0.1:{PORT}", "--server-name", "collector", "--node", "node-00000"]
        words += ["--pod-cidr", "10.16.0.0/12", "--bird-socket", self.node.socket, "--interval", self.options.interval]
        return Program(self.options.bin / "podpath-agent", *words, *files, stderr=subprocess.DEVNULL)

    def start_exporter(self):
        words = [f"-bird.socket={self.node.socket}", "-bird.v2=true", "-format.new=true", f"-web.listen-address=127.0.0.1:{METRICS}"]
        exporter = Program("prometheus-bird-exporter", *words, stderr=subprocess.DEVNULL)
        wait("the exporter", lambda: b"bird" in pathlib.Path(f"/proc/{exporter.pid}/cmdline").read_bytes())
        time.sleep(1)
        return exporter

    def run(self):
        seconds = self.options.seconds
        alone = birds_share(self.node, seconds / 4)
        agent = self.start_agent()
        # The first report and what follows a beginning: five seconds.
        time.sleep(max(5, 2 * self.options.interval))
        first = sent_bytes()
        watched = birds_share(self.node, seconds / 4)
        exporter = self.start_exporter()
        idle = memory_kb(exporter.pid)[0]
        peer = Program(self.options.peers / "agent", self.keys, "node-00001", PEER_PORT)
        time.sleep(1)
        programs = {"podpath-agent": agent, "prometheus-bird-exporter, scraped": exporter, "C, same libraries, no work": peer}
        self.measure(programs, seconds)
        beats = (sent_bytes() - first) / (seconds * 1.25 / self.options.interval)
        print(f"  exporter before its first scrape: {idle} KB resident")
        print(f"  agent: handshake and first report {first} bytes sent, a heartbeat {beats:.0f} bytes of TLS records")
        print(f"  BIRD's own time: alone {alone:.4%} of a core, asked by the agent {watched:.4%}")
        for program in (*programs.values(), self.collector, self.yardstick):
            program.kill()

    def measure(self, programs, seconds):
        before = {name: cpu_seconds(program.pid) for name, program in programs.items()}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            scrape()
            time.sleep(min(self.options.interval, max(0, end - time.monotonic())))
        rows = []
        for name, program in programs.items():
            share = (cpu_seconds(program.pid) - before[name]) / seconds
            rows.append([name, *memory_kb(program.pid), threads(program.pid), f"{share:.4%}"])
        table(
            f"A node with {SESSIONS} sessions and {ROUTES} routes, {seconds} s, every {self.options.interval} s",
            ["", "RSS KB", "PSS KB", "private dirty KB", "threads", "of a core"],
            rows,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--interval", type=int, default=5)
    options = bench_arguments(parser)
    folder = tempfile.mkdtemp(prefix="podpath-benchmark-")
    bench = Bench(options, folder)
    try:
        bench.run()
    finally:
        bench.node.down()
        shutil.rmtree(folder)
        shutil.rmtree(bench.keys)


if __name__ == "__main__":
    main()
