# SPDX-License-Identifier: Apache-2.0
"""The DNS module: wide IPs over pools over virtual servers of servers, and their states.

"gtm": {"servers": [{"name": "ltm-pair", "partition"?, "virtualServers":
                     [{"name": "web", "destination": "10.50.0.10:80", "translationAddress"?,
                       "state"?, "enabled"?, "reason"?}]}],
        "pools": [{"name", "type"?: "a", "partition"?, "members": ["ltm-pair:web"], "ttl"?,
                   "monitor"?, "disabled"?: true}],
        "wideIPs": [{"name", "type"?: "a", "partition"?, "pools": ["NAME"], "disabled"?: true}],
        "memberForm"?: "full" or "short" (members named without /Common)}

A unit without it answers empty collections; with "gtm": "404", 404. The members of a cname pool
are names. Control: {"gtm": {"virtuals" or "pools" or "wideIPs": {NAME: {"state", "enabled"?,
"reason"?} or null}}}, where a virtual's name is server:virtual. What nobody set follows from what
lies below.
"""

from bigip.addresses import ConfigurationError

TYPES = ("a", "aaaa", "cname", "mx", "naptr", "srv")
SETTABLE = ("virtuals", "pools", "wideIPs")
NO_MEMBERS = "No enabled pool members available"
NO_POOLS = "No enabled pools available"
FINE = {"virtuals": " Monitor /Common/bigip from 192.0.2.10 : UP", "pools": "Available",
        "wideIPs": "Available"}


class Traffic:
    def __init__(self, raw):
        self.absent = raw == "404"
        raw = raw if isinstance(raw, dict) else {}
        self.servers = raw.get("servers", [])
        self.pools, self.wide_ips = raw.get("pools", []), raw.get("wideIPs", [])
        self.short = raw.get("memberForm") == "short"
        self.told = {name: {} for name in SETTABLE}
        for each in self.pools + self.wide_ips:
            if each.get("type", "a") not in TYPES:
                raise ConfigurationError("gtm type must be one of %s" % ", ".join(TYPES))

    def tell(self, raw):
        for name, states in raw.items():
            if name not in SETTABLE:
                raise ConfigurationError("gtm: one of %s" % ", ".join(SETTABLE))
            for key, state in states.items():
                self.told[name][key] = state

    def set_by_hand(self, name, key):
        state = self.told[name].get(key)
        if not state:
            return None
        given = state.get("state", "available")
        usual = FINE[name] if given == "available" else " "
        return given, state.get("enabled", "enabled"), state.get("reason", usual)

    def virtual_status(self, server, virtual):
        """(availabilityState, enabledState, statusReason)"""
        told = self.set_by_hand("virtuals", "%s:%s" % (server["name"], virtual["name"]))
        return told or (virtual.get("state", "available"), virtual.get("enabled", "enabled"),
                        virtual.get("reason", FINE["virtuals"]))

    def member_status(self, text):
        server_name, _, virtual_name = text.partition(":")
        for server in self.servers:
            for virtual in server.get("virtualServers", []):
                if (server["name"], virtual["name"]) == (server_name, virtual_name):
                    return self.virtual_status(server, virtual)
        return "unknown", "enabled", "Checking"

    def pool_status(self, pool):
        told = self.set_by_hand("pools", pool["name"])
        enabled = "disabled" if pool.get("disabled") else "enabled"
        below = [self.member_status(text)[:2] for text in pool.get("members", [])]
        return told or self.above(below, enabled, "pools", ("offline", NO_MEMBERS))

    def wide_ip_status(self, wide_ip):
        told = self.set_by_hand("wideIPs", wide_ip["name"])
        enabled = "disabled" if wide_ip.get("disabled") else "enabled"
        pools = [pool for pool in self.pools if pool["name"] in wide_ip.get("pools", [])]
        below = [self.pool_status(pool)[:2] for pool in pools]
        return told or self.above(below, enabled, "wideIPs", ("unknown", "Checking"))

    @staticmethod
    def above(below, enabled, name, empty):
        """What follows from the states below; `empty` is for an unused object."""
        if not below:
            return empty[0], enabled, empty[1]
        if ("available", "enabled") in below:
            return "available", enabled, FINE[name]
        if all(state == "unknown" for state, _ in below):
            return "unknown", enabled, "Checking"
        return "offline", enabled, NO_MEMBERS if name == "pools" else NO_POOLS
