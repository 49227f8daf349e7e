# SPDX-License-Identifier: Apache-2.0
"""What can break at the switches: sessions, inbound rules, a whole switch."""

import bird
import frr
import namespaces
import nxapi
from state import run
from topology import AS, NODES, SWITCHES

FIRST, SECOND = SWITCHES
PORTS = [node.name for node in NODES] + ["ltm", "peer", "mgmt0"]


def neighbor(switch, node):
    return node.addresses[switch.number - 1]


def shut(lab, node, *switches, undo=False):
    for switch in switches:
        command = f"{'no ' if undo else ''}neighbor {neighbor(switch, node)} shutdown"
        frr.configure(lab, switch, f"router bgp {AS}", command)
        if undo:
            retry(lab, node, switch)


def retry(lab, node, switch):
    """BIRD waits a minute after an error, in Idle; nobody in the lab wants to. What is on its way up, perhaps because
    the switch called, is left alone: to end it would be one more flap."""
    if bird.sessions(lab, node).get(switch.uplink, "").startswith("Idle"):
        bird.ask(lab, node, f"restart {switch.uplink}")


def shut_first(lab, node):
    shut(lab, node, FIRST)


def open_first(lab, node):
    shut(lab, node, FIRST, undo=True)


def shut_both(lab, node):
    shut(lab, node, *SWITCHES)


def open_both(lab, node):
    shut(lab, node, *SWITCHES, undo=True)


def shut_second(lab, node):
    shut(lab, node, SECOND)


def open_second(lab, node):
    shut(lab, node, SECOND, undo=True)


def rule(node, action):
    """(the inbound rule, the prefix list it matches) for the node's CIDR, whoever announces it."""
    sequence = 10 * node.number + (action == "permit")
    return f"route-map {frr.INBOUND} {action} {sequence}", f"ip prefix-list {action}-{node.name}"


def interception(node, action, *settings):
    inbound, prefixes = rule(node, action)
    return [f"{prefixes} permit {node.cidr}", inbound, f"match ip address {prefixes.removeprefix('ip ')}", *settings]


def intercept(lab, node, action, *settings):
    frr.configure(lab, FIRST, *interception(node, action, *settings))
    frr.reread(lab, FIRST)


def let_pass(lab, node, action):
    running = run(*frr.vtysh(lab, FIRST), "-c", "show running-config")
    present = [f"no {line}" for line in rule(node, action) if line in running]
    if present:
        frr.configure(lab, FIRST, *present)
        frr.reread(lab, FIRST)


def filter_out(lab, node):
    intercept(lab, node, "deny")


def stop_filtering(lab, node):
    let_pass(lab, node, "deny")


def divert(lab, node):
    other = NODES[node.number % len(NODES)]
    intercept(lab, node, "permit", f"set ip next-hop {neighbor(FIRST, other)}")


def stop_diverting(lab, node):
    let_pass(lab, node, "permit")


def switch_off(lab, _):
    """Links first: a switch that loses power says no farewell."""
    namespaces.ip(lab, SECOND.name, *(f"link set {port} down" for port in PORTS))
    frr.kill(lab, SECOND)


def switch_on(lab, _):
    namespaces.ip(lab, SECOND.name, *(f"link set {port} up" for port in PORTS))
    for switch in SWITCHES:
        namespaces.restore_switch_routes(lab, switch)
    restart_switch(lab, SECOND)


def restart_switch(lab, switch):
    frr.start(lab, switch)
    for node in NODES:
        retry(lab, node, switch)


def restart_bgpd(lab, _):
    frr.kill(lab, FIRST, "bgpd")
    restart_switch(lab, FIRST)


def refuse_reading(lab, _):
    nxapi.set_mood(lab, faults={"status": 500})


def allow_reading(lab, _):
    nxapi.set_mood(lab)


def of_session(node, switch=FIRST):
    return {"node": node.name, "uplink": switch.uplink, "switch": switch.name}


def on_first(node):
    return {"node": node.name, "prefix": node.cidr, "switch": FIRST.name}


FAULTS = [
    dict(name="session-down", summary="switch a shuts its session with the node",
         apply=shut_first, mend=open_first, severity="warning", counts=lambda node: [node],
         subject=of_session),
    dict(name="session-down-second", summary="switch b shuts its session with the node",
         apply=shut_second, mend=open_second, kind="session-down", severity="warning", counts=lambda node: [node],
         subject=lambda node: of_session(node, SECOND)),
    dict(name="session-down-both", summary="both switches shut their sessions with the node",
         apply=shut_both, mend=open_both, kind="session-down", counts=lambda node: [node],
         subject=lambda node: {"node": node.name}),
    dict(name="switch-route-missing", summary="switch a filters the CIDR, whoever announces it",
         apply=filter_out, mend=stop_filtering, subject=on_first),
    dict(name="switch-wrong-next-hop", summary="switch a sends the CIDR to the next node",
         apply=divert, mend=stop_diverting, subject=on_first),
    dict(name="switch-gone", summary="switch b dies: its daemons and all its links",
         apply=switch_off, mend=switch_on, kind="session-down",
         subject=lambda _: {"switch": SECOND.name}),
    dict(name="switch-unreadable", summary="switch b's NX-API answers with an error to every read",
         apply=refuse_reading, mend=allow_reading, kind="source-unreadable", severity="warning",
         subject=lambda _: {"switch": nxapi.SWITCH.name}),
]
HELPERS = {"bgpd-restart": restart_bgpd}
