# SPDX-License-Identifier: Apache-2.0
"""What lies below /mgmt/tm: collections and single objects; statistics are in measures.py."""

from bigip.configuration import MONITOR_TYPES
from bigip.faults.meaning import regenerated
from bigip.faults.paging import visible
from bigip.rest import errors, gtm, ltm, net, statistics, units, virtuals
from bigip.rest.errors import Answer
from bigip.rest.measures import Measures
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


class Reader(Measures):
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
