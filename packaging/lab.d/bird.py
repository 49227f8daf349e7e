# SPDX-License-Identifier: Apache-2.0
"""BIRD on the nodes, configured as at the reference site; faults change single lines of it."""

import socket

from state import LabError, until
from topology import AS, NODES, SWITCHES, node as node_named

DRIFTED = "10.16.99.0/24"
STALE = "10.16.77.0/24"
# Nobody's pods: only more to announce. FRR counts a prefix after it looked whether there are too many.
SURPLUS = ("10.99.0.0/24", "10.99.1.0/24")
# Another BIRD that somebody installed beside the node's own.
SECOND = "second"
# Seconds until BIRD dials, where its neighbours leave that to it.
DIAL_AFTER = 2
# Faults for which the node restarts gracefully, and the seconds it asks of its neighbours. Nobody answers at
# ABSENT: a recovery that waits for it lasts as long as BIRD is willing to wait.
RESTARTS = {"restart-stuck", "switch-restart-not-honoured"}
RESTART_TIME = 10
ABSENT = "10.1.0.250"


def process(node, speaker="bird"):
    return f"{speaker}-{node.name}"


def control_socket(lab, node, speaker="bird"):
    return lab.path(node.name, f"{speaker}.ctl")


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
    if "host-routes-exported" in faults:
        routes.update({f"{pod}/32": 'via "cilium_host"' for pod in node.pods[:2]})
    return routes


def uplink(node, switch, local, faults):
    return session(node, switch.uplink, switch.address, local, faults)


def session(node, name, neighbor, local, faults):
    rejected = f"if net = {node.cidr} then reject; " if "not-exported" in faults else ""
    return f"""
protocol bgp {name} {{
    local {local} as {AS};
    neighbor {neighbor} as {AS};
{restarting(faults)}    ipv4 {{
        import filter {{ reject; }};
        export filter {{ {rejected}accept; }};
    }};
}}
"""


def restarting(faults):
    if not faults & RESTARTS:
        return ""
    return f"""    connect delay time {DIAL_AFTER};
    graceful restart on;
    graceful restart time {RESTART_TIME};
"""


def patience(faults):
    return "graceful restart wait 600;\n" if "restart-stuck" in faults else ""


def configuration(node, faults=frozenset()):
    routes = "".join(f"    route {prefix} {target};\n"
                     for prefix, target in static_routes(node, faults).items())
    uplinks = "".join(uplink(node, switch, local, faults)
                      for switch, local in zip(SWITCHES, node.addresses))
    if "switch-partial-paths" in faults:
        uplinks += session(node, "uplink2", SWITCHES[0].second_address, twin(node), faults)
    if "restart-stuck" in faults:
        uplinks += session(node, "retired", ABSENT, node.addresses[0], faults)
    return f"""router id {node.addresses[0]};
{patience(faults)}
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


def write(lab, node, faults=frozenset(), speaker="bird"):
    lab.path(node.name, f"{speaker}.conf").write_text(configuration(node, faults))


def start(lab, node, *more, speaker="bird"):
    if lab.pid(process(node, speaker)) is None:
        lab.start(process(node, speaker), node.name, "bird", "-f", "-c", lab.path(node.name, f"{speaker}.conf"),
                  "-s", control_socket(lab, node, speaker), "-u", "bird", "-g", "bird", *more)
    until(lambda: answers(lab, node, speaker), 5, f"BIRD on {node.name} does not answer")


def start_all(lab):
    for node in NODES:
        write(lab, node)
        start(lab, node)


def answers(lab, node, speaker="bird"):
    try:
        return "Daemon is up" in ask(lab, node, "show status", speaker)
    except LabError:
        return False


def reconfigure(lab, node):
    reply = ask(lab, node, "configure")
    if not any(code in reply for code in ("0003 ", "0004 ")):
        raise LabError(f"BIRD on {node.name}: {reply.strip().splitlines()[-1]}")


def leave_gracefully(lab, node):
    """BIRD ends and says no farewell, so that its neighbours keep what it announced."""
    ask(lab, node, "graceful restart")
    until(lambda: lab.pid(process(node)) is None, 5, f"BIRD on {node.name} did not end")


def waits(lab, node, uplink):
    """Whether a session that is up holds its routes back until recovery is over."""
    reply = ask(lab, node, f"show protocols all {uplink}")
    return any(line.split() == ["GR", "recovery:", "waiting"] for line in reply.splitlines())


def ask(lab, node, command, speaker="bird"):
    """One command on the control socket; gives back the whole reply."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(3)
            connection.connect(str(control_socket(lab, node, speaker)))
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


def sessions(lab, node, speaker="bird"):
    """Each uplink's state word, such as Established; empty when BIRD does not answer."""
    try:
        lines = ask(lab, node, "show protocols", speaker).splitlines()
    except LabError:
        return {}
    rows = [line.removeprefix("1002-").split() for line in lines]
    return {row[0]: " ".join(row[5:]) or row[3] for row in rows if row[1:2] == ["BGP"]}
