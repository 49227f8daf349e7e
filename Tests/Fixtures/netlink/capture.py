# SPDX-License-Identifier: Apache-2.0
"""Captures the fixtures beside it from the running kernel, in a namespace of its own:

    unshare -n python3 capture.py .
"""
import socket
import struct
import subprocess
import sys

OUT = sys.argv[1]
GROUPS = 1 | 1 << 6 | 1 << 10 | 1 << 4 | 1 << 31
NETLINK_STRICT = (270, 12, 1)
DUMP = 0x301


def sh(command):
    subprocess.run(command, shell=True, check=True)


def netlink(groups):
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    opened.bind((0, groups))
    opened.setsockopt(*NETLINK_STRICT)
    return opened


def drain():
    datagrams = []
    while True:
        try:
            datagrams.append(events.recv(65536))
        except BlockingIOError:
            return datagrams


def write(name, command, datagrams):
    with open(f"{OUT}/{name}.hex", "w") as file:
        file.write("# Linux 6.18 x86_64, iproute2 6.1, by capture.py: what stood before is there\n")
        file.write(f"# {command}\n")
        for datagram in datagrams:
            text = datagram.hex()
            file.write("\n")
            for start in range(0, len(text), 64):
                line = text[start : start + 64]
                words = (line[word : word + 8] for word in range(0, len(line), 8))
                file.write(" ".join(words) + "\n")


def ev(name, command, keep=None):
    drain()
    sh(command)
    datagrams = drain()
    if keep:
        datagrams = [d for d in datagrams if struct.unpack_from("H", d, 4)[0] in keep]
    assert datagrams, name
    write(name, command, datagrams)


def is_last(datagram):
    offset = 0
    while offset < len(datagram):
        length, kind = struct.unpack_from("IH", datagram, offset)
        if kind in (2, 3):
            return True
        offset += (length + 3) & ~3
    return False


def dump(name, kind, body, command):
    asking = netlink(0)
    asking.send(struct.pack("IHHII", 16 + len(body), kind, DUMP, 1, 0) + body)
    datagrams = [asking.recv(32768)]
    while not is_last(datagrams[-1]):
        datagrams.append(asking.recv(32768))
    write(name, command, datagrams)


def rt(family):
    return struct.pack("BBBBBBBBI", family, 0, 0, 0, 254, 0, 0, 0, 0)


ln = struct.pack("BBHiII", 0, 0, 0, 0, 0, 0) + struct.pack("HHI", 8, 29, 8)
R = (24, 25)
events = netlink(GROUPS)
events.setblocking(False)
dump("dump-no-table", 26, rt(2), "ip -4 route show table main   (before any route: ENOENT)")
sh("ip link add cilium_host type veth peer name cilium_net")
ev("link-up", "ip link set cilium_host up mtu 1450; ip link set cilium_net up")
sh("ip addr add 10.1.0.1/24 dev cilium_net; ip -6 addr add fd01::1/64 dev cilium_net nodad")
ev("route-device", "ip route add 10.16.0.0/24 dev cilium_host", R)
ev("route-via", "ip route add 10.16.1.0/24 via 10.1.0.2 dev cilium_net proto bird metric 32", R)
ev("route-default", "ip route add default via 10.1.0.254", R)
ev("route-multipath", "ip route add 10.16.2.0/24 nexthop via 10.1.0.3 nexthop via 10.1.0.4 weight 3", R)
ev("route-blackhole", "ip route add blackhole 10.16.3.0/24", R)
ev("route-via-inet6", "ip route add 10.16.5.0/24 via inet6 fd01::9 dev cilium_net", R)
ev("route-outside", "ip route add 10.99.0.0/24 via 10.1.0.2", R)
ev("route-table-100", "ip route add table 100 10.16.9.0/24 via 10.1.0.2", R)
ev("route-ipv6", "ip -6 route add fd00:10:1::/48 via fd01::2", R)
ev("route-ipv6-append", "ip -6 route append fd00:10:1::/48 via fd01::3", R)
ev("route-ipv6-delete-hop", "ip -6 route del fd00:10:1::/48 via fd01::2", R)
ev("route-ipv6-blackhole", "ip -6 route add blackhole fd00:10:2::/48", R)
sh("ip nexthop add id 5 via 10.1.0.5 dev cilium_net")
ev("route-nexthop-object", "ip route add 10.16.6.0/24 nhid 5", R)
ev("nexthop-delete", "ip nexthop del id 5")
ev("route-replace", "ip route replace 10.16.1.0/24 via 10.1.0.7 metric 32", R)
ev("route-append", "ip route append 10.16.1.0/24 via 10.1.0.8 metric 32", R)
# What happens next starts from these three tables.
dump("dump-links", 18, ln, "ip link show   (IFLA_EXT_MASK = RTEXT_FILTER_SKIP_STATS)")
dump("dump-ipv4", 26, rt(2), "ip -4 route show table main")
dump("dump-ipv6", 26, rt(10), "ip -6 route show table main")
ev("route-delete", "ip route del 10.16.1.0/24 via 10.1.0.7", R)
ev("address-delete", "ip addr del 10.1.0.1/24 dev cilium_net")
sh("ip -6 route add fd00:10:3::/48 dev cilium_host; ip -6 route append fd00:10:3::/48 via fd01::4")
dump("dump-ipv6-beside", 26, rt(10), "ip -6 route show table main   (a device route beside a gateway)")
ev("route-ipv6-replace-one", "ip -6 route replace fd00:10:3::/48 via fd01::5", R)
sh("ip -6 route flush fd00:10:3::/48")
ev("link-down", "ip link set cilium_host down")
ev("link-rename", "ip link set cilium_host name cilium_old")
sh("ip link add br0 type bridge; ip link set cilium_old master br0")
ev("bridge-port-leaves", "ip link set cilium_old nomaster")
ev("link-delete", "ip link del cilium_old")
# Rules, addresses and reverse-path filters, from a clean start.
sh("ip link del br0")
sh("ip link add cilium_host type veth peer name cilium_net")
sh("ip link set cilium_host up; ip link set cilium_net up addrgenmode none")
sh("sysctl -qw net.ipv6.conf.cilium_host.disable_ipv6=1")
beside = netlink(0)
for group in (5, 8, 9, 19, 24):
    beside.setsockopt(270, 1, group)
events.close()
events = beside
events.setblocking(False)
ev("address-add", "ip addr add 10.1.0.1/24 dev cilium_net", (20,))
ev("address-add-peer", "ip addr add 10.16.0.1 peer 10.16.0.2/32 dev cilium_host", (20,))
ev("address-add-ipv6", "ip -6 addr add fd01::1/64 dev cilium_net nodad", (20,))
sh("ip route add table 300 default via 10.1.0.254")
ev("rule-add", "ip rule add from 10.16.0.0/24 lookup 300 priority 100")
sh("ip rule add fwmark 0x200/0xf00 lookup 2005 priority 10; ip rule add iif cilium_host lookup 200 priority 20")
sh("ip rule add not to 10.0.0.0/8 prohibit priority 30; ip rule add lookup main suppress_prefixlength 0 priority 40")
sh("ip rule add goto 32766 priority 50; ip rule add oif cilium_net tos 0x10 lookup 201 priority 60")
ev("filter-change", "sysctl -qw net.ipv4.conf.cilium_host.rp_filter=1")
sh("sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.cilium_net.rp_filter=0")
dump("dump-addresses", 22, bytes(8), "ip addr show")
dump("dump-rules-ipv4", 34, bytes([2]) + bytes(11), "ip -4 rule show")
dump("dump-rules-ipv6", 34, bytes([10]) + bytes(11), "ip -6 rule show")
dump("dump-filters", 82, bytes([2, 0, 0, 0]), "ip -4 netconf show   (all.rp_filter=2, cilium_host 1, cilium_net 0)")
dump("dump-links-beside", 18, ln, "ip link show   (the same devices)")
dump(
    "dump-table-300",
    26,
    struct.pack("BBBBBBBBI", 2, 0, 0, 0, 252, 0, 0, 0, 0) + struct.pack("HHI", 8, 15, 300),
    "ip -4 route show table 300",
)
