# SPDX-License-Identifier: Apache-2.0
"""Routes, self IPs, VLANs, route domains and partitions.

The names of the fields of net/route/stats were never captured from a real unit. Those here are
the columns of `tmsh show net route` as tmsh prints them: Name, Destination, Type, NextHop, Origin.
A reader must not depend on them.
"""

from bigip.addresses import interface
from bigip.groups import FIRST, LOCAL_ONLY
from bigip.rest.naming import escape, head, kind, link, reference
from bigip.rest.rows import Rows

ROUTING = ("access-list", "as-path", "bfd", "bgp", "community-list", "prefix-list", "route-map",
           "profile")
COMMON_TEXT = "Repository for system objects and shared objects."


def routes(device):
    return Rows(device.routes, lambda route: route_object(device, route))


def route_object(device, route):
    item = head(device, "net/route", route.get("partition", "Common"), route["name"],
                device.generation)
    item.update({"mtu": route.get("mtu", 0), "network": route["network"]})
    for key in ("gw", "pool", "tmInterface", "blackhole", "description"):
        if key in route:
            item[key] = route[key]
    if "pool" in route:
        item["poolReference"] = reference("ltm/pool/" + escape(route["pool"]), device.version)
    if "tmInterface" in route:
        item["tmInterfaceReference"] = reference("net/vlan/" + escape(route["tmInterface"]),
                                                 device.version)
    return item


def live_routes(device):
    """What the unit forwards by: the static routes, the self subnets, then what was learnt."""
    table = [live_static(route) for route in device.routes]
    table += [live_connected(entry) for entry in device.self_ips]
    return table + [dict({"name": route["destination"], "type": "gw", "nextHop": "none",
                          "origin": "dynamic"}, **route) for route in device.live_routes]


def live_static(route):
    kinds = {"gw": "gw", "pool": "pool", "tmInterface": "interface", "blackhole": "blackhole"}
    target = next(key for key in kinds if key in route)
    hop = "none" if target == "blackhole" else route[target]
    return {"name": "/%s/%s" % (route.get("partition", "Common"), route["name"]),
            "destination": route["network"], "type": kinds[target], "nextHop": hop,
            "origin": "static"}


def live_connected(entry):
    own, domain = interface(entry["address"])
    network = "%s%s/%d" % (own.network.network_address, domain, own.network.prefixlen)
    return {"name": network, "destination": network, "type": "interface",
            "nextHop": entry.get("vlan", "/Common/internal"), "origin": "connected"}


def self_ips(device):
    return Rows(device.self_ips, lambda entry: self_ip_object(device, entry))


def self_ip_object(device, entry):
    item = head(device, "net/self", entry.get("partition", "Common"), entry["name"],
                device.generation)
    floating = entry.get("floating", False)
    group, vlan = FIRST if floating else LOCAL_ONLY, entry.get("vlan", "/Common/internal")
    own, domain = interface(entry["address"])
    item.update({"address": "%s%s/%d" % (own.ip, domain, own.network.prefixlen),
                 "addressSource": "from-user", "floating": "enabled" if floating else "disabled",
                 "inheritedTrafficGroup": "false", "trafficGroup": group,
                 "trafficGroupReference": reference("cm/traffic-group/" + escape(group),
                                                    device.version),
                 "unit": 1 if floating else 0, "vlan": vlan,
                 "vlanReference": reference("net/vlan/" + escape(vlan), device.version),
                 "allowService": ["default"]})
    return item


def vlan_names(device):
    configured = [raw["name"] for raw in device.configuration["vlans"]]
    used = [entry.get("vlan", "/Common/internal") for entry in device.self_ips]
    return list(dict.fromkeys(configured + used))


def vlans(device):
    tags = {raw["name"]: raw.get("tag") for raw in device.configuration["vlans"]}
    sources = [(name, tags.get(name) or 4093 - number, 96 + 16 * number)
               for number, name in enumerate(vlan_names(device))]
    return Rows(sources, lambda source: vlan_object(device, *source))


def vlan_object(device, path, tag, index):
    partition, _, name = path.strip("/").rpartition("/")
    item = head(device, "net/vlan", partition or "Common", name, 1)
    item.update({"autoLasthop": "default", "cmpHash": "default", "dagTunnel": "outer",
                 "failsafe": "disabled", "ifIndex": index, "mtu": 1500, "tag": tag})
    item["interfacesReference"] = reference("net/vlan/%s/interfaces" % escape(item["fullPath"]),
                                            device.version, True)
    return item


def route_domains(device):
    configured = device.configuration["routeDomains"]
    zero = [] if any(raw["id"] == 0 for raw in configured) else [{"id": 0,
                                                                 "vlans": vlan_names(device)}]
    return Rows(zero + configured, lambda raw: route_domain_object(device, raw))


def route_domain_object(device, raw):
    item = head(device, "net/route-domain", raw.get("partition", "Common"),
                str(raw.get("name", raw["id"])), 1)
    capacity = "infinite" if device.dialect.infinite_capacity else 0
    item.update({"connectionLimit": 0, "id": raw["id"], "strict": raw.get("strict", "enabled"),
                 "throughputCapacity": capacity})
    for key in ("parent", "routingProtocol"):
        if key in raw:
            item[key] = raw[key]
    if raw.get("vlans"):
        item["vlans"] = raw["vlans"]
        item["vlansReference"] = [reference("net/vlan/" + escape(vlan), device.version)
                                  for vlan in raw["vlans"]]
    return item


def routing(device):
    return Rows(ROUTING, lambda name: {"reference": reference("net/routing/" + name,
                                                              device.version)},
                lambda _: None)


def nothing(device):
    return Rows([], dict)


def as_given(key, path):
    """Items that the configuration spells out itself."""
    def rows(device):
        return Rows(device.configuration[key], lambda raw: dict(
            head(device, path, raw.get("partition", "Common"), raw["name"], 1), **raw))
    return rows


def partitions(device):
    configured = [raw["name"] for raw in device.configuration["partitions"]]
    used = [pool.partition for pool in device.pools if not pool.generated]
    used += [pool.partition for pool in device.pools if pool.generated][:1]
    names = dict.fromkeys(["Common", device.partition] + configured + used)
    return Rows(list(names), lambda name: partition_object(device, name), lambda name: name)


def partition_object(device, name):
    item = {"kind": kind("auth/partition") + "state", "name": name, "fullPath": name,
            "generation": 1, "selfLink": link("auth/partition/" + name, device.version),
            "defaultRouteDomain": device.default_route_domain(name)}
    return dict(item, description=COMMON_TEXT) if name == "Common" else item
