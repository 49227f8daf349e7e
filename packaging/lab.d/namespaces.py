# SPDX-License-Identifier: Apache-2.0
"""The lab's network: links, addresses and routes, as `ip` commands for each namespace."""

from state import run
from topology import (COLLECTOR, COLLECTOR_ADDRESS, LTM, LTM_ADDRESS, LTM_SELF_ADDRESSES,
                      NAMESPACES, NODES, POD_SUPERNET, SWITCHES)

SYSCTLS = {
    "ipv6/conf/all/disable_ipv6": 1,
    "ipv6/conf/default/disable_ipv6": 1,
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/conf/all/send_redirects": 0,
    "ipv4/conf/default/send_redirects": 0,
    "ipv4/conf/all/ignore_routes_with_linkdown": 1,
    "ipv4/conf/default/ignore_routes_with_linkdown": 1,
    # The same flow takes the same switch in every lab; not every kernel has it.
    "ipv4/fib_multipath_hash_seed": 7,
}


def build(lab):
    for name in NAMESPACES:
        prepare(lab, name)
    ip(lab, COLLECTOR, "link add br-mgmt type bridge", "link set br-mgmt up",
       f"addr add {COLLECTOR_ADDRESS}/24 dev br-mgmt")
    for switch in SWITCHES:
        ip(lab, switch.name, "link add br0 type bridge", "link set br0 up")
    for node in NODES:
        build_node(lab, node)
    build_switches(lab)
    build_ltm(lab)


def ip(lab, namespace, *commands):
    lab.run(namespace, "ip", "-batch", "-", text="\n".join(commands) + "\n")


def prepare(lab, name):
    settings = "; ".join(f"[ ! -e /proc/sys/net/{key} ] || echo {value} >/proc/sys/net/{key}"
                         for key, value in SYSCTLS.items())
    lab.run(name, "sh", "-c", f"{settings}; ip link set lo up")


def cable(lab, left, left_device, right, right_device):
    """A veth pair between two namespaces, both ends up."""
    ip(lab, left, f"link add {left_device} type veth peer name {right_device} "
                  f"netns {lab.path('net', right)}", f"link set {left_device} up")
    ip(lab, right, f"link set {right_device} up")


def manage(lab, name, address):
    cable(lab, name, "mgmt0", COLLECTOR, f"m-{name}")
    ip(lab, name, f"addr add {address}/24 dev mgmt0")
    ip(lab, COLLECTOR, f"link set m-{name} master br-mgmt")


def build_node(lab, node):
    for device, switch, address in zip(("eth0", "eth1"), SWITCHES, node.addresses):
        cable(lab, node.name, device, switch.name, node.name)
        ip(lab, switch.name, f"link set {node.name} master br0")
        ip(lab, node.name, f"addr add {address}/24 dev {device}")
    restore_default_route(lab, node)
    manage(lab, node.name, node.management)
    build_pods(lab, node)


def restore_default_route(lab, node):
    ip(lab, node.name, "route replace default " + both_ways("address"))


def set_rp_filter(lab, name, device, value):
    lab.run(name, "sh", "-c", f"echo {value} >/proc/sys/net/ipv4/conf/{device}/rp_filter")


def both_ways(side):
    return " ".join(f"nexthop via {getattr(switch, side)}" for switch in SWITCHES)


def build_pods(lab, node):
    build_pod_device(lab, node)
    restore_pod_route(lab, node)


def build_pod_device(lab, node):
    cable(lab, node.name, "cilium_host", node.pod_namespace, "cilium_net")
    address_pods(lab, node)


def address_pods(lab, node):
    ip(lab, node.name, f"addr add {node.router}/32 dev cilium_host scope link")
    ip(lab, node.pod_namespace, *(f"addr add {pod}/32 dev cilium_net" for pod in node.pods),
       f"route add default via {node.router} dev cilium_net onlink")


def renumber_pods(lab, node):
    """The node gets the pod CIDR it has here in place of the one before."""
    ip(lab, node.name, "addr flush dev cilium_host", "route flush dev cilium_host",
       "neigh flush dev cilium_host nud permanent")
    ip(lab, node.pod_namespace, "addr flush dev cilium_net", "route flush dev cilium_net")
    address_pods(lab, node)
    restore_pod_route(lab, node)


def restore_pod_route(lab, node):
    """cilium_host up, with its neighbour and its routes, in the shape Cilium gives them."""
    mac = pod_side_address(lab, node)
    ip(lab, node.name, "link set cilium_host up",
       f"neigh replace {node.router} lladdr {mac} dev cilium_host nud permanent",
       f"route replace {node.router} dev cilium_host scope link",
       f"route replace {node.cidr} via {node.router} dev cilium_host src {node.router}")


def pod_side_address(lab, node):
    shown = lab.run(node.pod_namespace, "ip", "-brief", "link", "show", "dev", "cilium_net")
    return shown.split()[2]


def build_switches(lab):
    a, b = SWITCHES
    cable(lab, a.name, "peer", b.name, "peer")
    for switch in SWITCHES:
        cable(lab, LTM, f"uplink-{switch.name}", switch.name, "ltm")
        manage(lab, switch.name, switch.management)
        ip(lab, switch.name, f"addr add {switch.address}/24 dev br0",
           f"addr add {switch.ltm_side}/24 dev ltm", f"addr add {switch.peer_address}/30 dev peer")
        restore_switch_routes(lab, switch)


def restore_switch_routes(lab, switch):
    """What lies behind the other switch is reached over the link between the two."""
    other = switch.peer
    ip(lab, switch.name, f"route replace 10.{other.number}.0.0/24 via {other.peer_address}",
       f"route replace 10.3.{other.number}.0/24 via {other.peer_address}")


def build_ltm(lab):
    for switch, address in zip(SWITCHES, LTM_SELF_ADDRESSES):
        ip(lab, LTM, f"addr add {address}/24 dev uplink-{switch.name}")
    manage(lab, LTM, LTM_ADDRESS)
    restore_ltm_route(lab)


def restore_ltm_route(lab):
    ip(lab, LTM, f"route replace {POD_SUPERNET} " + both_ways("ltm_side"))


def host_device(index):
    return f"podpath-{index}"


def host_addresses(index):
    """(the host's, the collector's) on the link on which a person opens the page."""
    return f"10.99.{index}.1", f"10.99.{index}.2"


def connect_host(lab, index):
    device, (here, there) = host_device(index), host_addresses(index)
    lab.run(None, "ip", "link", "add", device, "type", "veth", "peer", "name", "host0",
            "netns", lab.path("net", COLLECTOR))
    run("ip", "addr", "add", f"{here}/30", "dev", device)
    run("ip", "link", "set", device, "up")
    ip(lab, COLLECTOR, f"addr add {there}/30 dev host0", "link set host0 up")
