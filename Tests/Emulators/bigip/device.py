# SPDX-License-Identifier: Apache-2.0
"""The unit's state: pools, members, virtual servers, routes, self IPs, and the status they make.

`lock` guards everything here; the monitors write verdicts, the control socket replaces parts,
requests read.
"""

import threading
import time

from bigip.configuration import ConfigurationError, check_routes, check_self_ips, split_member
from bigip.members import SESSIONS, Member

NOT_YET = ("The children pool member(s) either don't have service checking enabled, "
           "or service check results are not available yet")
CHILDREN_DOWN = "The children pool member(s) are down"
CHILDREN_DISABLED = "The children pool member(s) might be disabled"


class Pool:
    def __init__(self, raw, default_partition):
        self.name = raw["name"]
        self.partition = raw.get("partition", default_partition)
        self.monitored = raw.get("monitored", True)
        self.generation = 1
        self.members = []

    @property
    def full_path(self):
        return "/%s/%s" % (self.partition, self.name)

    def replace(self, texts):
        """Members already present keep their state; new ones start checking."""
        known = {member.key: member for member in self.members}
        wanted = {}
        for text in texts:
            address, port = split_member(text)
            member = Member(self, address, port, self.monitored, time.monotonic())
            wanted[member.key] = known.get(member.key, member)
        self.members = list(wanted.values())

    def counts(self):
        """(active, available, all): an unchecked member is available but not active."""
        live = [m for m in self.members if m.availability != "offline"]
        active = [m for m in live if m.availability == "available" and m.enabled == "enabled"]
        return len(active), len(live), len(self.members)

    def status(self):
        """(availabilityState, enabledState, statusReason)"""
        pairs = {(m.availability, m.enabled) for m in self.members}
        if ("available", "enabled") in pairs:
            return "available", "enabled", "The pool is available"
        if not pairs or ("unknown", "enabled") in pairs:
            return "unknown", "enabled", NOT_YET
        if ("available", "disabled") in pairs:
            return "available", "disabled-by-parent", CHILDREN_DISABLED
        if ("unknown", "disabled") in pairs:
            return "unknown", "disabled-by-parent", NOT_YET
        return "offline", "enabled", CHILDREN_DOWN


class Device:
    def __init__(self, configuration):
        self.lock = threading.RLock()
        self.hostname, self.version = configuration["hostname"], configuration["version"]
        self.username, self.password = configuration["username"], configuration["password"]
        self.partition, self.monitor = configuration["partition"], configuration["monitor"]
        self.routes, self.self_ips = configuration["routes"], configuration["selfIPs"]
        self.virtuals = configuration["virtuals"]
        self.generation = 1
        self.pools = [Pool(raw, self.partition) for raw in configuration["pools"]]
        for pool, raw in zip(self.pools, configuration["pools"]):
            pool.replace(raw.get("members", []))

    def members(self):
        return [member for pool in self.pools for member in pool.members]

    def find_pool(self, name):
        """By full path (/K8S/x) or by bare name."""
        for pool in self.pools:
            if name in (pool.full_path, pool.name):
                return pool
        raise ConfigurationError("no pool named %s" % name)

    def touch(self):
        self.generation += 1
        return self.generation

    def replace_members(self, pool_name, texts):
        with self.lock:
            pool = self.find_pool(pool_name)
            pool.replace(texts)
            pool.generation = self.touch()

    def replace_routes(self, routes):
        checked = check_routes(routes)
        with self.lock:
            self.routes = checked
            self.touch()

    def replace_self_ips(self, self_ips):
        checked = check_self_ips(self_ips)
        with self.lock:
            self.self_ips = checked
            self.touch()

    def set_session(self, member_text, pool_name, value):
        """Sets a member's session; without a pool, that member in every pool."""
        if value not in SESSIONS:
            raise ConfigurationError("session must be one of %s" % ", ".join(SESSIONS))
        address, port = split_member(member_text)
        with self.lock:
            pools = [self.find_pool(pool_name)] if pool_name else self.pools
            found = [m for p in pools for m in p.members if (m.address, m.port) == (address, port)]
            if not found:
                raise ConfigurationError("no member %s" % member_text)
            for member in found:
                member.session = value

    def virtual_status(self, virtual):
        pools = [p for p in self.pools if virtual.get("pool") in (p.name, p.full_path)]
        state, enabled, reason = pools[0].status() if pools else ("unknown", "enabled", NOT_YET)
        if reason == "The pool is available":
            reason = "The virtual server is available"
        return state, "disabled" if virtual.get("disabled") else enabled, reason
