# SPDX-License-Identifier: Apache-2.0
"""Whether the lab is as it should be: read from BIRD, FRR, the kernels and the LTM themselves."""

import json

import bird
import frr
import ltm
import podpath
from state import LabError
from topology import LTM, NODES, POD_SUPERNET, SWITCHES


STAND_INS = ("bigip", "nxapi", "kubernetes", "cis")


def problems(lab):
    """One sentence for each thing that is not as in a healthy lab."""
    found = []
    for node in NODES:
        found += node_problems(lab, node)
    for switch in SWITCHES:
        found += switch_problems(lab, switch)
    found += [f"pod {file.stem} is told to fail" for file in lab.path("pods").glob("*.down")]
    found += [f"{name} ended: {lab.path('log', name + '.log')}" for name in podpath.ended(lab)]
    found += [f"{name} ended: {lab.path('log', name + '.log')}" for name in STAND_INS if lab.pid(name) is None]
    return found + ltm_problems(lab)


def node_problems(lab, node):
    sessions = bird.sessions(lab, node)
    found = [f"{node.name}: {switch.uplink} is {sessions.get(switch.uplink, 'unread')}"
             for switch in SWITCHES if sessions.get(switch.uplink) != "Established"]
    if bird.configuration(node) != lab.path(node.name, "bird.conf").read_text():
        found.append(f"{node.name}: BIRD's configuration is not the site's")
    if not pod_route_works(lab, node):
        found.append(f"{node.name}: the kernel lacks {node.cidr}")
    if lab.run(node.name, "nft", "list", "tables"):
        found.append(f"{node.name}: a packet filter is in place")
    return found


def pod_route_works(lab, node):
    routes = json.loads(lab.run(node.name, "ip", "-j", "route", "show", node.cidr) or "[]")
    return any("linkdown" not in route["flags"] for route in routes)


def switch_problems(lab, switch):
    found = session_problems(lab, switch)
    expected = {node.cidr: [node.addresses[switch.number - 1]] for node in NODES}
    routes = frr.kernel_routes(lab, switch)
    found += [f"switch {switch.name}: {prefix} is {routes.get(prefix, 'missing')}"
              for prefix, gateways in expected.items() if routes.get(prefix) != gateways]
    return found + [f"switch {switch.name}: {prefix} belongs to nobody"
                    for prefix in routes if prefix not in expected]


def session_problems(lab, switch):
    states = frr.sessions(lab, switch)
    neighbors = [node.addresses[switch.number - 1] for node in NODES]
    return [f"switch {switch.name}: {address} is {states.get(address, 'unread')}"
            for address in [*neighbors, switch.peer.peer_address]
            if states.get(address) != "Established"]


def ltm_problems(lab):
    found = [f"ltm: the way by switch {switch.name} is gone" for switch in SWITCHES
             if switch.ltm_side not in ltm_gateways(lab)]
    if not ltm.exists():
        return found
    try:
        state = ltm.ask(lab, {"state": True})
    except LabError as error:
        return [*found, str(error)]
    found += [f"ltm: member {member['member']} is {member['availability']}"
              for member in state["members"] if member["availability"] != "available"]
    return found + ["ltm: the emulator misbehaves"] * bool(state["misbehaviours"])


def ltm_gateways(lab):
    routes = json.loads(lab.run(LTM, "ip", "-j", "route", "show", POD_SUPERNET) or "[]")
    return [hop.get("gateway") for route in routes for hop in route.get("nexthops", [route])
            if "linkdown" not in hop.get("flags", [])]
