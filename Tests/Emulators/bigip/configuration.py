# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the emulator's configuration file.

Required: hostname, username, password. Optional: partition (K8S), version (13.1.3), and these.
monitor   {"name": "/Common/http", "interval": 1, "timeout": 4,
           "send": "GET / HTTP/1.0\\r\\n\\r\\n", "recv": "regular expression"}
pools     [{"name", "members": ["10.16.0.10:80", "[2001:db8::1]:80"],
            "partition"?: "Common", "monitored"?: false}]
virtuals  [{"name", "destination": "10.50.0.10:80", "pool", "snat"?: "automap", "disabled"?: true}]
selfIPs   [{"name", "address": "10.3.1.10/24", "vlan"?: "/Common/a"}]
routes    [{"name", "network": "10.16.0.0/16" or "default",
            exactly one of "gw", "pool", "tmInterface", "blackhole": true}]
"""

import ipaddress
import json
import re

DEFAULT_MONITOR = {"name": "/Common/http", "interval": 5, "timeout": 16, "send": "GET /\\r\\n",
                   "recv": ""}
ROUTE_TARGETS = ("gw", "pool", "tmInterface", "blackhole")


class ConfigurationError(Exception):
    """A configuration or control command that cannot be used; the text holds no secret."""


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
    result = {"partition": "K8S", "version": "13.1.3", "selfIPs": [], "routes": [], "virtuals": [],
              "pools": []}
    result.update(raw)
    result["monitor"] = check_monitor(raw.get("monitor") or {})
    result["routes"] = check_routes(result["routes"])
    result["selfIPs"] = check_self_ips(result["selfIPs"])
    return result


def check_monitor(raw):
    monitor = dict(DEFAULT_MONITOR, **raw)
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
            ipaddress.ip_interface(entry["address"])
        except (KeyError, ValueError):
            raise ConfigurationError("self IP %s needs A/length" % entry.get("name")) from None
    return list(self_ips)


def split_member(text):
    """'10.16.0.10:80', '[2001:db8::1]:80' and '2001:db8::1.80' to (address, port)."""
    separator = "." if text.count(":") > 1 and not text.startswith("[") else ":"
    address, _, port = text.rpartition(separator)
    try:
        return str(ipaddress.ip_address(address.strip("[]"))), checked_port(port)
    except ValueError:
        raise ConfigurationError("not an address and port: %s" % text) from None


def checked_port(text):
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError(text)
    return port
