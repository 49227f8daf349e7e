# SPDX-License-Identifier: Apache-2.0
"""What lies below /mgmt/tm: collections, single objects, statistics.

Two traps of the real thing are kept. `ltm/pool/members/stats` gives pool statistics, of /Common
only; a short pool name (`ltm/pool/x/members/stats`) means /Common/x and gives pool-level
statistics under a kind that promises members.
"""

from bigip.configuration import MONITOR_TYPES
from bigip.faults.meaning import regenerated, rekeyed
from bigip.faults.paging import visible
from bigip.rest import errors, gtm, ltm, net, statistics, units, virtuals
from bigip.rest.errors import Answer
from bigip.rest.naming import escape, full_path, kind

COLLECTIONS = {
    "ltm/pool": (ltm.pools, "Pool"), "ltm/node": (ltm.node_objects, "Node"),
    "ltm/virtual": (virtuals.virtuals, "Virtual Server"),
    "ltm/virtual-address": (virtuals.virtual_addresses, "Virtual Address"),
    "net/route": (net.routes, "Route"), "net/self": (net.self_ips, "Self IP"),
    "net/vlan": (net.vlans, "VLAN"), "net/route-domain": (net.route_domains, "Route Domain"),
    "net/routing": (net.routing, "routing"),
    "net/arp": (net.as_given("arp", "net/arp"), "ARP"),
    "net/fdb/tunnel": (net.as_given("fdb", "net/fdb/tunnel"), "FDB"),
    "auth/partition": (net.partitions, "folder"),
    "cm/traffic-group": (units.traffic_groups, "traffic group"),
    "cm/device-group": (units.device_groups, "device group"),
    "sys/cluster": (units.cluster, "cluster"),
}
COLLECTIONS.update({"ltm/monitor/" + each: (ltm.monitors(each), "Monitor")
                    for each in MONITOR_TYPES})
COLLECTIONS.update({"net/routing/" + each: (net.nothing, "routing") for each in net.ROUTING})


class Reader:
    def __init__(self, device):
        self.device = device

    def find(self, segments, query):
        path = "/".join(segments)
        if segments[-1] == "available":
            return Answer(200, {})
        if segments[0] == "gtm":
            return gtm.find(self, segments, query)
        if path in units.SINGLE:
            return self.row(path, units.SINGLE[path], query)
        if path == "sys/failover":
            return Answer(200, dict({"kind": kind(path) + "stats", "selfLink": self.link(
                path, query)}, **units.failover_text(self.device, query.flags)))
        if path in COLLECTIONS or path == "cm/device":
            return self.collection(path, kind(path), self.rows(path, query), query)
        if segments[-1] == "stats":
            return self.any_statistics(segments[:-1], query)
        if segments[:2] == ["ltm", "pool"] and len(segments) > 3:
            return self.below_pool(segments[2], segments[3:], query)
        return self.single("/".join(segments[:-1]), segments[-1], query)

    def rows(self, path, query):
        if path == "cm/device":
            return units.devices(self.device, query.flags)
        return COLLECTIONS[path][0](self.device)

    def link(self, path, query):
        version = query.version or self.device.version
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.self_query(version))

    def next_link(self, path, query):
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.next_query(self.device.version))

    def row(self, path, entries, query):
        return Answer(200, {"kind": kind(path) + "stats", "selfLink": self.link(path, query),
                            "entries": entries(self.device, query.flags)})

    def collection(self, path, kind_prefix, rows, query):
        """`items` is left out when there are none; page fields come with a page only."""
        if query.partition:
            rows = rows.only(query.partition)
        rows = visible(rows, query.flags)
        shown = query.page(rows)
        body = {"kind": kind_prefix + "collectionstate", "selfLink": self.link(path, query)}
        if query.paged:
            body.update(query.page_fields(len(shown), len(rows)))
        if query.has_more(len(rows)):
            body["nextLink"] = self.next_link(path, query)
        if shown:
            body["items"] = [query.selected(self.expanded(item, query)) for item in shown]
        return Answer(200, body)

    def expanded(self, item, query):
        regenerated(item, query.flags)
        if query.expand and "membersReference" in item and item["kind"].startswith("tm:ltm"):
            rows = visible(ltm.members(self.device, self.device.find_pool(item["fullPath"])),
                           query.flags)
            inner = [regenerated(each, query.flags) for each in rows.items(rows.sources)]
            item["membersReference"].update({"items": inner} if inner else {})
        return item

    def single(self, path, name, query):
        if path not in COLLECTIONS and path != "cm/device":
            return None
        wanted = name if path == "auth/partition" else full_path(name)
        rows = visible(self.rows(path, query), query.flags)
        for source in rows.sources:
            if getattr(source, "full_path", wanted) != wanted:
                continue
            item = rows.make(source)
            if item.get("fullPath") == wanted:
                item["selfLink"] = self.link("%s/%s" % (path, escape(wanted)), query)
                return Answer(200, query.selected(self.expanded(item, query)))
        return errors.not_found(COLLECTIONS.get(path, (None, "device"))[1], wanted)

    def statistics(self, path, kind_text, rows, query):
        """`entries` is left out when there are none. Filters do nothing here, pages do."""
        rows = visible(rows, query.flags)
        body = {"kind": kind_text, "selfLink": self.link(path, query)}
        if query.has_more(len(rows)):
            body["nextLink"] = self.next_link(path, query)
        entries = {}
        for made in query.page(rows):
            entries.update(made)
        if entries:
            body["entries"] = rekeyed(entries, query.flags)
        return Answer(200, body)

    def any_statistics(self, segments, query):
        path, name = "/".join(segments), segments[-1]
        if path in units.STATISTICS:
            return self.row(path + "/stats", units.STATISTICS[path], query)
        if path == "net/route":
            return self.statistics("net/route/stats", "tm:net:route:routecollectionstats",
                                   statistics.route_rows(self.device, net.live_routes(self.device)),
                                   query)
        if path in ("ltm/pool", "ltm/virtual", "ltm/node"):
            return self.all_statistics(path, query)
        if path == "ltm/pool/members":
            return self.trap(query)
        if segments[:2] == ["ltm", "pool"] and len(segments) > 2:
            return self.below_pool(segments[2], segments[3:] + ["stats"], query)
        if segments[:2] == ["ltm", "virtual"] and len(segments) == 3:
            return self.one_virtual(full_path(name), query)
        if segments[:2] == ["ltm", "node"] and len(segments) == 3:
            return self.one_node(full_path(name), query)
        return None

    def all_statistics(self, path, query):
        device = self.device
        makers = {"ltm/pool": lambda: statistics.pool_table(device).rows(device.pools),
                  "ltm/virtual": lambda: statistics.virtual_rows(device, device.virtuals),
                  "ltm/node": lambda: statistics.node_rows(device, ltm.nodes(device), ltm.node_of)}
        return self.statistics(path + "/stats", kind(path) + "collectionstats", makers[path](),
                               query)

    def trap(self, query):
        common = [pool for pool in self.device.pools if pool.partition == "Common"]
        table = statistics.pool_table(self.device, path_form="ltm/pool/members/%s")
        return self.statistics("ltm/pool/members/stats",
                               "tm:ltm:pool:members:memberscollectionstats", table.rows(common),
                               query)

    def below_pool(self, name, rest, query):
        wanted = full_path(name)
        pool = next((p for p in self.device.pools if p.full_path == wanted), None)
        if pool is None:
            return errors.not_found("Pool", wanted)
        path = "ltm/pool/%s" % escape(name)
        if rest == ["stats"]:
            return self.statistics(path + "/stats", "tm:ltm:pool:poolstats",
                                   statistics.pool_table(self.device, True).rows([pool]), query)
        if rest == ["members"]:
            return self.collection(path + "/members", "tm:ltm:pool:members:members",
                                   ltm.members(self.device, pool), query)
        if rest == ["members", "stats"]:
            return self.member_statistics(pool, name, path + "/members/stats", query)
        return self.member(pool, rest, path, query) if rest[0] == "members" else None

    def member_statistics(self, pool, name, path, query):
        if name.startswith("~") and "pool-level" not in query.flags:
            rows = statistics.member_table(self.device).rows(pool.members)
            return self.statistics(path, "tm:ltm:pool:members:memberscollectionstats", rows, query)
        table = statistics.pool_table(self.device, path_form="ltm/pool/members/%s")
        return self.statistics(path, "tm:ltm:pool:members:membersstats", table.rows([pool]), query)

    def member(self, pool, rest, path, query):
        wanted = full_path(rest[1])
        own = "%s/members/%s" % (path, escape(rest[1]))
        for member in pool.members:
            if member.full_path == wanted:
                return self.one_member(member, rest[2:], own, query)
        node, _, port = wanted.rpartition(":")
        if "missing-member" in query.flags and not rest[2:]:
            name = wanted.rsplit("/", 1)[-1]
            return Answer(200, {"kind": "tm:ltm:pool:members:membersstate", "name": name,
                                "fullPath": wanted, "generation": 0,
                                "selfLink": self.link(own, query)})
        return errors.not_found("Pool Member", "%s %s %s" % (pool.full_path, node, port))

    def one_member(self, member, rest, path, query):
        if not rest:
            item = regenerated(ltm.member_object(self.device, member), query.flags)
            return Answer(200, query.selected(dict(item, selfLink=self.link(path, query))))
        if rest != ["stats"]:
            return None
        rows = statistics.member_table(self.device, True).rows([member])
        return self.statistics(path + "/stats", "tm:ltm:pool:members:membersstats", rows, query)

    def one_virtual(self, wanted, query):
        for virtual in self.device.virtuals:
            if virtuals.path_of(self.device, virtual) == wanted:
                rows = statistics.virtual_rows(self.device, [virtual], True)
                return self.statistics("ltm/virtual/%s/stats" % escape(wanted),
                                       "tm:ltm:virtual:virtualstats", rows, query)
        return errors.not_found("Virtual Server", wanted)

    def one_node(self, wanted, query):
        for source in ltm.nodes(self.device):
            if statistics.node_path(ltm.node_of(source)) == wanted:
                rows = statistics.node_rows(self.device, [source], ltm.node_of, True)
                return self.statistics("ltm/node/%s/stats" % escape(wanted),
                                       "tm:ltm:node:nodestats", rows, query)
        return errors.not_found("Node", wanted)
