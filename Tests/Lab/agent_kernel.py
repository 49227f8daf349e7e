# SPDX-License-Identifier: Apache-2.0
"""What the agent believes of the kernel after anything at all was done to it is what `ip` prints."""
import ipaddress
import random
import subprocess
import time

from agent_node import kernel_says, sh
from agent_stream import begin, is_complete

SEEDS = (1, 2, 3)
ROUNDS = 40
DEVICES = ["cilium_host", "cni0", "cbr0"]
PREFIXES = ["10.16.1.0/24", "10.16.2.0/24", "10.16.2.128/25", "10.20.0.0/16", "fd00:10:1::/64", "fd00:10:2::/64"]
TABLES = ["main", "100", "300", "70000"]


def act(dice):
    """One thing that an administrator, a CNI or a failing cable may do."""
    device, prefix, table = dice.choice(DEVICES), dice.choice(PREFIXES), dice.choice(TABLES)
    number, metric = dice.randrange(1, 5), dice.choice(["", "metric 7", "metric 90"])
    family = "-6" if ":" in prefix else "-4"
    gateway = f"fd01::{number}" if ":" in prefix else f"10.1.0.{number + 1}"
    way = dice.choice([f"dev {device}", f"via {gateway}", f"via {gateway} dev uplink0"])
    verb = dice.choice(["add", "add", "replace", "append", "del", "del"])
    source = "fd00:10::/40" if ":" in prefix else "10.16.0.0/24"
    return dice.choice(
        [
            *[f"{family} route {verb} {prefix} {way} table {table} {metric}"] * 8,
            f"{family} route {verb} {dice.choice(['blackhole', 'unreachable', 'prohibit'])} {prefix} table {table} {metric}",
            f"{family} route {verb} {prefix} table {table} nexthop via {gateway} nexthop dev {device} weight 3",
            f"{family} route {verb} {prefix} nhid {number} table {table}",
            f"{family} nexthop {dice.choice(['add', 'replace', 'del'])} id {number} via {gateway} dev uplink0",
            f"{family} route flush table {table}" if table != "main" else f"{family} route flush {prefix}",
            f"{family} rule {dice.choice(['add', 'add', 'del'])} from {source} lookup {table} priority {100 + number}",
            f"{family} rule {dice.choice(['add', 'del'])} fwmark {number} lookup {table}",
            f"link set {device} {dice.choice(['up', 'up', 'down'])}",
            f"link set {device} mtu {dice.choice([1280, 1450, 1500])}",
            f"link del {device}",
            f"link add {device} type veth peer name p{number}{device[-1]}",
            f"addr {dice.choice(['add', 'del'])} 10.30.{number}.1/24 dev {device}",
            f"-6 addr {dice.choice(['add', 'del'])} fd02::{number}/64 dev {device} nodad",
        ]
    )


def on_the_way(belief):
    return {row["name"] for row in belief.rows("links")}


def watched(text):
    network = ipaddress.ip_network(text)
    supernet = ipaddress.ip_network("fd00:10::/32" if network.version == 6 else "10.16.0.0/12")
    return network.prefixlen == 0 or network.subnet_of(supernet)


def told_routes(belief):
    return {
        (
            row["prefix"],
            row["table"],
            row["metric"],
            row["destination"],
            tuple(sorted((hop["via"] or "", hop["dev"]) for hop in row["hops"])),
        )
        for row in belief.rows("routes")
    }


KINDS = {"unicast": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8}
NAMED = {"main": 254, "default": 253, "local": 255}


def tables(family):
    """Main, and those that rules lead to."""
    led = [rule["table"] for rule in kernel_says(f"-N -{family} rule show") if "table" in rule]
    return ({int(table) for table in led} | {254}) - {255, 0}


def prefix_of(text, family):
    if text == "default":
        return "0.0.0.0/0" if family == 4 else "::/0"
    return str(ipaddress.ip_network(text))


def true_routes():
    """As `ip` prints them, one for each prefix, table and metric: of several IPv4 routes the first
    is used, of IPv6 all are."""
    found = {}
    for family in (4, 6):
        known = tables(family)
        for route in kernel_says(f"-N -d -{family} route show table all"):
            table = int(route.get("table", 254))
            prefix = prefix_of(route["dst"], family)
            kind = route.get("type", "unicast")
            kind = {"1": "unicast", "6": "blackhole", "7": "unreachable", "8": "prohibit"}.get(str(kind), kind)
            if table not in known or not watched(prefix) or kind not in KINDS or "cache" in route.get("flags", []):
                continue
            add(found, (prefix, table, route.get("metric", 0)), KINDS[kind], hops(route, kind), family)
    return {(*key, kind, tuple(sorted(ways))) for key, (kind, ways) in found.items()}


def add(found, key, kind, ways, family):
    if key not in found:
        found[key] = (kind, ways)
    elif family == 6 and found[key][0] == kind:
        found[key] = (kind, found[key][1] + [way for way in ways if way not in found[key][1]])


def hops(route, kind):
    if kind != "unicast":
        return []
    return [(gateway(hop), hop.get("dev", "")) for hop in route.get("nexthops", [route])]


def gateway(hop):
    return hop.get("gateway") or hop.get("via", {}).get("host", "")


def told_rules(belief):
    return sorted((row["family"], row["priority"], row["table"]) for row in belief.rows("rules"))


def true_rules():
    """Two rules may differ only in what the agent calls `other selectors`: told once."""
    return sorted(
        {
            (family, rule["priority"], int(rule.get("table", 0)), rule.get("src"), rule.get("fwmark"))
            for family in (4, 6)
            for rule in kernel_says(f"-N -{family} rule show")
        },
        key=str,
    )


def told_links(belief):
    return {(row["name"], row["index"], bool(row["flags"] & 1), row["mtu"]) for row in belief.rows("links")}


def true_links(belief):
    return {
        (link["ifname"], link["ifindex"], "UP" in link["flags"], link["mtu"])
        for link in kernel_says("link show")
        if link["ifname"] in on_the_way(belief)
    }


def told_addresses(belief):
    return {(row["device"], row["address"], row["length"]) for row in belief.rows("addresses")}


def true_addresses(belief):
    return {
        (link["ifname"], address["local"], address["prefixlen"])
        for link in kernel_says("addr show")
        for address in link["addr_info"]
        if link["ifname"] in on_the_way(belief)
    }


def differences(belief):
    pairs = {
        "routes": (told_routes(belief), true_routes()),
        "links": (told_links(belief), true_links(belief)),
        "addresses": (told_addresses(belief), true_addresses(belief)),
        "rules": (told_rules(belief), sorted(rule[:3] for rule in true_rules())),
    }
    found = {}
    for name, (told, true) in pairs.items():
        if told != true:
            told, true = set(told), set(true)
            found[name] = {"told": sorted(told - true, key=str), "true": sorted(true - told, key=str)}
    return found


def soak(stage):
    for seed in SEEDS:
        soak_one(stage, seed)


def soak_one(stage, seed):
    dice = random.Random(seed)
    for device in DEVICES[1:]:
        sh(f"ip link add {device} type veth peer name p{device}; ip link set p{device} up; ip link set {device} up")
    agent = begin(stage, interval="3600")
    done = refused = 0
    for round in range(ROUNDS):
        for _ in range(dice.randrange(1, 25)):
            command = act(dice)
            result = subprocess.run(f"ip {command}", shell=True, capture_output=True)
            done, refused = done + (result.returncode == 0), refused + (result.returncode != 0)
        settle(stage, f"round {round} of seed {seed}")
    stage.say(f"seed {seed}: {done} commands done, {refused} refused by the kernel, {ROUNDS} comparisons")
    agent.stop()
    restore(stage)


def settle(stage, what):
    """Belief must come to what is true; what differs at the end of the patience is the failure."""
    end = time.monotonic() + 10
    while found := compared(stage):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: {found}")
        time.sleep(0.02)


def compared(stage):
    with stage.collector.changed:
        belief = stage.collector.last.belief
        return differences(belief) if is_complete(belief) else {"kernel": "incomplete"}


def restore(stage):
    for device in DEVICES:
        subprocess.run(["ip", "link", "del", device], capture_output=True)
    for family in (4, 6):
        for rule in kernel_says(f"-N -{family} rule show"):
            if 0 < rule["priority"] < 32766:
                sh(f"ip -{family} rule del priority {rule['priority']}", check=False)
        for table in TABLES[1:]:
            sh(f"ip -{family} route flush table {table}", check=False)
        for prefix in PREFIXES:
            sh(f"ip -{family} route flush {prefix}", check=False)
    sh("ip nexthop flush", check=False)
    stage.node.add_pod_device()


def half_a_million(stage):
    """Routes nobody asked about cost a look each, and no memory that stays."""
    sh("for i in $(seq 0 1999); do for j in $(seq 0 249); do echo route add 20.$((i / 8)).$((i % 8 * 32 + j / 8)).$((j % 8 * 32))/27 dev cilium_host; done; done > /tmp/podpath-routes-$$.txt; ip -batch /tmp/podpath-routes-$$.txt; rm /tmp/podpath-routes-$$.txt")
    count = int(sh("ip -4 route show table main | wc -l"))
    agent = begin(stage)
    first = agent.status("VmRSS")
    sh("ip route add 10.16.90.0/24 dev cilium_host")
    stage.collector.wait_for_facts("a change", lambda belief: ("10.16.90.0/24", 254, 0) in belief.facts["routes"])
    # All of them go at once, without a word each: the queue overflows or the device tells.
    sh("ip link set cilium_host down; ip link set cilium_host up; ip route add 10.16.0.0/24 dev cilium_host")
    settle(stage, "after half a million routes went")
    stage.say(f"{count} routes: RSS {first} KB with them, {agent.status('VmRSS')} KB after, peak {agent.status('VmHWM')} KB")
    assert agent.status("VmHWM") < 64 * 1024, agent.status("VmHWM")
    agent.stop()


CASES = [
    ("the kernel: whatever is done to it, belief comes to what ip prints", soak),
    ("the kernel: half a million routes outside the supernets", half_a_million),
]
