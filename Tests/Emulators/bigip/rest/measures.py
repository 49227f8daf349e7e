# SPDX-License-Identifier: Apache-2.0
"""Statistics below /mgmt/tm: of everything, of one object, and where they mislead.

Two traps of the real thing are kept. `ltm/pool/members/stats` gives pool statistics, of /Common
only; a short pool name (`ltm/pool/x/members/stats`) means /Common/x and gives pool-level
statistics under a kind that promises members.
"""

from bigip.faults.meaning import rekeyed
from bigip.faults.paging import visible
from bigip.groups import LOCAL_ONLY
from bigip.rest import errors, ltm, net, statistics, units, virtuals
from bigip.rest.errors import Answer
from bigip.rest.naming import escape, full_path, kind


class Measures:
    """The part of the reader that answers paths ending in stats, or made of one row."""

    def __init__(self, device):
        self.device = device

    def link(self, path, query):
        version = query.version or self.device.version
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.self_query(version))

    def next_link(self, path, query):
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.next_query(self.device.version))

    def row(self, path, entries, query, of=None):
        return Answer(200, {"kind": kind(of or path) + "stats", "selfLink": self.link(path, query),
                            "entries": entries(self.device, query.flags)})

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
            return self.row(path + "/stats", units.STATISTICS[path], query, "/".join(segments[:2]))
        if segments[:2] == ["cm", "traffic-group"]:
            return self.group_statistics(segments[2:], query)
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

    def group_statistics(self, names, query):
        """Of every group, or of one; what does not float has no entries."""
        paths, own = self.device.groups.paths, "cm/traffic-group"
        if not names:
            rows = units.group_rows(self.device, query.flags, paths)
            return self.statistics(own + "/stats", kind(own) + "collectionstats", rows, query)
        wanted = full_path(names[0])
        if len(names) > 1:
            return None
        if wanted not in paths + [LOCAL_ONLY]:
            return errors.not_found("traffic group", wanted)
        rows = units.group_rows(self.device, query.flags, [wanted] if wanted in paths else [])
        return self.statistics("%s/%s/stats" % (own, escape(wanted)), kind(own) + "stats", rows,
                               query)

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

    def member_statistics(self, pool, name, path, query):
        if name.startswith("~") and "pool-level" not in query.flags:
            rows = statistics.member_table(self.device).rows(pool.members)
            return self.statistics(path, "tm:ltm:pool:members:memberscollectionstats", rows, query)
        table = statistics.pool_table(self.device, path_form="ltm/pool/members/%s")
        return self.statistics(path, "tm:ltm:pool:members:membersstats", table.rows([pool]), query)

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
