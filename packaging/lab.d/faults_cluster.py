# SPDX-License-Identifier: Apache-2.0
"""What can break in Kubernetes, and in the controller that keeps the LTM's pools in step with it."""

import time

import exposure
import kubernetes
import ltm
from state import until
from topology import LTM, NODES, POD_SUPERNET, SERVICES

UNNAMED = "n9"
OTHER_CIDR = "10.16.98.0/24"


def mood_file(lab):
    return lab.path(LTM, "cis.mood")


def set_mood(lab, words):
    mood_file(lab).write_text(words)


def heal_controller(lab, _):
    set_mood(lab, "")


# Intent


def add_bare_node(lab, _):
    kubernetes.put(lab, kubernetes.bare_node(UNNAMED))


def remove_bare_node(lab, _):
    kubernetes.delete(lab, kubernetes.bare_node(UNNAMED))


def disagree(lab, node):
    kubernetes.put(lab, kubernetes.node(node, cidr=OTHER_CIDR))


def agree(lab, node):
    kubernetes.put(lab, kubernetes.node(node))


# Pools


def pool_members(lab, name):
    state = ltm.ask(lab, {"state": True})
    return sorted(each["member"] for each in state["members"] if each["pool"] == ltm.pool_name(name))


def freeze(lab):
    """The controller stands still before anything changes."""
    set_mood(lab, "frozen")
    time.sleep(1.5)


def roll(lab, name, node):
    """The node's pod moves to another address, and back to its own when mended."""
    kubernetes.put(lab, kubernetes.slice_of(name, without=[node.name]))


def lose_member(lab, node):
    """The controller does not see the pod's node as Ready, and drops its pod from every pool."""
    freeze(lab)
    members = [each for each in pool_members(lab, "web") if not each.startswith(prefix(node))]
    ltm.ask(lab, {"members": {ltm.pool_name("web"): members}})


def regain_member(lab, node):
    members = ltm.members(SERVICES["web"])
    ltm.ask(lab, {"members": {ltm.pool_name("web"): members}})
    heal_controller(lab, node)
    settled(lab)


def keep_member(lab, node):
    freeze(lab)
    roll(lab, "web", node)


def forget_member(lab, _):
    kubernetes.put(lab, kubernetes.slice_of("web"))
    heal_controller(lab, None)
    settled(lab)


def empty_pool(lab, _):
    set_mood(lab, f"empties {ltm.pool_path('web')}")
    until(lambda: not pool_members(lab, "web"), 10, "the controller does not empty the pool")


def fill_pool(lab, _):
    heal_controller(lab, None)
    settled(lab)


def freeze_all(lab, node):
    freeze(lab)
    for name in SERVICES:
        roll(lab, name, node)


def thaw(lab, _):
    for name in SERVICES:
        kubernetes.put(lab, kubernetes.slice_of(name))
    heal_controller(lab, None)
    settled(lab)


def settled(lab):
    until(lambda: all(len(pool_members(lab, name)) == len(NODES) for name in SERVICES), 10,
          "the pools are not as Kubernetes has them")


# Settings


def misconfigure(lab, _):
    """Two controllers write one partition, and nodes become members where pods should be."""
    kubernetes.put(lab, exposure.controller(replicas=2, members="nodeport"))


def configure(lab, _):
    kubernetes.put(lab, exposure.controller())


def masquerade_more(lab, _):
    """Only among pods is an address kept: the LTM's own networks see the nodes' instead."""
    kubernetes.put(lab, *kubernetes.masquerade(inside=POD_SUPERNET))


def masquerade_less(lab, _):
    kubernetes.put(lab, *kubernetes.masquerade())


# Nodes


def lose_touch(lab, node):
    """The node's kubelet is not heard of, and nobody takes its pods out of the slices or the pools."""
    freeze(lab)
    kubernetes.put(lab, kubernetes.node(node, ready=False))


def regain_touch(lab, node):
    kubernetes.put(lab, kubernetes.node(node))
    heal_controller(lab, node)
    settled(lab)


def prefix(node):
    return node.pod_network + "."


def unit(_):
    return {"loadBalancer": "ltm-1"}


def pool(_):
    return {"loadBalancer": "ltm-1", "pool": ltm.pool_path("web")}


FAULTS = [
    dict(name="no-pod-cidr", summary="a node joins and nobody gives it a pod CIDR",
         apply=add_bare_node, mend=remove_bare_node, subject=lambda _: {"node": UNNAMED}, severity="warning"),
    dict(name="owner-disagreement", summary="the Node names another pod CIDR than Cilium does",
         apply=disagree, mend=agree, subject=lambda node: {"node": node.name}, severity="warning"),
    dict(name="ltm-member-missing", summary="a ready pod is dropped from its pool",
         apply=lose_member, mend=regain_member, subject=pool, severity="warning"),
    dict(name="ltm-member-stale", summary="a pod is gone, its member stays",
         apply=keep_member, mend=forget_member, subject=pool, severity="warning"),
    dict(name="ltm-pool-emptied", summary="the controller takes an answer for empty and empties a pool",
         apply=empty_pool, mend=fill_pool, subject=pool),
    dict(name="ltm-pools-frozen", summary="the controller stops applying while pods roll",
         apply=freeze_all, mend=thaw, subject=unit),
    dict(name="ready-but-unreachable", summary="a node is NotReady, its pods are ready and stay members",
         apply=lose_touch, mend=regain_touch, subject=lambda node: {"node": node.name}, severity="warning"),
    dict(name="cis-misconfigured", summary="two controllers run, and they write nodes for members",
         apply=misconfigure, mend=configure, subject=unit, severity="info"),
    dict(name="masquerade-outside", summary="what pods send to the LTM's networks is masqueraded",
         apply=masquerade_more, mend=masquerade_less, subject=unit, severity="info"),
]
