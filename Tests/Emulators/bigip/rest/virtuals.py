# SPDX-License-Identifier: Apache-2.0
"""Virtual servers and their addresses as configuration objects."""

from bigip.addresses import without_domain
from bigip.groups import FIRST
from bigip.rest.naming import escape, head, in_partition, reference
from bigip.rest.rows import Rows

WILDCARDS = {"0.0.0.0": "any", "any": "any", "::": "any6", "any6": "any6"}


def partition_of(device, virtual):
    return virtual.get("partition", device.partition)


def path_of(device, virtual):
    folder = partition_of(device, virtual)
    if virtual.get("subPath"):
        folder += "/" + virtual["subPath"]
    return "/%s/%s" % (folder, virtual["name"])


def virtuals(device):
    return Rows(list(enumerate(device.virtuals, 2)),
                lambda pair: virtual_object(device, pair[1], pair[0]))


def virtual_object(device, virtual, number):
    partition, six = partition_of(device, virtual), virtual["destination"].count(":") > 1
    item = head(device, "ltm/virtual", partition, virtual["name"], 1, virtual.get("subPath"))
    item.update({"addressStatus": "yes", "autoLasthop": "default", "cmpEnabled": "yes",
                 "connectionLimit": 0, "destination": "/%s/%s" % (partition,
                                                                  virtual["destination"])})
    item["disabled" if virtual.get("disabled") else "enabled"] = True
    item.update({"gtmScore": 0, "ipProtocol": "tcp", "mask": mask(six), "mirror": "disabled",
                 "nat64": "disabled"})
    item.update(virtual_pool(device, virtual))
    item.update({"rateLimit": "disabled", "serviceDownImmediateAction": "none",
                 "source": "::/0" if six else "0.0.0.0/0",
                 "sourceAddressTranslation": translation(device, virtual),
                 "sourcePort": "preserve", "synCookieStatus": "not-activated",
                 "translateAddress": "enabled", "translatePort": "enabled"})
    item.update(vlans(device, virtual))
    item["vsIndex"] = number
    for name in ("policies", "profiles"):
        path = "ltm/virtual/%s/%s" % (escape(item["fullPath"]), name)
        item[name + "Reference"] = reference(path, device.version, True)
    return item


def mask(six):
    return "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if six else "255.255.255.255"


def translation(device, virtual):
    snat = virtual.get("snat", "none")
    if isinstance(snat, str):
        return {"type": snat}
    result = dict(snat)
    if "pool" in snat:
        result["poolReference"] = reference("ltm/snatpool/" + escape(snat["pool"]), device.version)
    return result


def vlans(device, virtual):
    names = virtual.get("vlans")
    if not names:
        return {"vlansDisabled": True}
    return {"vlansEnabled": True, "vlans": names,
            "vlansReference": [reference("net/vlan/" + escape(name), device.version)
                               for name in names]}


def virtual_pool(device, virtual):
    if not virtual.get("pool"):
        return {}
    pool = device.virtual_pool(virtual)
    name = pool.full_path if pool else in_partition(device, virtual["pool"], virtual)
    return {"pool": name, "poolReference": reference("ltm/pool/" + escape(name), device.version)}


def virtual_addresses(device):
    return Rows(list(device.virtual_addresses.sources),
                lambda pair: virtual_address_object(device, *pair), lambda pair: pair[0])


def virtual_address_object(device, partition, address):
    """The address of a virtual server that listens on all of them is a word."""
    own, path = device.virtual_addresses, "/%s/%s" % (partition, address)
    item = head(device, "ltm/virtual-address", partition, address, own.generations.get(path, 1))
    whole = WILDCARDS.get(without_domain(address))
    six = ":" in address
    item.update({"address": address.replace(without_domain(address), whole) if whole else address,
                 "arp": "enabled", "autoDelete": "true", "connectionLimit": 0, "enabled": "yes",
                 "floating": "enabled", "icmpEcho": "enabled", "inheritedTrafficGroup": "false",
                 "mask": whole or mask(six), "routeAdvertisement": "disabled",
                 "serverScope": "any", "spanning": "disabled", "trafficGroup": FIRST})
    item.update(own.fields(path))
    group = item["trafficGroup"]
    item["trafficGroupReference"] = reference("cm/traffic-group/" + escape(group), device.version)
    item["unit"] = device.groups.unit_of(group)
    return item
