# SPDX-License-Identifier: Apache-2.0
"""Statistics as iControl REST 13.1 nests them.

Entries are keyed by https://localhost URLs, each with nestedStats of value or description.
"""

from bigip.rest.objects import escape, link

CONNECTION_QUEUE = ("ageEdm", "ageEma", "ageHead", "ageMax", "depth", "serviced")
TRAFFIC = ("bitsIn", "bitsOut", "curConns", "maxConns", "pktsIn", "pktsOut", "totConns")
CLIENT_TRAFFIC = TRAFFIC[:3] + ("evictedConns",) + TRAFFIC[3:6] + ("slowKilled", "totConns")
SYN_COOKIE = ("accepts", "hwAccepts", "hwSyncookies", "hwsyncookieInstance", "rejects",
              "swsyncookieInstance",
              "syncacheCurr", "syncacheOver", "syncookies")


def value(number):
    return {"value": number}


def text(words):
    return {"description": words}


def zeros(prefix, names):
    return {"%s.%s" % (prefix, name): value(0) for name in names}


def status(availability, enabled, reason):
    return {"status.availabilityState": text(availability), "status.enabledState": text(enabled),
            "status.statusReason": text(reason)}


def entry(key, kind, entries, version):
    """One keyed entry; `key` is the path below /mgmt/tm, without query."""
    return {"https://localhost/mgmt/tm/" + key: {"nestedStats": {
        "kind": kind, "selfLink": link(key, version), "entries": entries}}}


def member_entries(device, member):
    entries = {"addr": text(member.address)}
    entries.update(zeros("connq", CONNECTION_QUEUE))
    rule = device.monitor["name"] + " (pool monitor)" if member.pool.monitored else "none"
    entries.update({"curSessions": value(0), "monitorRule": text(rule),
                    "monitorStatus": text(member.monitor_status),
                    "nodeName": text("/%s/%s" % (member.partition, member.node_name)),
                    "poolName": text(member.pool.full_path), "port": value(member.port)})
    entries.update(zeros("serverside", TRAFFIC))
    entries["sessionStatus"] = text(member.session_status)
    entries.update(status(member.availability, member.enabled, member.status_reason))
    entries["totRequests"] = value(0)
    return entries


def member_statistics(device, pool):
    result = {}
    for member in pool.members:
        key = "ltm/pool/%s/members/%s/stats" % (escape(pool.full_path), escape(member.full_path))
        result.update(entry(key, "tm:ltm:pool:members:membersstats", member_entries(device, member),
                            device.version))
    return result


def pool_entries(device, pool):
    active, available, members = pool.counts()
    entries = {"activeMemberCnt": value(active), "availableMemberCnt": value(available)}
    entries.update(zeros("connqAll", CONNECTION_QUEUE))
    entries.update(zeros("connq", CONNECTION_QUEUE))
    entries.update({"curSessions": value(0), "memberCnt": value(members),
                    "minActiveMembers": value(0),
                    "monitorRule": text(device.monitor["name"] if pool.monitored else "none"),
                    "tmName": text(pool.full_path)})
    entries.update(zeros("serverside", TRAFFIC))
    entries.update(status(*pool.status()))
    entries["totRequests"] = value(0)
    return entries


def pool_statistics(device, pools, key_form="ltm/pool/%s/stats", kind="tm:ltm:pool:poolstats"):
    result = {}
    for pool in pools:
        result.update(entry(key_form % escape(pool.full_path), kind, pool_entries(device, pool),
                            device.version))
    return result


def virtual_entries(device, virtual):
    entries = zeros("clientside", CLIENT_TRAFFIC)
    entries.update({"cmpEnableMode": text("all-cpus"), "cmpEnabled": text("enabled"),
                    "csMaxConnDur": value(0),
                    "csMeanConnDur": value(0), "csMinConnDur": value(0),
                    "destination": text(virtual["destination"])})
    entries.update(zeros("ephemeral", CLIENT_TRAFFIC))
    entries.update({"fiveMinAvgUsageRatio": value(0), "fiveSecAvgUsageRatio": value(0),
                    "tmName": text("/%s/%s" % (device.partition, virtual["name"])),
                    "oneMinAvgUsageRatio": value(0)})
    entries.update(status(*device.virtual_status(virtual)))
    entries["syncookieStatus"] = text("not-activated")
    entries.update(zeros("syncookie", SYN_COOKIE))
    entries["totRequests"] = value(0)
    return entries


def virtual_statistics(device, virtuals, key_form="ltm/virtual/%s/stats"):
    result = {}
    for virtual in virtuals:
        key = key_form % escape("/%s/%s" % (device.partition, virtual["name"]))
        result.update(entry(key, "tm:ltm:virtual:virtualstats", virtual_entries(device, virtual),
                            device.version))
    return result


def node_statistics(device):
    result = {}
    for member in {(m.partition, m.node_name): m for m in device.members()}.values():
        path = "/%s/%s" % (member.partition, member.node_name)
        result.update(entry("ltm/node/%s/stats" % escape(path), "tm:ltm:node:nodestats",
                            node_entries(member, path), device.version))
    return result


def node_entries(member, path):
    entries = {"addr": text(member.address), "curSessions": value(0), "monitorRule": text("none"),
               "monitorStatus": text("unchecked"), "tmName": text(path)}
    entries.update(zeros("serverside", TRAFFIC))
    entries["sessionStatus"] = text("enabled")
    entries.update(status("unknown", "enabled",
                          "Node address does not have service checking enabled"))
    entries["totRequests"] = value(0)
    return entries


def plain(path, fields):
    """The entries of a resource with one row: sys/ready, cm/sync-status and their like."""
    entries = {name: text(words) if isinstance(words, str) else words for name,
               words in fields.items()}
    return {"https://localhost/mgmt/tm/%s/0" % path: {"nestedStats": {"entries": entries}}}


def details(key, words):
    """The nested list of detail lines below failover and sync status."""
    line = {"nestedStats": {"entries": {"details": text(words)}}}
    return {"nestedStats": {"entries": {"https://localhost/mgmt/tm/%s/0" % key: line}}}


def ready(device, flags):
    word = "no" if "mcp-not-running" in flags else "yes"
    return plain("sys/ready", {"configReady": word, "licenseReady": "yes", "provisionReady": "yes"})


def mcp_state(device, flags):
    fault = flags.get("mcp-not-running")
    phase = fault.get("phase", "loading") if fault else "running"
    return plain("sys/mcp-state", {"endPlatformIdReceived": "true",
                                   "lastLoad": "full-config-load-succeed", "phase": phase})


def version(device, flags):
    return plain("sys/version", {"Build": "0.0.4", "Date": "Mon Aug 26 12:00:00 UTC 2019",
                                 "Edition": "Point Release 0",
                                 "Product": "BIG-IP", "Title": "Main Package",
                                 "Version": device.version})


def failover_status(device, flags):
    standby = "standby" in flags
    word = "standby" if standby else "active"
    fields = {"color": "gray" if standby else "green"}
    key = "cm/failoverStatus/0/details"
    fields["https://localhost/mgmt/tm/" + key] = details(key, word + " for /Common/traffic-group-1")
    fields.update({"status": word.upper(), "summary": "1/1 " + word})
    return plain("cm/failover-status", fields)


def sync_status(device, flags):
    return plain("cm/sync-status", {"color": "green", "mode": "standalone", "status": "Standalone",
                                    "summary": " "})
