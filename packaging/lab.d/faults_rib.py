# SPDX-License-Identifier: Apache-2.0
"""What can break inside a switch: its BGP process, its neighbours' entries, what its RIB makes of a route."""

import time

import bird
import faults_node
import frr
import namespaces
from faults_switch import (FIRST, filter_out, interception, neighbor, of_session, on_first, open_first,
                           restart_switch, retry, rule, stop_filtering)
from state import run, until
from topology import AS, NODES

FAMILY = "address-family ipv4 unicast"


def bgp(lab, *lines):
    frr.configure(lab, FIRST, f"router bgp {AS}", *lines)


def running(lab):
    return run(*frr.vtysh(lab, FIRST), "-c", "show running-config")


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


# Neighbours


def add_neighbor(lab, address, *more):
    bgp(lab, *lines(frr.neighbor(address, *more)), FAMILY, *lines(frr.family(address, "route-reflector-client")))


def remove_neighbor(lab, node):
    if f"neighbor {neighbor(FIRST, node)} remote-as" in running(lab):
        bgp(lab, f"no neighbor {neighbor(FIRST, node)}")


def restore_neighbor(lab, node):
    add_neighbor(lab, neighbor(FIRST, node))
    retry(lab, node, FIRST)


def limit_prefixes(lab, node):
    """The node then announces one prefix more than the switch takes."""
    bgp(lab, FAMILY, f"neighbor {neighbor(FIRST, node)} maximum-prefix 1")
    faults_node.configure_bird(lab, node)


def lift_limit(lab, node):
    address = neighbor(FIRST, node)
    faults_node.configure_bird(lab, node)
    bgp(lab, FAMILY, f"no neighbor {address} maximum-prefix 1")
    run(*frr.vtysh(lab, FIRST), "-c", f"clear bgp ipv4 unicast {address}")
    bird.ask(lab, node, f"restart {FIRST.uplink}")


# The BGP process


def kill_bgpd(lab, _):
    frr.kill(lab, FIRST, "bgpd")


def start_bgpd(lab, _):
    restart_switch(lab, FIRST)


def signal_bgpd(lab, name):
    if pid := lab.pid(frr.process(FIRST, "bgpd")):
        lab.run(None, "kill", "-s", name, str(pid))


def hang_bgpd(lab, _):
    signal_bgpd(lab, "STOP")


def wake_bgpd(lab, _):
    signal_bgpd(lab, "CONT")
    until(lambda: frr.sessions(lab, FIRST), 20, "bgpd does not answer after it was stopped")
    for node in NODES:
        retry(lab, node, FIRST)


def clear_sessions(lab, _):
    """For longer than one reset takes, which is over before it is told, and so often that none comes up meanwhile: the
    switch calls again after a second."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        run(*frr.vtysh(lab, FIRST), "-c", "clear bgp *")
        time.sleep(0.3)


def reset_session(lab, node):
    """Three times; the switch that reset it calls again at once, and BIRD answers."""
    for _ in range(3):
        run(*frr.vtysh(lab, FIRST), "-c", f"clear bgp {neighbor(FIRST, node)}")
        # The agent must see it down, and up before it is down again.
        time.sleep(1)
        faults_node.await_uplinks(lab, node)
        time.sleep(1.5)


def begin_anew(lab, node):
    """Nothing is left broken; but what was counted was counted of the BIRD that runs."""
    faults_node.restart_bird(lab, node)


def retry_all(lab, _):
    for node in NODES:
        retry(lab, node, FIRST)


def on_switch(_):
    return {"switch": FIRST.name}


# Routes


def static_route(node):
    other = NODES[node.number % len(NODES)]
    return f"ip route {node.cidr} {neighbor(FIRST, other)}"


def shadow(lab, node):
    """A static route is preferred to any of BGP's; it needs a daemon of its own."""
    frr.directory(lab, FIRST).joinpath("staticd.conf").touch()
    if lab.pid(frr.process(FIRST, "staticd")) is None:
        frr.start_daemon(lab, FIRST, "staticd")
    frr.configure(lab, FIRST, static_route(node))


def unshadow(lab, node):
    if static_route(node) in running(lab):
        frr.configure(lab, FIRST, f"no {static_route(node)}")
    frr.kill(lab, FIRST, "staticd")


def aggregate(lab, node):
    bgp(lab, FAMILY, "aggregate-address 10.16.0.0/16")
    filter_out(lab, node)


def stop_aggregating(lab, node):
    stop_filtering(lab, node)
    if "aggregate-address" in running(lab):
        bgp(lab, FAMILY, "no aggregate-address 10.16.0.0/16")


def flap(lab, node):
    """Gone for less than a poll takes to be sure, four times, over a session that holds."""
    gone = ["configure terminal", *interception(node, "deny"), "end", frr.REREAD]
    back = ["configure terminal", *(f"no {line}" for line in rule(node, "deny")), "end", frr.REREAD]
    with frr.conversation(lab, FIRST) as say:
        for _ in range(4):
            say(*gone)
            time.sleep(0.2)
            say(*back)
            time.sleep(2)


def settle(lab, node):
    """What was counted was counted of the old session."""
    stop_filtering(lab, node)
    bird.ask(lab, node, f"restart {FIRST.uplink}")


# A restart that the node announced


def abandon(lab, node):
    """While the node restarts the switch resets it, and with that drops what it had kept."""
    faults_node.prepare_restart(lab, node)
    reset = f"neighbor {neighbor(FIRST, node)} shutdown"
    with frr.conversation(lab, FIRST) as say:
        bird.leave_gracefully(lab, node)
        say("configure terminal", f"router bgp {AS}", reset)
        say("configure terminal", f"router bgp {AS}", f"no {reset}")
    bird.start(lab, node, "-R")


def take_back(lab, node):
    """The switch's entry too, should the reset have been cut short."""
    faults_node.restart_bird(lab, node)
    open_first(lab, node)


# Several paths


def ends(node):
    """Where the second session's addresses are."""
    return [(node.name, bird.twin(node), "eth0"), (FIRST.name, FIRST.second_address, "br0")]


def pair(lab, node):
    """A second session between second addresses, and a switch that uses both, and what the other reflects."""
    twin = bird.twin(node)
    for place, address, device in ends(node):
        namespaces.ip(lab, place, f"addr replace {address}/24 dev {device}")
    add_neighbor(lab, twin, f"update-source {FIRST.second_address}")
    use_paths(lab, 3)
    faults_node.configure_bird(lab, node)
    until(lambda: twin in frr.kernel_routes(lab, FIRST).get(node.cidr, []), 20,
          f"switch {FIRST.name} does not use the second path to {node.cidr}")


def use_paths(lab, count):
    bgp(lab, FAMILY, f"maximum-paths ibgp {count}")


def lose_path(lab, node):
    pair(lab, node)
    # The collector must have seen both: it reads the switch each second.
    time.sleep(4)
    use_paths(lab, 1)


def unpair(lab, node):
    twin = bird.twin(node)
    faults_node.configure_bird(lab, node)
    if f"neighbor {twin} remote-as" in running(lab):
        bgp(lab, f"no neighbor {twin}")
    use_paths(lab, 1)
    for place, address, device in ends(node):
        if f"{address}/24" in lab.run(place, "ip", "-brief", "address", "show", "dev", device):
            namespaces.ip(lab, place, f"addr del {address}/24 dev {device}")


FAULTS = [
    dict(name="switch-neighbor-missing", summary="switch a's neighbor entry for the node is removed",
         apply=remove_neighbor, mend=restore_neighbor, subject=of_session, counts=lambda node: [node]),
    dict(name="switch-prefix-limit", summary="the node sends more prefixes than switch a takes",
         apply=limit_prefixes, mend=lift_limit, subject=of_session, node="n4", counts=lambda node: [node]),
    dict(name="switch-static-route", summary="a static route on switch a hides BGP's",
         apply=shadow, mend=unshadow, kind="switch-wrong-next-hop", subject=on_first, node="n2"),
    dict(name="switch-aggregate-only", summary="switch a has the supernet, not the CIDR",
         apply=aggregate, mend=stop_aggregating, kind="switch-route-missing", subject=on_first,
         node="n4"),
    dict(name="switch-partial-paths", summary="switch a uses one of two paths to the node",
         apply=lose_path, mend=unpair, subject=on_first, severity="warning", node="n6"),
    dict(name="switch-route-flapping", summary="switch a loses the CIDR and has it back, four times",
         apply=flap, mend=settle, subject=on_first, severity="warning", node="n1"),
    dict(name="switch-bgpd-killed", summary="switch a's bgpd is killed",
         apply=kill_bgpd, mend=start_bgpd, kind="session-down", subject=on_switch),
    dict(name="switch-bgpd-hung", summary="switch a's bgpd hangs",
         apply=hang_bgpd, mend=wake_bgpd, kind="session-down", subject=on_switch),
    dict(name="switch-sessions-cleared", summary="all sessions of switch a are reset, and BIRD waits",
         apply=clear_sessions, mend=retry_all, kind="session-down", subject=on_switch),
    dict(name="session-flapping", summary="switch a resets its session with the node three times",
         apply=reset_session, mend=begin_anew, subject=of_session, severity="warning"),
    dict(name="switch-restart-not-honoured", summary="switch a drops the routes of a node that restarts gracefully",
         apply=abandon, mend=take_back, subject=of_session, severity="warning"),
]
