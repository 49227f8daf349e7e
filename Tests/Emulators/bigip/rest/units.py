# SPDX-License-Identifier: Apache-2.0
"""The unit itself and its peer: devices, failover, synchronisation, blades, readiness.

Each function in SINGLE takes the device and the request's faults and gives the entries of a
resource with one row.
"""

import time

from bigip.groups import LOCAL_ONLY, overall
from bigip.rest.naming import escape, head, reference
from bigip.rest.rows import Rows
from bigip.rest.statistics import entry, text, value

COLORS = {"active": "green", "standby": "gray", "offline": "red", "forced-offline": "black"}
SYNC_GROUP = "/Common/pair"


def states_of(device, flags):
    """What this unit says it is for each traffic group."""
    states = device.groups.own()
    return dict.fromkeys(states, "standby") if "standby" in flags else states


def role_of(device, flags):
    return overall(states_of(device, flags))


def units(device, flags):
    """(hostname, states by traffic group, is this one, management address), this one first."""
    found = [(device.hostname, states_of(device, flags), True, "192.0.2.10")]
    peer = device.pair.peer
    if peer:
        found.append((peer["hostname"], device.groups.peers(), False,
                      peer.get("managementIp", "192.0.2.11")))
    return found


def devices(device, flags):
    return Rows(units(device, flags), lambda unit: device_object(device, *unit))


def device_object(device, hostname, states, own, address):
    item = head(device, "cm/device", "Common", hostname, 1)
    item.update({"activeModules": [], "baseMac": "02:00:00:00:00:0%d" % (1 if own else 2),
                 "build": "0.0.4", "chassisType": "individual", "configsyncIp": "none",
                 "edition": "Point Release 0", "failoverState": overall(states), "haCapacity": 0,
                 "hostname": hostname, "managementIp": address, "mirrorIp": "any6",
                 "platformId": "A112", "product": "BIG-IP",
                 "selfDevice": "true" if own else "false", "timeZone": "UTC",
                 "version": device.version})
    return item


def plain(path, fields):
    """The entries of a resource with one row: sys/ready, cm/sync-status and their like."""
    entries = {name: text(words) if isinstance(words, str) else words
               for name, words in fields.items()}
    return {"https://localhost/mgmt/tm/%s/0" % path: {"nestedStats": {"entries": entries}}}


def details(key, lines):
    """The nested list of detail lines below failover and sync status."""
    entries = {"https://localhost/mgmt/tm/%s/%d" % (key, number):
               {"nestedStats": {"entries": {"details": text(words)}}}
               for number, words in enumerate(lines)}
    return {"nestedStats": {"entries": entries}}


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
                                 "Edition": "Point Release 0", "Product": "BIG-IP",
                                 "Title": "Main Package", "Version": device.version})


def failover_status(device, flags):
    """An active unit names the groups it carries, any other all it does not."""
    states = states_of(device, flags)
    role, word = overall(states), overall(states).replace("-", " ")
    named = [path for path in states if states[path] == role]
    fields, key = {"color": COLORS[role]}, "cm/failoverStatus/0/details"
    fields["https://localhost/mgmt/tm/" + key] = details(key, ["%s for %s" % (word, path)
                                                               for path in named])
    fields.update({"status": word.upper(),
                   "summary": "%d/%d %s" % (len(named), len(states), word)})
    return plain("cm/failover-status", fields)


def failover_text(device, flags):
    """sys/failover has no entries: one line of text and how long it is so."""
    seconds = int(time.monotonic() - device.role_since)
    line = "Failover %s for %dd %02d:%02d:%02d\n" % (
        role_of(device, flags).replace("-", "_"), seconds // 86400, seconds // 3600 % 24,
        seconds // 60 % 60, seconds % 60)
    return {"apiRawValues": {"apiAnonymous": line}}


def sync_status(device, flags):
    shown = dict(device.pair.sync_status())
    words = shown.pop("details", None)
    if words:
        key = "cm/syncStatus/0/details"
        shown["https://localhost/mgmt/tm/" + key] = details(key, [words])
    return plain("cm/sync-status", shown)


def group_rows(device, flags, paths):
    """One entry a group and unit, keyed by both."""
    sources = [(path, hostname, states) for path in paths
               for hostname, states, _, _ in units(device, flags)]
    return Rows(sources, lambda source: group_entry(device, *source), lambda _: "Common")


def group_entry(device, path, hostname, states):
    """The next to be active is the unit that stands by for the group."""
    role = states[path]
    load = sum(word == "active" for word in states.values())
    after = load + 1 if role == "standby" else load
    fields = {"activeReason": text("Highest Ranked Device" if role == "active" else "-"),
              "currentLoad": value(load), "deviceName": text("/Common/" + hostname),
              "failoverState": text(role),
              "nextActive": text("true" if role == "standby" else "false"),
              "nextLoad": value(after), "trafficGroup": text(path)}
    own = escape(path)
    key = "cm/traffic-group/%s/%s:~Common~%s/stats" % (own, own, hostname)
    return entry(key, key, "tm:cm:traffic-group:traffic-groupstats", fields, device.version)


def traffic_groups(device):
    return Rows(device.groups.paths + [LOCAL_ONLY], lambda path: group_object(device, path),
                lambda _: "Common")


def group_object(device, path):
    item = head(device, "cm/traffic-group", "Common", path.rsplit("/", 1)[-1], 1)
    item.update({"autoFailbackEnabled": "false", "autoFailbackTime": 60,
                 "failoverMethod": "ha-order", "haLoadFactor": 1,
                 "isFloating": "false" if path == LOCAL_ONLY else "true", "mac": "none",
                 "monitor": {}, "unitId": device.groups.unit_of(path)})
    return item


def device_groups(device):
    sources = [SYNC_GROUP] if device.pair.peer else []
    return Rows(sources, lambda path: dict(
        head(device, "cm/device-group", "Common", "pair", 1),
        autoSync="disabled" if device.pair.lag is None else "enabled", type="sync-failover",
        devicesReference=reference("cm/device-group/~Common~pair/devices", device.version, True)))


def device_group(device, flags):
    result = {}
    for hostname, _, own, _ in units(device, flags):
        behind = device.pair.waiting and not own
        fields = {"commitIdOriginator": text("/Common/" + device.hostname),
                  "commitIdTime": text("2026-Jan-01 00:00:00"), "device": text(hostname),
                  "devicegroup": text(SYNC_GROUP), "lastSyncType": text("full-load-auto-sync"),
                  "lssTime": text("2026-Jan-01 00:00:00"),
                  "timeSinceLastSync": value(1) if behind else text("-")}
        key = "cm/device-group/~Common~pair/%s:~Common~%s/stats" % ("~Common~pair", hostname)
        result.update(entry(key, key, "tm:cm:device-group:device-groupstats", fields,
                            device.version))
    return result


def cluster(device):
    """The blades of a chassis, in slots that are not all filled; nothing on other hardware."""
    slots = (device.configuration["cluster"] or {}).get("slots", [])
    return Rows([slots] if slots else [], lambda _: cluster_object(device, slots))


def cluster_object(device, slots):
    item = head(device, "sys/cluster", "Common", "default", 1)
    item["address"] = device.configuration["cluster"].get("address", "192.0.2.10/24")
    item["members"] = [{"name": str(slot), "address": "any6", "enabled": True,
                        "priming": "disabled", "primary": "true" if slot == device.blade else "false"}
                       for slot in slots]
    return item


SINGLE = {"sys/ready": ready, "sys/mcp-state": mcp_state, "sys/version": version,
          "cm/failover-status": failover_status, "cm/sync-status": sync_status}
STATISTICS = {"cm/device-group/~Common~pair": device_group}
