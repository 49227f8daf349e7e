# SPDX-License-Identifier: Apache-2.0
"""Several things broken at once, as on a bad day: what is told is each root and nothing else, and all of it
resolves when all is mended. A case breaks and mends, and says after each step which roots stand."""

import threading
import time

import cluster
import demo
import kubernetes
import ltm
from tale import Tale, root
from topology import NODES, SERVICES

# Seconds in which an agent's silence is told, and all that it knew has become unknown.
SILENCE = 8
# Held as by default: what a node without agent and without sessions looks like is told after a minute.
UNREACHABLE = 80


def cases(identity, collector):
    for name, case in CASES.items():
        yield name, lambda name=name, case=case: tell(name, case, identity, collector)


def tell(name, case, identity, collector):
    tale = Tale(identity, collector)
    try:
        case(tale)
        return tale.ends()
    finally:
        tale.record(name)


# A device and what reads it


def switch_and_controller(tale):
    frozen = tale.breaks("ltm-pools-frozen")
    tale.stands(frozen)
    lost = tale.breaks("switch-bgpd-killed")
    tale.stands(frozen, lost)
    tale.mends("ltm-pools-frozen")
    tale.stands(lost)
    tale.mends("switch-bgpd-killed")


def session_beside_unreadable(tale):
    """The session is with the switch that can be read."""
    blind = tale.breaks("switch-unreadable")
    tale.stands(blind)
    down = tale.breaks("session-down")
    tale.stands(blind, down)
    tale.mends("switch-unreadable")
    tale.stands(down)
    tale.mends("session-down")


def session_with_unreadable(tale):
    """Every other session with it is up: the switch is there, and only this one is down."""
    blind = tale.breaks("switch-unreadable")
    tale.stands(blind)
    down = tale.breaks("session-down-second")
    tale.stands(blind, down)
    tale.mends("session-down-second")
    tale.stands(blind)
    tale.mends("switch-unreadable")


def failover(tale):
    """From a collector's start: what others did to its tokens does not count."""
    restart(tale)
    withdrawn = tale.breaks("not-exported")
    tale.stands(withdrawn)
    for unit in range(len(ltm.UNITS)):
        ltm.ask(tale.lab, {"failover": True}, unit)
        # Of either unit all that the other showed is read, and twice.
        tale.stays(8)
    tale.mends("not-exported")


# Nodes


def two_nodes(tale):
    kernel = tale.breaks("kernel-route-missing", node="n3")
    export = tale.breaks("not-exported", node="n5")
    tale.stands(kernel, export)
    tale.mends("kernel-route-missing")
    tale.stands(export)
    tale.mends("not-exported")


def one_way(tale):
    kernel = tale.breaks("kernel-route-missing")
    tale.stands(kernel)
    export = tale.breaks("not-exported")
    tale.stands(kernel)
    tale.mends("kernel-route-missing")
    tale.stands(export)
    tale.mends("not-exported")
    tale.ends_as_one()


def one_way_backwards(tale):
    """What is told and still broken is not called over because something before it breaks."""
    export = tale.breaks("not-exported")
    tale.stands(export)
    kernel = tale.breaks("kernel-route-missing")
    tale.stands(kernel)
    tale.mends("kernel-route-missing")
    tale.stands(export)
    tale.mends("not-exported")
    tale.ends_as_one()


def rolling_pods(tale):
    """Before, while and after its pods leave every pool the node's device is down."""
    rolling = threading.Thread(target=cluster.roll, args=(tale.lab,))
    rolling.start()
    try:
        time.sleep(2)
        down = tale.breaks("kernel-device-down")
        tale.stands(down)
        rolling.join()
        tale.stands(down)
        again = threading.Thread(target=cluster.roll, args=(tale.lab,))
        again.start()
        time.sleep(2)
        tale.mends("kernel-device-down")
        tale.stands()
        again.join()
    finally:
        kubernetes.put(tale.lab, *(kubernetes.slice_of(name) for name in SERVICES))


# Nodes and their agents


def rolling_agents(tale):
    """The drift begins and ends while agents end and come; what stands meanwhile is one incident."""
    for each in NODES:
        if each.name == "n3":
            drift = tale.breaks("bird-config-drift")
        restart_agent(tale, each)
    tale.stands(drift)
    for each in NODES:
        restart_agent(tale, each)
    tale.stays(demo.AFTERWARDS)
    for each in NODES:
        if each.name == "n3":
            tale.mends("bird-config-drift")
        restart_agent(tale, each)


def restart_agent(tale, node):
    for action in ("stop", "start"):
        tale.program(action, "agent", node.name)


def silent_while_withdrawn(tale):
    """What nobody sees any more is not over, also when in truth it is."""
    withdrawn = tale.breaks("not-exported")
    tale.stands(withdrawn)
    silent = tale.breaks("agent-silent")
    tale.stands(withdrawn, silent, seconds=SILENCE)
    tale.mends("agent-silent")
    tale.stands(withdrawn)
    tale.breaks("agent-silent")
    tale.stands(withdrawn, silent)
    tale.mends("not-exported")
    tale.stays(SILENCE)
    tale.mends("agent-silent")


def uplinks_then_agent(tale):
    """The one incident stands for what the switches lack, however long the agent is gone."""
    down = tale.breaks("uplinks-down")
    tale.stands(down)
    silent = tale.breaks("agent-silent")
    tale.stands(down, silent, seconds=UNREACHABLE)
    tale.mends("agent-silent")
    tale.stands(down)
    tale.mends("uplinks-down")


def agent_then_uplinks(tale):
    """Nobody on the node can say why no switch has its CIDR."""
    silent = tale.breaks("agent-silent")
    tale.stands(silent)
    tale.breaks("uplinks-down")
    unreachable = root("ready-but-unreachable", node="n3")
    tale.stands(silent, unreachable)
    tale.mends("uplinks-down")
    tale.stands(silent)
    tale.mends("agent-silent")


# The collector


def restart(tale):
    tale.program("stop", "collector")
    tale.program("start", "collector")
    demo.wait("health", demo.READY, tale.collector.is_well)


def begun_unwatched(tale):
    tale.program("stop", "collector")
    kernel = tale.breaks("kernel-route-missing")
    tale.program("start", "collector")
    tale.stands(kernel)
    tale.mends("kernel-route-missing")


def mended_unwatched(tale):
    """The next collector goes on with both: one is over, and the other is not told again."""
    kernel = tale.breaks("kernel-route-missing", node="n3")
    export = tale.breaks("not-exported", node="n5")
    tale.stands(kernel, export)
    tale.program("kill", "collector")
    tale.mends("not-exported")
    tale.program("start", "collector")
    tale.stands(kernel, seconds=SILENCE)
    tale.mends("kernel-route-missing")


CASES = {f"combination: {words}": case for words, case in {
    "a switch is lost while the F5 controller stands still": switch_and_controller,
    "bird.conf drifts while agents are restarted one by one": rolling_agents,
    "two roots on two nodes": two_nodes,
    "two roots along one way, the first told before the second": one_way,
    "two roots along one way, the later one is told first": one_way_backwards,
    "a session down while the other switch cannot be read": session_beside_unreadable,
    "a session down with a switch that cannot be read": session_with_unreadable,
    "the BIG-IP's units change places while a CIDR is withdrawn": failover,
    "a fault begins while the collector is down": begun_unwatched,
    "a fault is mended while the collector is down": mended_unwatched,
    "pods roll through every pool while a node's device is down": rolling_pods,
    "an agent is killed while its node's export is withdrawn": silent_while_withdrawn,
    "both uplinks down, then the agent gone": uplinks_then_agent,
    "the agent gone, then both uplinks down": agent_then_uplinks,
}.items()}
