#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what an agent of this version sends, for the collectors of later ones to be held to.

    python3 Tests/Lab/record.py AGENT FILE

AGENT reports of this kernel and a real BIRD to a collector that writes down every byte: its greeting, a snapshot, a
route that goes and comes back, heartbeats, and goodbye. FILE is its side of the stream, after decryption. Needs root.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from agent import Stage  # noqa: E402
from agent_node import Agent, sh  # noqa: E402
import scripted_collector  # noqa: E402


def main():
    program, file = pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(sys.argv[2]).absolute()
    recorded = bytearray()
    read = scripted_collector.Collector.next

    def next_and_keep(self, connection):
        data = read(self, connection)
        recorded.extend(data)
        return data

    scripted_collector.Collector.next = next_and_keep
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(program, pathlib.Path(folder))
        collector = stage.collector
        agent = Agent(program, stage.node, stage.authority, [collector], interval="1")
        collector.wait("a snapshot", lambda: collector.connections and len(collector.last.frames) >= 2)
        time.sleep(3)
        sh("ip route del 10.16.0.0/24 dev cilium_host")
        time.sleep(1)
        sh("ip route add 10.16.0.0/24 dev cilium_host")
        time.sleep(3)
        agent.stop()
        collector.wait("its end", lambda: collector.last.has_ended)
        print([frame["frame"] for _, frame in collector.last.frames])
        stage.node.down()
    file.write_bytes(recorded)


if __name__ == "__main__":
    main()
