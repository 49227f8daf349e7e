# SPDX-License-Identifier: Apache-2.0
"""What befalls a node: seen, rightly named in the facts, and how long after the act."""
import os
import signal
import statistics
import subprocess
import time

from agent_node import sh, wait
from agent_stream import begin, has_route, is_complete, lacks_route

INTERVAL = 5


def session(belief):
    rows = belief.rows("sessions")
    return rows[0] if rows else None


def condition(belief):
    return belief.rows("birds")[0]["condition"]


def is_established(belief):
    row = session(belief)
    return row is not None and row["state"] == 6 and row["protocolState"] == 2


def export(belief):
    rows = [row for row in belief.rows("exports") if row["prefix"] == "10.16.0.0/24"]
    return rows[0]["answer"] if rows else None


def is_well(belief):
    return is_complete(belief) and is_established(belief) and export(belief) == 1 and has_route("10.16.0.0/24")(belief)


def timed(stage, what, act, holds, patience=30):
    """From the moment the act's command is begun to the frame that tells it."""
    # What the last act set off is over: BIRD is asked ten times a second at most.
    time.sleep(1.5)
    assert not holds(stage.collector.last.belief), f"{what}: before it happened"
    began = time.monotonic()
    act()
    done = time.monotonic()
    seen = stage.collector.wait_for_facts(what, holds, patience)
    stage.say(f"{what}: {(seen - began) * 1e3:.1f} ms, the act itself {(done - began) * 1e3:.1f} ms")


def node_events(stage):
    node = stage.node
    agent = begin(stage, interval=str(INTERVAL))
    well = lambda what: stage.collector.wait_for_facts(what, is_well, patience=60)  # noqa: E731
    well("all well at first")
    timed(
        stage,
        "cable pulled: the device has no carrier",
        lambda: sh(f"ip -n {node.switch} link set node0 down"),
        lambda belief: not next(row for row in belief.rows("links") if row["name"] == "uplink0")["flags"] & 2,
    )
    timed(
        stage,
        "and the hold time runs out",
        lambda: None,
        lambda belief: not is_established(belief) and "Hold timer" in session(belief)["firstError"],
    )
    sh(f"ip -n {node.switch} link set node0 up")
    well("the cable back")
    timed(stage, "the session restarted by the switch", lambda: node.birdc("restart uplink0", "switch"), lambda belief: not is_established(belief))
    well("the session back")
    timed(stage, "BIRD's socket file removed", lambda: os.unlink(node.socket), lambda belief: condition(belief) == 14)
    node.daemons["bird"].kill()
    node.daemons["bird"].wait()
    node.restart_bird()
    well("BIRD and its file back")
    timed(stage, "BIRD killed: refused", lambda: node.daemons["bird"].kill(), lambda belief: condition(belief) == 2)
    node.daemons["bird"].wait()
    node.restart_bird()
    well("BIRD back")
    timed(
        stage,
        "BIRD frozen: no greeting",
        lambda: node.daemons["bird"].send_signal(signal.SIGSTOP),
        lambda belief: condition(belief) == 11,
    )
    node.daemons["bird"].send_signal(signal.SIGCONT)
    well("BIRD thawed")
    timed(stage, "cilium_host deleted", lambda: sh("ip link del cilium_host"), lacks_route("10.16.0.0/24"))
    index = max(row["index"] for row in stage.collector.last.belief.rows("links"))
    timed(
        stage,
        "cilium_host recreated",
        node.add_pod_device,
        lambda belief: any(row["name"] == "cilium_host" and row["index"] > index for row in belief.rows("links"))
        and has_route("10.16.0.0/24")(belief),
    )
    well("the device back")
    timed(stage, "table flushed", lambda: sh("ip route flush table main"), lacks_route("10.16.0.0/24"))
    sh("ip route add 10.1.0.0/24 dev uplink0 src 10.1.0.1; ip route add 10.16.0.0/24 dev cilium_host")
    well("the table back")
    node.configure("bird", "10.1.0.1", "10.1.0.254", "none", "none")
    timed(stage, "export none: the filter rejects it", lambda: node.birdc("configure"), lambda belief: export(belief) == 3)
    node.configure("bird", "10.1.0.1", "10.1.0.254", "none", "all")
    timed(stage, "export all by configure soft: accepted, yet not sent", lambda: node.birdc("configure soft"), lambda belief: export(belief) == 4)
    node.birdc("reload out uplink0")
    well("the export back")
    assert agent.stop() == 0
    print(agent.log) if os.environ.get("SHOW_LOG") else None


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_nanoseconds(process):
    with open(f"/proc/{process.pid}/schedstat") as file:
        return int(file.read().split()[0])


def birds_own_work(stage):
    """BIRD's time and its shutdown, with and without an agent, one after the other."""
    node, seconds = stage.node, 15
    shares, ends = {False: [], True: []}, {False: [], True: []}
    for watched in (False, True, False, True):
        agent = begin(stage) if watched else None
        if agent:
            stage.collector.wait_for_facts("all well", is_well, patience=60)
        else:
            wait("the session", lambda: "Established" in node.birdc("show protocols"))
        before = cpu_nanoseconds(node.daemons["bird"])
        time.sleep(seconds)
        shares[watched].append((cpu_nanoseconds(node.daemons["bird"]) - before) / seconds / 1e9)
        for _ in range(5):
            if agent:
                stage.collector.wait_for_facts("all well", is_well, patience=60)
            began = time.monotonic()
            subprocess.run(["birdc", "-s", node.socket, "down"], check=True, capture_output=True)
            node.daemons["bird"].wait(timeout=30)
            ends[watched].append(time.monotonic() - began)
            node.restart_bird()
        if agent:
            agent.stop()
    for watched in (False, True):
        share, end = statistics.mean(shares[watched]), statistics.median(ends[watched])
        words = "with an agent at 5 s" if watched else "alone"
        stage.say(f"BIRD {words}: {share:.4%} of a core, `birdc down` to its end {end * 1e3:.1f} ms (median of {len(ends[watched])})")
    # A tenth of a percent of a core, and no wait for us: an agent that held it up would cost seconds.
    assert statistics.mean(shares[True]) - statistics.mean(shares[False]) < 0.001
    assert statistics.median(ends[True]) < 2 * statistics.median(ends[False]) + 0.05


CASES = [
    ("events of a node are seen and rightly named", node_events),
    ("events: BIRD's own work and end are what they were", birds_own_work),
]
