# SPDX-License-Identifier: Apache-2.0
"""The faults a lab can have: their list, which are in force, breaking and mending."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable

import faults_cluster
import faults_ltm
import faults_node
import faults_rib
import faults_switch
from state import LabError, UsageError
from topology import NODES, node as node_named


@dataclass(frozen=True)
class Fault:
    """`apply(lab, node)` and `mend(lab, node)` may be repeated; `subject(node)` is what to name."""
    name: str
    summary: str
    apply: Callable
    mend: Callable
    subject: Callable
    severity: str = "critical"
    kind: str = ""
    node: str = "n3"
    # Sessions of these nodes were lost: what is counted of them begins anew with BIRD, for the faults to come.
    counts: Callable = lambda node: []

    def expected(self, node):
        return {"fault": self.name, "kind": self.kind or self.name, "severity": self.severity,
                "subject": self.subject(node)}


FAULTS = {entry["name"]: Fault(**entry)
          for module in (faults_node, faults_switch, faults_rib, faults_ltm, faults_cluster) for entry in module.FAULTS}
KINDS = list(dict.fromkeys(fault.kind or fault.name for fault in FAULTS.values()))


def named(name):
    if name not in FAULTS:
        raise UsageError(f"no fault {name!r}: packaging/lab list")
    return FAULTS[name]


def target(fault, name):
    name = name or fault.node
    if name not in [node.name for node in NODES]:
        raise UsageError(f"no node {name!r}: n1 to n{len(NODES)}")
    return node_named(name)


def active(lab):
    """[fault, node] of every fault in force."""
    return lab.recall("faults", [])


def fault(lab, name, node_name=None):
    chosen = named(name)
    node = target(chosen, node_name)
    entry = [name, node.name]
    lab.remember("faults", [*(each for each in active(lab) if each != entry), entry])
    at = now()
    try:
        chosen.apply(lab, node)
    except LabError:
        lab.remember("faults", [each for each in active(lab) if each != entry])
        raise
    return {"event": "fault", "at": at, **chosen.expected(node)}


def mend(lab, name, node_name=None):
    """Without a node: wherever the fault is in force, and if nowhere, at its usual place."""
    chosen = named(name)
    places = [place for each, place in active(lab) if each == name and not node_name]
    results = []
    for place in places or [node_name]:
        node = target(chosen, place)
        lab.remember("faults", [each for each in active(lab) if each != [name, node.name]])
        results.append({"event": "mend", "at": now(), **chosen.expected(node)})
        chosen.mend(lab, node)
        for each in chosen.counts(node):
            faults_node.restart_bird(lab, each)
    return results


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
