# SPDX-License-Identifier: Apache-2.0
"""Statistics of pools, members, nodes and virtual servers, as iControl REST nests them.

Entries are keyed by https://localhost URLs, each with nestedStats of value or description.
"""

from bigip.rest.naming import escape, link
from bigip.rest.rows import Rows
from bigip.rest.virtuals import path_of

CONNECTION_QUEUE = ("ageEdm", "ageEma", "ageHead", "ageMax", "depth", "serviced")
TRAFFIC = ("bitsIn", "bitsOut", "curConns", "maxConns", "pktsIn", "pktsOut", "totConns")
CLIENT_TRAFFIC = TRAFFIC[:3] + ("evictedConns",) + TRAFFIC[3:6] + ("slowKilled", "totConns")
SYN_COOKIE = ("accepts", "hwAccepts", "hwSyncookies", "hwsyncookieInstance", "rejects",
              "swsyncookieInstance", "syncacheCurr", "syncacheOver", "syncookies")
MESSAGES = ("msgIn", "msgOut", "reqIn", "reqOut", "respIn", "respOut")
ZERO = {"value": 0}


def value(number):
    return {"value": number}


def text(words):
    return {"description": words}


def zeros(prefix, names):
    return {"%s.%s" % (prefix, name): ZERO for name in names}


def status(availability, enabled, reason):
    return {"status.availabilityState": text(availability), "status.enabledState": text(enabled),
            "status.statusReason": text(reason)}


def entry(key, self_link, kind, entries, version):
    """One keyed entry; `key` and `self_link` are paths below /mgmt/tm, without query."""
    return {"https://localhost/mgmt/tm/" + key: {"nestedStats": {
        "kind": kind, "selfLink": link(self_link, version), "entries": entries}}}


class Table:
    """Rows whose items are entries; `single` when the path names one object."""

    def __init__(self, device, path_of, entries, kind, single=False):
        self.device, self.path_of, self.entries = device, path_of, entries
        self.kind, self.single = kind, single

    def make(self, source):
        key, own = self.device.dialect.statistics_path(self.path_of(source), self.single)
        return entry(key, own, self.kind, self.entries(self.device, source), self.device.version)

    def rows(self, sources, partition_of=lambda source: source.partition):
        return Rows(sources, self.make, partition_of)


def message_counters(device):
    return zeros("mr", MESSAGES) if device.dialect.message_routing else {}


def member_entries(device, member):
    standing = member.standing()
    entries = {"addr": text(member.statistics_address)}
    entries.update(zeros("connq", CONNECTION_QUEUE))
    rule = member.pool.statistics_rule
    entries.update({"curSessions": ZERO,
                    "monitorRule": text(rule + " (pool monitor)" if member.pool.rule else "none"),
                    "monitorStatus": text(standing["monitorStatus"])})
    entries.update(message_counters(device))
    entries.update({"nodeName": text(member.node_path), "poolName": text(member.pool.full_path),
                    "port": value(member.port)})
    entries.update(zeros("serverside", TRAFFIC))
    entries["sessionStatus"] = text(standing["sessionStatus"])
    entries.update(status(standing["availability"], standing["enabled"], standing["reason"]))
    entries["totRequests"] = ZERO
    return entries


def member_path(member):
    return "ltm/pool/%s/members/%s" % (escape(member.pool.full_path), escape(member.full_path))


def member_table(device, single=False):
    return Table(device, member_path, member_entries, "tm:ltm:pool:members:membersstats", single)


def pool_entries(device, pool):
    active, available, members = pool.counts()
    entries = {"activeMemberCnt": value(active)}
    if device.dialect.available_count:
        entries["availableMemberCnt"] = value(available)
    entries.update(zeros("connqAll", CONNECTION_QUEUE))
    entries.update(zeros("connq", CONNECTION_QUEUE))
    if device.dialect.priority_groups:
        entries.update({"curPriogrp": ZERO, "highestPriogrp": ZERO, "lowestPriogrp": ZERO})
    entries.update({"curSessions": ZERO, "memberCnt": value(members),
                    "minActiveMembers": value(pool.raw.get("minActiveMembers", 0)),
                    "monitorRule": text(pool.statistics_rule), "tmName": text(pool.full_path)})
    entries.update(message_counters(device))
    entries.update(zeros("serverside", TRAFFIC))
    entries.update(status(*pool.status()))
    entries["totRequests"] = ZERO
    return entries


def pool_table(device, single=False, path_form="ltm/pool/%s"):
    return Table(device, lambda pool: path_form % escape(pool.full_path), pool_entries,
                 "tm:ltm:pool:poolstats", single)


def virtual_entries(device, virtual):
    entries = zeros("clientside", CLIENT_TRAFFIC)
    entries.update({"cmpEnableMode": text("all-cpus"), "cmpEnabled": text("enabled"),
                    "csMaxConnDur": ZERO, "csMeanConnDur": ZERO, "csMinConnDur": ZERO,
                    "destination": text(virtual["destination"])})
    entries.update(zeros("ephemeral", CLIENT_TRAFFIC))
    entries.update({"fiveMinAvgUsageRatio": ZERO, "fiveSecAvgUsageRatio": ZERO})
    entries.update(message_counters(device))
    entries.update({"tmName": text(path_of(device, virtual)), "oneMinAvgUsageRatio": ZERO})
    entries.update(status(*device.virtual_status(virtual)))
    entries["syncookieStatus"] = text("not-activated")
    entries.update(zeros("syncookie", SYN_COOKIE))
    entries["totRequests"] = ZERO
    return entries


def virtual_rows(device, virtuals, single=False):
    table = Table(device, lambda virtual: "ltm/virtual/" + escape(path_of(device, virtual)),
                  virtual_entries, "tm:ltm:virtual:virtualstats", single)
    return table.rows(virtuals, lambda virtual: virtual.get("partition", device.partition))


def node_rows(device, nodes, node_of, single=False):
    table = Table(device, lambda source: "ltm/node/" + escape(node_path(node_of(source))),
                  lambda _, source: node_entries(*node_of(source)), "tm:ltm:node:nodestats",
                  single)
    return table.rows(nodes)


def node_path(described):
    return "/%s/%s" % (described[1], described[0])


def node_entries(name, partition, address, node):
    monitor, session, *standing = node.statistics
    entries = {"addr": text(address), "curSessions": ZERO, "monitorRule": text("none"),
               "monitorStatus": text(monitor), "tmName": text("/%s/%s" % (partition, name))}
    entries.update(zeros("serverside", TRAFFIC))
    entries["sessionStatus"] = text(session)
    entries.update(status(*standing))
    entries["totRequests"] = ZERO
    return entries


def route_rows(device, routes):
    table = Table(device, lambda route: "net/route/" + escape(route["name"]),
                  lambda _, route: route_entries(route), "tm:net:route:routestats")
    return table.rows(routes, lambda route: "Common")


def route_entries(route):
    return {"name": text(route["name"]), "destination": text(route["destination"]),
            "type": text(route["type"]), "nextHop": text(route["nextHop"]),
            "origin": text(route["origin"])}
