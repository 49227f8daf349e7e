# SPDX-License-Identifier: Apache-2.0
"""Pools, members, nodes and monitors as configuration objects.

The functions in the plural take the device and give the rows of one collection.
"""

from bigip.rest.naming import escape, head, link, reference
from bigip.rest.rows import Joined, Rows

AS_GIVEN = ("priorityGroup", "connectionLimit", "ratio", "description")
MONITOR_FIELDS = ("send", "recv", "defaultsFrom", "destination", "username", "cert")


def pools(device):
    return Rows(device.pools, lambda pool: pool_object(device, pool), lambda pool: pool.partition)


def pool_object(device, pool):
    item = head(device, "ltm/pool", pool.partition, pool.name, pool.generation, pool.sub_path)
    item.update({"allowNat": "yes", "allowSnat": "yes", "ignorePersistedWeight": "disabled",
                 "ipTosToClient": "pass-through", "ipTosToServer": "pass-through",
                 "linkQosToClient": "pass-through", "linkQosToServer": "pass-through",
                 "loadBalancingMode": pool.raw.get("loadBalancingMode", "round-robin"),
                 "minActiveMembers": pool.raw.get("minActiveMembers", 0),
                 "minUpMembers": 0, "minUpMembersAction": "failover",
                 "minUpMembersChecking": "disabled"})
    if pool.rule:
        item["monitor"] = pool.rule + device.dialect.space
    item.update({"queueDepthLimit": 0, "queueOnConnectionLimit": "disabled", "queueTimeLimit": 0,
                 "reselectTries": 0, "serviceDownAction": "none", "slowRampTime": 10})
    item["membersReference"] = reference("ltm/pool/%s/members" % escape(pool.full_path),
                                         device.version, True)
    return item


def members(device, pool):
    return Rows(pool.members, lambda member: member_object(device, member),
                lambda member: member.partition)


def member_object(device, member):
    standing = member.standing()
    item = head(device, "ltm/pool/members", member.partition, member.name, member.pool.generation)
    path = "ltm/pool/%s/members/%s" % (escape(member.pool.full_path), escape(member.full_path))
    item.update({"selfLink": link(path, device.version), "address": member.address,
                 "connectionLimit": 0, "dynamicRatio": 1})
    if device.dialect.has_fqdn:
        item.update({"ephemeral": member.ephemeral, "fqdn": member.fqdn})
    item.update({"inheritProfile": "enabled", "logging": "disabled", "monitor": "default",
                 "priorityGroup": 0, "rateLimit": "disabled", "ratio": 1,
                 "session": standing["session"], "state": standing["state"]})
    item.update({key: member.options[key] for key in AS_GIVEN if key in member.options})
    if device.dialect.name_reference:
        item["nameReference"] = reference("ltm/node/" + escape(member.node_path), device.version)
    if device.dialect.profiles and "profiles" in member.options:
        item["profiles"] = member.options["profiles"]
    return item


def nodes(device):
    """Nodes of members, then those of generated members, thought up as they are."""
    layouts = {id(pool.layout): pool.layout for pool in device.pools if pool.generated}
    generated = [pool.members for pool in device.pools if pool.generated and layouts]
    return Joined([device.current_nodes()] + generated)


def node_objects(device):
    return Rows(nodes(device), lambda source: node_object(device, *node_of(source)),
                lambda source: source.partition)


def node_of(source):
    """(name, partition, node): a generated member stands for its own node."""
    if hasattr(source, "pool"):
        return source.node_name, source.partition, source.address, source.node
    return source.name, source.partition, source.address, source


def node_object(device, name, partition, address, node):
    session, state, monitor = node.config
    item = head(device, "ltm/node", partition, name, 1)
    item.update({"address": address, "connectionLimit": 0, "dynamicRatio": 1})
    if device.dialect.has_fqdn:
        item.update({"ephemeral": "true" if name.startswith("_auto_") else "false",
                     "fqdn": {"addressFamily": "ipv4", "autopopulate": "disabled",
                              "downInterval": 5, "interval": "3600"}})
    item.update({"logging": "disabled", "monitor": monitor, "rateLimit": "disabled", "ratio": 1,
                 "session": session, "state": state})
    return item


def monitors(monitor_type):
    def of_type(device):
        sources = [each for each in [device.monitor] + device.configuration["monitors"]
                   if each["type"] == monitor_type]
        return Rows(sources, lambda raw: monitor_object(device, raw))
    return of_type


def monitor_object(device, raw):
    partition, name = raw["name"].strip("/").split("/", 1)
    item = head(device, "ltm/monitor/" + raw["type"], partition, name, 0)
    item.update({"adaptive": "disabled", "destination": "*:*", "interval": raw["interval"],
                 "ipDscp": 0, "manualResume": "disabled", "reverse": "disabled", "timeUntilUp": 0,
                 "timeout": raw["timeout"], "transparent": "disabled", "upInterval": 0})
    if "icmp" not in raw["type"] and raw["type"] != "tcp-half-open":
        item.update({"recv": raw["recv"], "send": shown(raw["send"])})
    for key in MONITOR_FIELDS[2:]:
        if key in raw:
            item[key] = raw[key]
    return item


def shown(text):
    return text.replace("\r", "\\r").replace("\n", "\\n")
