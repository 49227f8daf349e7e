# SPDX-License-Identifier: Apache-2.0
"""What lies below /mgmt/tm/gtm: objects, and statistics keyed the other way round.

A member is configured as server:virtual and its statistics are keyed virtual:server. Before 12.0
wide IPs and pools had no types.
"""

from bigip.rest import errors
from bigip.rest.naming import escape, full_path, head, reference
from bigip.rest.rows import Rows
from bigip.rest.statistics import ZERO, entry, status, text

COUNTERS = ("alternate", "dropped", "fallback", "preferred", "returnFromDns", "returnToDns")


def find(reader, segments, query):
    """The answer, or None for a path that is not there."""
    traffic, device = reader.device.traffic, reader.device
    if traffic.absent:
        return None
    below = segments[1:]
    if below[:1] == ["server"]:
        return servers(reader, below[1:], query)
    if below[:1] not in (["wideip"], ["pool"]):
        return None
    if device.dialect.typed_gtm:
        if len(below) < 2 or below[1] not in ("a", "aaaa", "cname", "mx", "naptr", "srv"):
            return None
        return typed(reader, below[0], below[1], below[2:], query)
    return typed(reader, below[0], None, below[1:], query)


def typed(reader, what, record, rest, query):
    """Below gtm/wideip/a, gtm/pool/aaaa and their like; `record` is None where types are not."""
    path = "gtm/" + what + ("/" + record if record else "")
    traffic = reader.device.traffic
    given = traffic.wide_ips if what == "wideip" else traffic.pools
    sources = [each for each in given if record in (None, each.get("type", "a"))]
    make = {"wideip": wide_ip_object, "pool": pool_object}[what]
    rows = Rows(sources, lambda raw: make(reader.device, path, raw))
    if not rest:
        return reader.collection(path, kind(path), rows, query)
    if rest == ["stats"]:
        return statistics(reader, what, path, sources, query)
    wanted = full_path(rest[0])
    source = next((each for each in sources if path_of(each) == wanted), None)
    if source is None:
        return errors.not_found("GTM object", wanted)
    if rest[1:] == ["stats"]:
        return statistics(reader, what, path, [source], query, "/" + escape(wanted))
    if what == "pool" and rest[1:2] == ["members"]:
        return members(reader, path, source, rest[2:], query)
    if rest[1:]:
        return None
    return errors.Answer(200, query.selected(rows.make(source)))


def kind(path):
    return "tm:%s:%s" % (path.replace("/", ":"), path.rsplit("/", 1)[-1])


def members_kind(path):
    return "tm:%s:members:members" % path.replace("/", ":")


def path_of(raw):
    return "/%s/%s" % (raw.get("partition", "Common"), raw["name"])


def wide_ip_object(device, path, raw):
    item = head(device, path, raw.get("partition", "Common"), raw["name"], 1)
    item["disabled" if raw.get("disabled") else "enabled"] = True
    item.update({"minimalResponse": "enabled", "persistence": "disabled",
                 "poolLbMode": "round-robin", "ttlPersistence": 3600})
    if raw.get("pools"):
        below = path.replace("wideip", "pool")
        item["pools"] = [{"name": name, "partition": "Common", "order": order, "ratio": 1,
                          "nameReference": reference("%s/~Common~%s" % (below, escape(name)),
                                                     device.version)}
                         for order, name in enumerate(raw["pools"])]
    return item


def pool_object(device, path, raw):
    item = head(device, path, raw.get("partition", "Common"), raw["name"], 1)
    item["disabled" if raw.get("disabled") else "enabled"] = True
    item.update({"alternateMode": "round-robin", "fallbackMode": "return-to-dns",
                 "loadBalancingMode": "round-robin", "maxAnswersReturned": 1,
                 "monitor": raw.get("monitor", "default"), "ttl": raw.get("ttl", 30),
                 "verifyMemberAvailability": "enabled"})
    item["membersReference"] = reference("%s/%s/members" % (path, escape(path_of(raw))),
                                         device.version, True)
    return item


def statistics(reader, what, path, sources, query, below=""):
    """13.1's keys: …/a/~Common~x/~Common~x:A/stats"""
    device, traffic = reader.device, reader.device.traffic
    record = (path.split("/") + ["a"])[2].upper()
    name, record_field = ("wipName", "wipType") if what == "wideip" else ("poolName", "poolType")
    state = traffic.wide_ip_status if what == "wideip" else traffic.pool_status

    def make(raw):
        own = escape(path_of(raw))
        key = "%s/%s/%s:%s/stats" % (path, own, own, record)
        fields = {counter: ZERO for counter in COUNTERS}
        fields.update({name: text(path_of(raw)), record_field: text(record)})
        fields.update(status(*state(raw)))
        return entry(key, key, kind(path) + "stats", fields, device.version)

    return reader.statistics(path + below + "/stats", kind(path) + "collectionstats",
                             Rows(sources, make, lambda raw: raw.get("partition", "Common")),
                             query)


def members(reader, path, pool, rest, query):
    own = "%s/%s/members" % (path, escape(path_of(pool)))
    device = reader.device
    sources = pool.get("members", [])
    rows = Rows(sources, lambda name: member_object(device, path, own, name),
                lambda name: "Common")
    if not rest:
        return reader.collection(own, members_kind(path), rows, query)
    if rest == ["stats"]:
        made = Rows(sources, lambda name: member_entry(device, path, own, pool, name),
                    lambda name: "Common")
        return reader.statistics(own + "/stats", members_kind(path) + "collectionstats",
                                 made, query)
    return None


def member_object(device, path, own, name):
    item = head(device, path + "/members", "Common", name, 1)
    if device.traffic.short:
        item.pop("partition")
        item["fullPath"] = name
    item["selfLink"] = "https://localhost/mgmt/tm/%s/%s?ver=%s" % (own, escape(item["fullPath"]),
                                                                  device.version)
    item.update({"enabled": True, "limitMaxBps": 0, "memberOrder": 0, "monitor": "default",
                 "ratio": 1})
    return item


def member_entry(device, path, own, pool, name):
    """Keyed virtual:server; of a name (cname pools) the virtual is a space."""
    server, _, virtual = name.partition(":")
    shown = server if not virtual or device.traffic.short else "/Common/" + server
    key = "%s/%s:%s/stats" % (own, escape(virtual or " "), escape(shown))
    fields = {counter: ZERO for counter in ("alternate", "fallback", "preferred")}
    fields.update({"poolName": text(path_of(pool)), "poolType": text(pool.get("type", "a").upper()),
                   "serverName": text(shown), "vsName": text(virtual or " ")})
    fields.update(status(*device.traffic.member_status(name)))
    return entry(key, key, members_kind(path) + "stats", fields, device.version)


def servers(reader, rest, query):
    device = reader.device
    rows = Rows(device.traffic.servers, lambda raw: server_object(device, raw))
    if not rest:
        return reader.collection("gtm/server", "tm:gtm:server:server", rows, query)
    wanted = full_path(rest[0])
    server = next((raw for raw in device.traffic.servers if path_of(raw) == wanted), None)
    if server is None:
        return errors.not_found("GTM server", wanted)
    if not rest[1:]:
        return errors.Answer(200, query.selected(server_object(device, server)))
    return virtual_servers(reader, server, rest[2:], query) if rest[1] == "virtual-servers" \
        else None


def server_object(device, raw):
    item = head(device, "gtm/server", raw.get("partition", "Common"), raw["name"], 1)
    item.update({"datacenter": "/Common/dc1", "enabled": True, "monitor": "/Common/bigip",
                 "product": "bigip", "virtualServerDiscovery": "disabled"})
    item["virtualServersReference"] = reference(
        "gtm/server/%s/virtual-servers" % escape(path_of(raw)), device.version, True)
    return item


def virtual_servers(reader, server, rest, query):
    path = "gtm/server/%s/virtual-servers" % escape(path_of(server))
    device, known = reader.device, server.get("virtualServers", [])
    kind_text = "tm:gtm:server:virtual-servers:virtual-servers"
    rows = Rows(known, lambda raw: virtual_object(device, path, raw), lambda raw: None)
    stats = Rows(known, lambda raw: virtual_entry(device, path, server, raw), lambda raw: None)
    if not rest:
        return reader.collection(path, kind_text, rows, query)
    if rest == ["stats"]:
        return reader.statistics(path + "/stats", kind_text + "collectionstats", stats, query)
    virtual = next((raw for raw in known if raw["name"] == rest[0]), None)
    if virtual is None:
        return errors.not_found("virtual server", rest[0])
    if rest[1:] == ["stats"]:
        own = Rows([virtual], stats.make, lambda raw: None)
        return reader.statistics("%s/%s/stats" % (path, escape(rest[0])), kind_text + "stats", own,
                                 query)
    return None if rest[1:] else errors.Answer(200, query.selected(rows.make(virtual)))


def virtual_object(device, path, raw):
    own = "%s/%s" % (path, escape(raw["name"]))
    return {"kind": "tm:gtm:server:virtual-servers:virtual-serversstate", "name": raw["name"],
            "fullPath": raw["name"], "generation": 1,
            "selfLink": "https://localhost/mgmt/tm/%s?ver=%s" % (own, device.version),
            "destination": raw["destination"], "enabled": True, "monitor": "/Common/bigip",
            "translationAddress": raw.get("translationAddress", "none"), "translationPort": 0}


def virtual_entry(device, path, server, raw):
    key = "%s/%s/stats" % (path, escape(raw["name"]))
    fields = {"destination": text(raw["destination"]), "picks": ZERO,
              "serverName": text(path_of(server)), "vsName": text(raw["name"])}
    fields.update(status(*device.traffic.virtual_status(server, raw)))
    return entry(key, key, "tm:gtm:server:virtual-servers:virtual-serversstats", fields,
                 device.version)
