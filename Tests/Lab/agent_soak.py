# SPDX-License-Identifier: Apache-2.0
"""A day's worth of reports through the real program, built with the address sanitizer where there is
such a build: no error, no leak at its end, no growth."""
import os
import statistics
import time

from agent_events import is_well
from agent_node import sh
from agent_stream import begin

# One every five seconds.
REPORTS = 86_400 // 5
# Blocks of memory that the allocator keeps for later, and the stack.
SLACK_KB = 1_024


def flaps(round):
    """Something of each kind that a node's agent tells."""
    number = round % 200
    lines = [f"route add 10.16.{number}.0/24 dev cilium_host metric 9", f"route del 10.16.{number}.0/24 dev cilium_host metric 9"]
    if round % 20 == 0:
        lines += ["link set cilium_host mtu 1400", "link set cilium_host mtu 1500", "rule add from 10.16.0.0/24 lookup 77", "rule del from 10.16.0.0/24 lookup 77"]
    if round % 50 == 0:
        lines += ["addr add 10.16.200.1/32 dev cilium_host", "addr del 10.16.200.1/32 dev cilium_host"]
    return lines


def a_day(stage):
    agent = begin(stage, interval="0.2")
    stage.collector.wait_for_facts("all well", is_well, patience=60)
    frames = lambda: sum(len(connection.frames) for connection in stage.collector.connections)  # noqa: E731
    first, round, memory, began = frames(), 0, [], time.monotonic()
    while frames() - first < REPORTS:
        round += 1
        for line in flaps(round):
            sh(f"ip {line}")
        if round % 1_000 == 0:
            # A connection is lost, and a session: both come back.
            stage.collector.last.stream.shutdown(2)
            stage.node.birdc("restart uplink0", "switch")
        if round % 100 == 0:
            memory.append(agent.status("VmRSS"))
            for connection in stage.collector.connections:
                connection.frames = connection.frames[:1] * len(connection.frames)
    stage.collector.wait_for_facts("all well", is_well, patience=60)
    half = len(memory) // 2
    early, late = statistics.median(memory[half // 2 : half]), statistics.median(memory[half:])
    stage.say(f"{frames() - first} reports in {time.monotonic() - began:.0f} s, {round} rounds: RSS {early:.0f} KB in the second quarter, {late:.0f} KB in the second half")
    code = agent.stop()
    log = agent.log
    assert code == 0 and "Sanitizer" not in log, log[-4_000:]
    assert late - early <= SLACK_KB, memory
    print(log) if os.environ.get("SHOW_LOG") else None


CASES = [("soak: a day's worth of reports leaves no growth and no error", a_day)]
