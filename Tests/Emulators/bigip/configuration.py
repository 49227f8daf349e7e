# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the emulator's configuration file.

Required: hostname, username, password. Optional: partition (K8S), version (13.1.3; any TMOS
from 11.6 to 16.1, bigip/dialect.py), and these.
monitor   {"name": "/Common/http", "type"?: "http", "interval": 1, "timeout": 4,
           "send": "GET / HTTP/1.0\\r\\n\\r\\n", "recv": "regular expression"}: the one that probes
monitors  [{"name", "type", "interval"?, "timeout"?, …}]: further ones, shown and not run
pools     [{"name", "members": [member, …], "partition"?, "subPath"?: "Shared",
            "monitored"?: false, "monitor"?: "/Common/a and /Common/b" or "min 1 of { … }" or null,
            "shareNodes"?: true (nodes in /Common), "nameForm"?: "cccl" (with %0) or "as3",
            "loadBalancingMode"?, "minActiveMembers"?}]
member    "10.16.0.10:80", "10.10.0.2%10:80", "[2001:db8::1]:80", "2001:db8::1%2.80", or
          {"member": one of those, "name"?: verbatim, "priorityGroup"?, "profiles"?}, or
          {"fqdn": "web.example", "port": 80, "name"?: "web", "addresses": […], "state"?: "fqdn-up"}
virtuals  [{"name", "destination": "10.50.0.10:80", "pool", "partition"?, "subPath"?,
            "snat"?: "automap" or {"type": "snat", "pool": "/Common/s"}, "vlans"?: […],
            "disabled"?: true}]
selfIPs   [{"name", "address": "10.3.1.10%10/24", "vlan"?, "partition"?, "floating"?: true}]
routes    [{"name", "network": "10.16.0.0/16" or "default", "partition"?,
            exactly one of "gw", "pool", "tmInterface", "blackhole": true}]
liveRoutes [{"destination", "type"?, "nextHop"?, "origin"?, "name"?}]: beside static, connected
routeDomains [{"id", "name"?, "partition"?, "partitionDefault"?: ["K8S"], "parent"?, "vlans"?}]
partitions [{"name", "defaultRouteDomain"?}]     nodes [{"address", "partition"?, "value"?}]
vlans     [{"name": "/Common/a", "tag"?}]         arp, fdb  items, as they are
virtualAddresses  {"/K8S/10.50.0.10": {"arp": "disabled"}}  bigip/virtual_addresses.py
trafficGroups  {"traffic-group-2": hostname of the unit that carries it}  bigip/groups.py
denied    {"net/route/stats": 403}: paths the user may not read, with 400, 401, 403 or 404
userRole  "guest" (or "admin": may run util/bash)  zebos  what `show ip route` prints there
tokenLife 1200, tokenLimit 100, clockOffset 0 (seconds the unit's clock is ahead)
role      "active", "standby", "offline" or "forced-offline"; blocked true: monitors reach nobody
peer      {"hostname", "control": "/path/of/peer/control.sock", "managementIp"?}
sync      {"lag": seconds}, or null: by hand        cluster  {"slots": [1, 2], "primary": 1}
gtm       bigip/gtm.py; "404" when asked must fail   syslog   bigip/syslog.py
generated bigip/generated.py
"""

import json
import re

from bigip.addresses import ConfigurationError, interface
from bigip.dialect import Dialect
from bigip.groups import LOCAL_ONLY, path_of

DEFAULT_MONITOR = {"name": "/Common/http", "type": "http", "interval": 5, "timeout": 16,
                   "send": "GET /\\r\\n", "recv": ""}
MONITOR_TYPES = ("http", "https", "tcp", "tcp-half-open", "icmp", "gateway-icmp", "udp")
ROUTE_TARGETS = ("gw", "pool", "tmInterface", "blackhole")
ROLES = ("active", "standby", "offline", "forced-offline")
LISTS = ("monitors", "pools", "virtuals", "selfIPs", "routes", "liveRoutes", "routeDomains",
         "partitions", "nodes", "vlans", "arp", "fdb")
DEFAULTS = {"partition": "K8S", "version": "13.1.3", "denied": {}, "zebos": "", "tokenLife": 1200,
            "tokenLimit": 100, "clockOffset": 0, "role": "active", "blocked": False, "peer": None,
            "sync": {"lag": 0}, "cluster": None, "gtm": None, "syslog": None, "generated": None,
            "virtualAddresses": {}, "trafficGroups": {}}
DENIALS = (400, 401, 403, 404)


def load(path):
    with open(path, encoding="utf-8") as file:
        try:
            raw = json.load(file)
        except ValueError:
            raise ConfigurationError("the configuration is not JSON: %s" % path) from None
    return check(raw)


def check(raw):
    for key in ("hostname", "username", "password"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise ConfigurationError("the configuration lacks %s" % key)
    result = dict(DEFAULTS, **{name: [] for name in LISTS})
    result.update(raw)
    for name in LISTS:
        if not isinstance(result[name], list):
            raise ConfigurationError("%s must be a list" % name)
    check_unit(result)
    result["monitor"] = check_monitor(raw.get("monitor") or {})
    result["monitors"] = [check_monitor(dict(each)) for each in result["monitors"]]
    result["routes"] = check_routes(result["routes"])
    result["selfIPs"] = check_self_ips(result["selfIPs"])
    return result


def check_unit(result):
    """What concerns the unit as a whole."""
    result.setdefault("userRole", "admin" if result["username"] == "admin" else "guest")
    Dialect(result["version"])
    check_role(result["role"])
    check_denied(result["denied"])
    peer = result["peer"]
    if peer is not None and not ("hostname" in peer and "control" in peer):
        raise ConfigurationError("peer needs hostname and control")
    check_groups(result["trafficGroups"], {result["hostname"], (peer or {}).get("hostname")})


def check_groups(groups, hostnames):
    if not isinstance(groups, dict):
        raise ConfigurationError("trafficGroups are names with hostnames")
    if not set(groups.values()) <= hostnames - {None}:
        raise ConfigurationError("a traffic group is carried by this unit or by its peer")
    if LOCAL_ONLY in map(path_of, groups):
        raise ConfigurationError("traffic-group-local-only is carried by every unit")


def check_role(role):
    if role not in ROLES:
        raise ConfigurationError("role must be one of %s" % ", ".join(ROLES))
    return role


def check_denied(denied):
    if not all(code in DENIALS for code in denied.values()):
        raise ConfigurationError("a path is denied with one of 400, 401, 403, 404")
    return dict(denied)


def check_monitor(raw):
    monitor = dict(DEFAULT_MONITOR, **raw)
    if monitor["type"] not in MONITOR_TYPES:
        raise ConfigurationError("monitor type must be one of %s" % ", ".join(MONITOR_TYPES))
    if not (0 < monitor["interval"] and 0 < monitor["timeout"]):
        raise ConfigurationError("monitor interval and timeout must be above 0")
    try:
        re.compile(monitor["recv"].encode())
    except re.error:
        raise ConfigurationError("monitor recv is not a regular expression") from None
    return monitor


def check_routes(routes):
    for route in routes:
        if "name" not in route or "network" not in route:
            raise ConfigurationError("a route needs name and network")
        if sum(key in route for key in ROUTE_TARGETS) != 1:
            raise ConfigurationError("route %s needs exactly one of %s"
                                     % (route["name"], ", ".join(ROUTE_TARGETS)))
    return list(routes)


def check_self_ips(self_ips):
    for entry in self_ips:
        try:
            interface(entry["address"])
        except (KeyError, ValueError):
            raise ConfigurationError("self IP %s needs A/length" % entry.get("name")) from None
    return list(self_ips)
