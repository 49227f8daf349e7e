# SPDX-License-Identifier: Apache-2.0
"""Kubernetes as it lives and as it fails: pods roll, nodes leave and come, the API server is unwell. What is
not broken is not told, and what was known stays."""

import os
import time

import bird
import demo
import faults_cluster
import faults_node
import kubernetes
import lifecycle
import ltm
import namespaces
import podpath
from state import Lab
from topology import NODES, SERVICES, node

# Each for a few seconds, with the watches dropped first so that it is met: nothing may be said.
UNWELL = [
    ("answers that take their time", {"slow": 0.5}),
    ("errors for a few seconds", {"status": 500}),
    ("too many requests", {"status": 429, "retryAfter": 1}),
    ("lists that are cut off", {"cut": 0.5}),
    ("watches that are dropped again and again", {"disconnect": 0.5}),
    ("lines that are no events", {"garbage": True}),
    ("a server that hangs", {"hang": True}),
]
LEAVING = node("n6")
# Of nobody else, nor of any fault.
OTHER_BLOCK = 60
# Seconds for which the API server is gone: a minute until it is told, or as long as somebody wants to wait.
OUTAGE = int(os.environ.get("PODPATH_LAB_OUTAGE", "75"))
# What was in force at a change is judged anew by every read within this.
SETTLED = 8


def cases(identity, collector):
    lab = Lab(identity)
    for what, faults in UNWELL:
        yield f"kubernetes: {what}", lambda faults=faults: unwell(lab, collector, faults)
    yield "kubernetes: history forgotten", lambda: quietly(collector, lambda: kubernetes.ask(lab, {"compact": True}))
    yield f"kubernetes: an API server gone for {OUTAGE} s", lambda: gone(lab, collector)
    yield "kubernetes: pods roll through every pool", lambda: quietly(collector, lambda: roll(lab))
    yield "kubernetes: a node is cordoned, drained, deleted, and comes back", lambda: replace(lab, collector)
    yield "kubernetes: a node is replaced by one of the same name", lambda: same_again(lab, collector)
    yield "kubernetes: a node comes back with another pod CIDR", lambda: moved(lab, collector)


def quiet(identity, _):
    return [("kubernetes: asked gently", lambda: gentle(Lab(identity)))]


def quietly(collector, action, allowed=()):
    """Does it, waits for health, and gives what was said meanwhile that may not be."""
    seen = len(collector.transitions())
    action()
    demo.wait("health", demo.RESOLVE, collector.is_well)
    time.sleep(3)
    said = [a for a in collector.transitions()[seen:] if a["kind"] not in allowed]
    return [f"said: {a['transition']} {a['kind']} {a['summary']}" for a in said]


def unwell(lab, collector, faults):
    problems = quietly(collector, lambda: misbehave(lab, faults))
    # What changes afterwards must be seen.
    return problems + sees_changes(lab, collector)


def misbehave(lab, faults):
    kubernetes.ask(lab, {"faults": faults})
    kubernetes.ask(lab, {"drop": True})
    time.sleep(5)
    kubernetes.ask(lab, {"faults": {}})
    # A hung watch is noticed by its silence, after minutes; people need not wait for that here.
    kubernetes.ask(lab, {"drop": True})


def sees_changes(lab, collector):
    kubernetes.put(lab, kubernetes.node(LEAVING, cidr=faults_cluster.OTHER_CIDR))
    seen = len(collector.transitions())
    try:
        demo.wait("a change to be seen", demo.READY, lambda: not collector.is_well())
    finally:
        kubernetes.put(lab, kubernetes.node(LEAVING))
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return [f"said: {a['kind']}" for a in collector.transitions()[seen:] if a["kind"] != "owner-disagreement"]


def gone(lab, collector):
    """Told as what it is after a minute, and as nothing else; everything else is still judged."""
    seen, began = len(collector.transitions()), time.monotonic()
    kubernetes.ask(lab, {"faults": {"status": 503}})
    kubernetes.ask(lab, {"drop": True})
    try:
        demo.wait("the API server to be called unreadable", 100,
                  lambda: any(is_about_the_server(a) for a in collector.transitions()[seen:]))
        time.sleep(max(0, began + OUTAGE - time.monotonic()))
        known = len(collector.paths())
    finally:
        kubernetes.ask(lab, {"faults": {}})
    demo.wait("health", demo.RESOLVE, collector.is_well)
    said = [told(a) for a in collector.transitions()[seen:] if not is_about_the_server(a)]
    return said + ([] if known == len(NODES) else [f"{known} paths known"])


def is_about_the_server(alert):
    return alert["kind"] == "source-unreadable" and alert["summary"].startswith("the API server ")


def told(alert):
    return f"said: {alert['transition']} {alert['kind']} {alert['summary']}"


def roll(lab):
    """Each node's pods go and come back, one node after the other."""
    for each in NODES:
        for name in SERVICES:
            kubernetes.put(lab, kubernetes.slice_of(name, without=[each.name]))
        time.sleep(1.5)
    for name in SERVICES:
        kubernetes.put(lab, kubernetes.slice_of(name))


def replace(lab, collector):
    """As an operator takes a node away for good, and puts another in its place."""
    seen = len(collector.transitions())
    kubernetes.put(lab, kubernetes.node(LEAVING, unschedulable=True))
    for name in SERVICES:
        kubernetes.put(lab, kubernetes.slice_of(name, without=[LEAVING.name]))
    time.sleep(3)
    podpath.stop(lab, [f"agent-{LEAVING.name}"])
    lab.stop(bird.process(LEAVING))
    kubernetes.delete(lab, kubernetes.node(LEAVING), kubernetes.cilium_node(LEAVING))
    time.sleep(8)
    left = {path["prefix"] for path in collector.paths()}
    kubernetes.put(lab, kubernetes.node(LEAVING), kubernetes.cilium_node(LEAVING))
    faults_node.configure_bird(lab, LEAVING)
    podpath.start(lab, [f"agent-{LEAVING.name}"])
    for name in SERVICES:
        kubernetes.put(lab, kubernetes.slice_of(name))
    demo.wait("health", demo.RESOLVE, collector.is_well)
    said = [f"said: {a['transition']} {a['kind']} {a['summary']}" for a in collector.transitions()[seen:]]
    return said if LEAVING.cidr not in left else [*said, "a deleted node's CIDR is still judged"]


def leave(lab, each, others):
    """The node is gone at once, with all that ran on it."""
    podpath.stop(lab, [f"agent-{each.name}"])
    lab.stop(bird.process(each), each.pod_namespace)
    kubernetes.delete(lab, kubernetes.node(each), kubernetes.cilium_node(each))
    kubernetes.put(lab, *(kubernetes.slice_of(name, nodes=others) for name in SERVICES))


def join(lab, each, others):
    lifecycle.start_pods(lab, [each])
    faults_node.configure_bird(lab, each)
    podpath.start(lab, [f"agent-{each.name}"])
    kubernetes.put(lab, kubernetes.node(each), kubernetes.cilium_node(each))
    kubernetes.put(lab, *(kubernetes.slice_of(name, nodes=[*others, each]) for name in SERVICES))


def others(each):
    return [other for other in NODES if other.name != each.name]


def same_again(lab, collector):
    """As when a machine is installed anew: what is said of that node is true, and over when it is back."""
    seen = len(collector.transitions())
    leave(lab, LEAVING, others(LEAVING))
    time.sleep(2)
    join(lab, LEAVING, others(LEAVING))
    return afterwards(collector, seen, LEAVING)


def moved(lab, collector):
    """Its new pod CIDR is judged, and of the old one nothing is said any more; and back again."""
    there = LEAVING.moved(OTHER_BLOCK)
    try:
        problems = move(lab, collector, LEAVING, there)
    finally:
        problems_back = move(lab, collector, there, LEAVING)
    return problems + problems_back


def move(lab, collector, old, new):
    seen = len(collector.transitions())
    leave(lab, old, others(old))
    time.sleep(2)
    namespaces.renumber_pods(lab, new)
    ltm.ask(lab, {"routes": ltm.routes([*others(new), new])})
    join(lab, new, others(new))
    return afterwards(collector, seen, old, new)


def afterwards(collector, seen, *states):
    """All is well with the last of them; nothing was said of others, and nothing is said from then on."""
    prefixes = {each.cidr for each in [*others(states[-1]), states[-1]]}
    demo.wait("health with " + states[-1].cidr, demo.RESOLVE, lambda: collector.is_well() and prefixes == {
        path["prefix"] for path in collector.paths()})
    time.sleep(demo.AFTERWARDS)
    then = collector.transitions()
    time.sleep(SETTLED)
    return ([told(a) for a in then[seen:] if not is_about(a, states)]
            + ["afterwards " + told(a) for a in collector.transitions()[len(then):]]
            + ["left open: " + each for each in unresolved(then[seen:])])


def is_about(alert, states):
    subject = alert["subject"]
    return subject.get("node") == states[0].name or subject.get("prefix") in [each.cidr for each in states]


def unresolved(alerts):
    last = {alert["id"]: alert for alert in alerts}
    return [told(alert) for alert in last.values() if alert["transition"] != "resolved"]


def gentle(lab):
    """One watch of each collection, and no list while nothing is wrong."""
    before = kubernetes.ask(lab, {"counts": True})
    time.sleep(5)
    after = kubernetes.ask(lab, {"counts": True})
    # The controller lists five collections each second.
    ours = [path for path in after["lists"] if after["lists"][path] > before["lists"].get(path, 0) + 7]
    problems = [f"{path} was listed again" for path in ours]
    if after["writes"]:
        problems.append(f"{after['writes']} attempts to write")
    open_watches = after["open"]
    return problems if open_watches == 10 else [*problems, f"{open_watches} watches are open, not 10"]
