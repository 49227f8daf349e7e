# SPDX-License-Identifier: Apache-2.0
"""BIRD on the nodes, configured as at the reference site; faults change single lines of it."""

import socket

from state import LabError, until
from topology import AS, NODES, SWITCHES, node as node_named

DRIFTED = "10.16.99.0/24"
STALE = "10.16.77.0/24"
# Nobody's pods: only more to announce. FRR counts a prefix after it looked whether there are too many.
SURPLUS = ("10.99.0.0/24", "10.99.1.0/24")


def process(node):
    return f"bird-{node.name}"


def control_socket(lab, node):
    return lab.path(node.name, "bird.ctl")


def victim(node):
    """The node whose CIDR is announced a second time."""
    return node_named("n2" if node.name != "n2" else "n1")


def twin(node):
    """A second address of the node towards switch a."""
    return f"10.1.0.{100 + node.number}"


def static_routes(node, faults):
    """What the node's `static` holds: prefix to target."""
    routes = {node.cidr: 'via "cilium_host"'}
    if "bird-route-unreachable" in faults:
        routes[node.cidr] = "unreachable"
    if faults & {"bird-route-missing", "bird-config-drift"}:
        del routes[node.cidr]
    extra = {"bird-config-drift": DRIFTED, "switch-route-stale": STALE,
             "owner-duplicate": victim(node).cidr}
    routes.update({prefix: 'via "cilium_host"' for fault, prefix in extra.items()
                   if fault in faults})
    if "switch-prefix-limit" in faults:
        routes.update({prefix: 'via "cilium_host"' for prefix in SURPLUS})
    return routes


def uplink(node, switch, local, faults):
    return session(node, switch.uplink, switch.address, local, faults)


def session(node, name, neighbor, local, faults):
    rejected = f"if net = {node.cidr} then reject; " if "not-exported" in faults else ""
    return f"""
protocol bgp {name} {{
    local {local} as {AS};
    neighbor {neighbor} as {AS};
    ipv4 {{
        import filter {{ reject; }};
        export filter {{ {rejected}accept; }};
    }};
}}
"""


def configuration(node, faults=frozenset()):
    routes = "".join(f"    route {prefix} {target};\n"
                     for prefix, target in static_routes(node, faults).items())
    uplinks = "".join(uplink(node, switch, local, faults)
                      for switch, local in zip(SWITCHES, node.addresses))
    if "switch-partial-paths" in faults:
        uplinks += session(node, "uplink2", SWITCHES[0].second_address, twin(node), faults)
    return f"""router id {node.addresses[0]};

protocol device {{
}}

protocol direct {{
    disabled;
}}

protocol kernel {{
    ipv4 {{
        import none;
        export none;
    }};
}}

protocol static {{
    ipv4;
{routes}}}
{uplinks}"""


def write(lab, node, faults=frozenset()):
    lab.path(node.name, "bird.conf").write_text(configuration(node, faults))


def start(lab, node):
    if lab.pid(process(node)) is None:
        lab.start(process(node), node.name, "bird", "-f", "-c", lab.path(node.name, "bird.conf"),
                  "-s", control_socket(lab, node), "-u", "bird", "-g", "bird")
    until(lambda: answers(lab, node), 5, f"BIRD on {node.name} does not answer")


def start_all(lab):
    for node in NODES:
        write(lab, node)
        start(lab, node)


def answers(lab, node):
    try:
        return "Daemon is up" in ask(lab, node, "show status")
    except LabError:
        return False


def reconfigure(lab, node):
    reply = ask(lab, node, "configure")
    if not any(code in reply for code in ("0003 ", "0004 ")):
        raise LabError(f"BIRD on {node.name}: {reply.strip().splitlines()[-1]}")


def ask(lab, node, command):
    """One command on the control socket; gives back the whole reply."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(3)
            connection.connect(str(control_socket(lab, node)))
            lines = connection.makefile("rw")
            read_reply(lines)
            lines.write(command + "\n")
            lines.flush()
            return read_reply(lines)
    except OSError as error:
        raise LabError(f"BIRD on {node.name}: {error.strerror or error}") from None


def read_reply(lines):
    reply = ""
    for line in lines:
        reply += line
        if line[:4].isdigit() and line[4:5] == " ":
            break
    return reply


def sessions(lab, node):
    """Each uplink's state word, such as Established; empty when BIRD does not answer."""
    try:
        lines = ask(lab, node, "show protocols").splitlines()
    except LabError:
        return {}
    rows = [line.removeprefix("1002-").split() for line in lines]
    return {row[0]: " ".join(row[5:]) or row[3] for row in rows if row[1:2] == ["BGP"]}
