# SPDX-License-Identifier: Apache-2.0
"""FRR as the two switches: route reflectors for the nodes, plain iBGP with each other."""

import json
import subprocess
from contextlib import contextmanager

from state import LabError, run, until
from topology import AS, COLLECTOR_ADDRESS, NODES, SWITCHES

DAEMONS = ("zebra", "bgpd")
REREAD = "clear bgp ipv4 unicast * soft in"
INBOUND = "FROM-NEIGHBORS"
BMP_PORT = 11019
BGP_PORT = 1179


def process(switch, daemon):
    return f"{daemon}-{switch.name}"


def directory(lab, switch):
    return lab.path(switch.name)


def neighbor(address, *more):
    lines = [f"remote-as {AS}", "timers 3 9", "timers connect 1", *more]
    return "".join(f" neighbor {address} {line}\n" for line in lines)


def family(address, *more):
    lines = ["soft-reconfiguration inbound", f"route-map {INBOUND} in", *more]
    return "".join(f"  neighbor {address} {line}\n" for line in lines)


def bmp(switch):
    """Switch a brings its tables to the collector, and a sign of life each second."""
    if switch is not SWITCHES[0]:
        return ""
    return f""" bmp targets podpath
  bmp stats interval 1000
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv4 unicast post-policy
  bmp connect {COLLECTOR_ADDRESS} port {BMP_PORT} min-retry 1000 max-retry 2000
 exit
"""


def listener(switch):
    """Switch a passes what it has on to the collector, and takes nothing from it."""
    if switch is not SWITCHES[0]:
        return "", ""
    return (neighbor(COLLECTOR_ADDRESS, f"port {BGP_PORT}"),
            "".join(f"  neighbor {COLLECTOR_ADDRESS} {line}\n" for line in
                    ("route-reflector-client", "route-map NOTHING in", "maximum-prefix 1")))


def bgp_configuration(switch):
    nodes = [node.addresses[switch.number - 1] for node in NODES]
    neighbors = [neighbor(address) for address in nodes] + [neighbor(switch.peer.peer_address)]
    families = [family(address, "route-reflector-client") for address in nodes]
    families.append(family(switch.peer.peer_address))
    for lines, more in zip((neighbors, families), listener(switch)):
        lines.append(more)
    return f"""hostname {switch.name}
bgp route-map delay-timer 0
router bgp {AS}
 bgp router-id {switch.address}
 bgp log-neighbor-changes
{"".join(neighbors)} address-family ipv4 unicast
  maximum-paths ibgp 1
{"".join(families)} exit-address-family
{bmp(switch)}exit
route-map {INBOUND} permit 100
route-map NOTHING deny 10
"""


def start(lab, switch):
    where = directory(lab, switch)
    where.joinpath("zebra.conf").write_text(f"hostname {switch.name}\n")
    where.joinpath("bgpd.conf").write_text(bgp_configuration(switch))
    for daemon in DAEMONS:
        if lab.pid(process(switch, daemon)) is None:
            start_daemon(lab, switch, daemon)


def start_daemon(lab, switch, daemon):
    where = directory(lab, switch)
    more = ["-M", "bmp"] if daemon == "bgpd" else []
    lab.start(process(switch, daemon), switch.name, f"/usr/lib/frr/{daemon}", "-u", "frr",
              "-g", "frr", "-A", "127.0.0.1", "-P", "0", "--vty_socket", where,
              "-z", where / "zserv.api", "-i", where / f"{daemon}.pid",
              "-f", where / f"{daemon}.conf", "--log", "stdout", *more)
    until(lambda: answers(lab, switch, daemon), 10, f"{daemon} on {switch.name} does not answer")


def answers(lab, switch, daemon):
    try:
        run(*vtysh(lab, switch), "-d", daemon, "-c", "show version")
    except LabError:
        return False
    return lab.pid(process(switch, daemon)) is not None


def start_all(lab):
    for switch in SWITCHES:
        start(lab, switch)


def kill(lab, switch, *daemons):
    lab.stop(*(process(switch, daemon) for daemon in daemons or DAEMONS), signal="KILL")


def vtysh(lab, switch):
    return ["vtysh", "--vty_socket", str(directory(lab, switch))]


def show(lab, switch, command):
    """A show command's JSON, or an empty object when the switch does not answer."""
    try:
        return json.loads(run(*vtysh(lab, switch), "-c", f"show {command} json"))
    except (LabError, ValueError):
        return {}


def configure(lab, switch, *lines):
    words = [word for line in ("configure terminal", *lines) for word in ("-c", line)]
    printed = run(*vtysh(lab, switch), *words)
    if "%" in printed:
        raise LabError(f"switch {switch.name}: {printed.strip()}")


@contextmanager
def conversation(lab, switch):
    """Gives `say(*lines)`, which is back when they are done. One vtysh for all of them: on a busy machine the
    start of one for each takes longer than some things may last."""
    with subprocess.Popen(vtysh(lab, switch), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        def say(*lines):
            # What is typed is printed as it is read: the comment, when all before it is done.
            process.stdin.write("\n".join([*lines, "end", "! said"]) + "\n")
            process.stdin.flush()
            if not any(line.endswith("! said\n") for line in process.stdout):
                raise LabError(f"switch {switch.name}: vtysh ended")
        yield say
        process.stdin.close()


def reread(lab, switch):
    """Judges every route already received by the inbound rules as they are now."""
    run(*vtysh(lab, switch), "-c", REREAD)


def sessions(lab, switch):
    """Each neighbour's state word."""
    summary = show(lab, switch, "bgp ipv4 unicast summary")
    return {address: peer["state"] for address, peer in summary.get("peers", {}).items()}


def kernel_routes(lab, switch):
    """What BGP put into the switch's kernel: prefix to gateways."""
    shown = json.loads(lab.run(switch.name, "ip", "-j", "route", "show", "proto", "bgp") or "[]")
    return {route["dst"]: gateways(route) for route in shown}


def gateways(route):
    return [hop.get("gateway") for hop in route.get("nexthops", [route])]
