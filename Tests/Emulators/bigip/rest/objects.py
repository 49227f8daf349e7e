# SPDX-License-Identifier: Apache-2.0
"""Configuration objects as iControl REST 13.1 writes them.

The functions in the plural take the device and give the items of one collection.
"""

import ipaddress


def escape(full_path):
    """/K8S/10.16.3.7%0:80 to ~K8S~10.16.3.7%250:80, as it stands in paths, keys and selfLinks."""
    return full_path.replace("%", "%25").replace("/", "~").replace(" ", "%20")


def link(path, version):
    return "https://localhost/mgmt/tm/%s?ver=%s" % (path, version)


def reference(path, version, collection=False):
    return dict({"link": link(path, version)}, **({"isSubcollection": True} if collection else {}))


def kind(path):
    return "tm:%s:%s" % (path.replace("/", ":"), path.rsplit("/", 1)[-1])


def head(device, path, partition, name, generation):
    """The six fields every object begins with."""
    full_path = "/%s/%s" % (partition, name)
    return {"kind": kind(path) + "state", "name": name, "partition": partition,
            "fullPath": full_path,
            "generation": generation, "selfLink": link("%s/%s" % (path, escape(full_path)),
                                                       device.version)}


def pools(device):
    return [pool_object(device, pool) for pool in device.pools]


def pool_object(device, pool):
    item = head(device, "ltm/pool", pool.partition, pool.name, pool.generation)
    item.update({"allowNat": "yes", "allowSnat": "yes", "ignorePersistedWeight": "disabled",
                 "ipTosToClient": "pass-through", "ipTosToServer": "pass-through",
                 "linkQosToClient": "pass-through",
                 "linkQosToServer": "pass-through", "loadBalancingMode": "round-robin",
                 "minActiveMembers": 0,
                 "minUpMembers": 0, "minUpMembersAction": "failover",
                 "minUpMembersChecking": "disabled"})
    if pool.monitored:
        item["monitor"] = device.monitor["name"]
    item.update({"queueDepthLimit": 0, "queueOnConnectionLimit": "disabled", "queueTimeLimit": 0,
                 "reselectTries": 0,
                 "serviceDownAction": "none", "slowRampTime": 10})
    item["membersReference"] = reference("ltm/pool/%s/members" % escape(pool.full_path),
                                         device.version, True)
    return item


def members(device, pool):
    return [member_object(device, member) for member in pool.members]


def member_object(device, member):
    item = head(device, "ltm/pool/members", member.partition, member.name, member.pool.generation)
    path = "ltm/pool/%s/members/%s" % (escape(member.pool.full_path), escape(member.full_path))
    item.update({"selfLink": link(path, device.version), "address": member.address,
                 "connectionLimit": 0,
                 "dynamicRatio": 1, "ephemeral": "false", "fqdn": {"autopopulate": "disabled"},
                 "inheritProfile": "enabled", "logging": "disabled", "monitor": "default",
                 "priorityGroup": 0,
                 "rateLimit": "disabled", "ratio": 1, "session": member.config_session,
                 "state": member.config_state})
    return item


def nodes(device):
    found = {(m.partition, m.node_name): m for m in device.members()}
    return [node_object(device, member) for member in found.values()]


def node_object(device, member):
    item = head(device, "ltm/node", member.partition, member.node_name, 1)
    item.update({"address": member.address, "connectionLimit": 0, "dynamicRatio": 1,
                 "ephemeral": "false",
                 "fqdn": {"addressFamily": "ipv4", "autopopulate": "disabled", "downInterval": 5,
                          "interval": "3600"},
                 "logging": "disabled", "monitor": "default", "rateLimit": "disabled", "ratio": 1,
                 "session": "user-enabled", "state": "unchecked"})
    return item


def virtuals(device):
    return [virtual_object(device, virtual, number)
            for number, virtual in enumerate(device.virtuals, 2)]


def virtual_object(device, virtual, number):
    item = head(device, "ltm/virtual", device.partition, virtual["name"], 1)
    item.update({"addressStatus": "yes", "autoLasthop": "default", "cmpEnabled": "yes",
                 "connectionLimit": 0,
                 "destination": "/%s/%s" % (device.partition, virtual["destination"])})
    item["disabled" if virtual.get("disabled") else "enabled"] = True
    item.update({"gtmScore": 0, "ipProtocol": "tcp", "mask": "255.255.255.255",
                 "mirror": "disabled", "nat64": "disabled"})
    item.update(virtual_pool(device, virtual))
    item.update({"rateLimit": "disabled", "serviceDownImmediateAction": "none",
                 "source": "0.0.0.0/0",
                 "sourceAddressTranslation": {"type": virtual.get("snat", "none")},
                 "sourcePort": "preserve",
                 "synCookieStatus": "not-activated", "translateAddress": "enabled",
                 "translatePort": "enabled",
                 "vlansDisabled": True, "vsIndex": number})
    for name in ("policies", "profiles"):
        path = "ltm/virtual/%s/%s" % (escape(item["fullPath"]), name)
        item[name + "Reference"] = reference(path, device.version, True)
    return item


def virtual_pool(device, virtual):
    if not virtual.get("pool"):
        return {}
    name = virtual["pool"]
    if not name.startswith("/"):
        name = "/%s/%s" % (device.partition, name)
    return {"pool": name, "poolReference": reference("ltm/pool/" + escape(name), device.version)}


def virtual_addresses(device):
    addresses = dict.fromkeys(split_destination(v["destination"])[0] for v in device.virtuals)
    return [virtual_address_object(device, address) for address in addresses]


def split_destination(text):
    """10.50.0.10:80 and 2001:db8::28.8080 to (address, port)."""
    address, _, port = text.rpartition("." if text.count(":") > 1 else ":")
    return address, port


def virtual_address_object(device, address):
    item = head(device, "ltm/virtual-address", device.partition, address, 1)
    item.update({"address": address, "arp": "enabled", "autoDelete": "true", "connectionLimit": 0,
                 "enabled": "yes",
                 "floating": "enabled", "icmpEcho": "enabled", "inheritedTrafficGroup": "false",
                 "mask": "any6" if ":" in address else "255.255.255.255",
                 "routeAdvertisement": "disabled",
                 "serverScope": "any", "spanning": "disabled",
                 "trafficGroup": "/Common/traffic-group-1",
                 "trafficGroupReference": reference("cm/traffic-group/~Common~traffic-group-1",
                                                    device.version), "unit": 1})
    return item


def monitors(device):
    partition, name = device.monitor["name"].strip("/").split("/", 1)
    item = head(device, "ltm/monitor/http", partition, name, 0)
    shown = device.monitor["send"].replace("\r", "\\r").replace("\n", "\\n")
    item.update({"adaptive": "disabled", "destination": "*:*",
                 "interval": device.monitor["interval"],
                 "ipDscp": 0, "manualResume": "disabled", "recv": device.monitor["recv"],
                 "reverse": "disabled",
                 "send": shown, "timeUntilUp": 0, "timeout": device.monitor["timeout"],
                 "transparent": "disabled",
                 "upInterval": 0})
    return [item]


def routes(device):
    return [route_object(device, route) for route in device.routes]


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


def self_ips(device):
    return [self_ip_object(device, entry) for entry in device.self_ips]


def self_ip_object(device, entry):
    item = head(device, "net/self", "Common", entry["name"], device.generation)
    group, vlan = "/Common/traffic-group-local-only", entry.get("vlan", "/Common/internal")
    item.update({"address": str(ipaddress.ip_interface(entry["address"])),
                 "addressSource": "from-user",
                 "floating": "disabled", "inheritedTrafficGroup": "false", "trafficGroup": group,
                 "trafficGroupReference": reference("cm/traffic-group/" + escape(group),
                                                    device.version), "unit": 0,
                 "vlan": vlan, "vlanReference": reference("net/vlan/" + escape(vlan),
                                                          device.version),
                 "allowService": ["default"]})
    return item


def route_domains(device):
    vlans = list(dict.fromkeys(entry.get("vlan", "/Common/internal") for entry in device.self_ips))
    item = head(device, "net/route-domain", "Common", "0", 1)
    item.update({"connectionLimit": 0, "id": 0, "strict": "enabled", "throughputCapacity": 0,
                 "vlans": vlans,
                 "vlansReference": [reference("net/vlan/" + escape(vlan), device.version)
                                    for vlan in vlans]})
    return [item]


def partitions(device):
    texts = {"Common": "Repository for system objects and shared objects."}
    return [partition_object(device, name, texts.get(name, ""))
            for name in dict.fromkeys(("Common", device.partition))]


def partition_object(device, name, text):
    item = {"kind": "tm:auth:partition:partitionstate", "name": name, "fullPath": name,
            "generation": 1,
            "selfLink": link("auth/partition/" + name, device.version), "defaultRouteDomain": 0}
    return dict(item, description=text) if text else item


def devices(device, standby=False):
    item = head(device, "cm/device", "Common", device.hostname, 1)
    item.update({"activeModules": [], "baseMac": "02:00:00:00:00:01", "build": "0.0.4",
                 "chassisType": "individual",
                 "configsyncIp": "none", "edition": "Point Release 0", 
                 "failoverState": "standby" if standby else "active",
                 "haCapacity": 0, "hostname": device.hostname, "managementIp": "192.0.2.10",
                 "mirrorIp": "any6",
                 "platformId": "A112", "product": "BIG-IP", "selfDevice": "true", "timeZone": "UTC",
                 "version": device.version})
    return [item]
