# SPDX-License-Identifier: Apache-2.0
"""What the unit writes to its log when something changed, in its own words.

A member that comes up for the first time writes nothing, as on the real thing, unless the
configuration of syslog asks for it (`firstUp`). Members that are deleted write no monitor line.
"""

import time

from bigip.groups import overall
from bigip.syslog import Sender

NOTICE, ERROR = 5, 3


class Journal:
    def __init__(self, device):
        self.device = device
        raw = device.configuration["syslog"]
        self.sender = Sender(raw, device.hostname, device.now)
        self.on, self.first_up = raw is not None, bool((raw or {}).get("firstUp"))
        self.pools, self.virtuals = {}, {}

    def write(self, process, code, severity, text):
        self.sender.line(process, severity, "%s:%d: %s" % (code, severity, text))

    def member_changed(self, member, before, lasted):
        if not self.on:
            return
        if member.verdict == "down":
            self.write("mcpd", "01070638", NOTICE,
                       "%s monitor status down. [ %s ]  [ was %s for %s ]"
                       % (named(member), failed(member), before, spelled(lasted)))
        elif member.verdict == "up" and (member.been_down or self.first_up):
            was = "down" if before == "down" else "unchecked"
            self.write("mcpd", "01070727", NOTICE,
                       "%s monitor status up. [ %s ]  [ was %s for %s ]"
                       % (named(member), healthy(member), was, spelled(lasted)))
        self.pool_changed(member.pool)

    def session_changed(self, member, before):
        if not self.on or before == member.session:
            return
        lasted = spelled(time.monotonic() - member.since)
        if member.session == "forced-offline":
            self.write("mcpd", "01070638", NOTICE,
                       "%s monitor status forced down. [ %s ]  [ was %s for %s ]"
                       % (named(member), healthy(member), member.verdict, lasted))
        words = "enabled" if member.session == "user-enabled" else "forced disabled"
        self.write("mcpd", "01070639", NOTICE, "%s session status %s." % (named(member), words))

    def node_changed(self, node, before):
        if self.on and before != node.verdict and node.verdict in ("up", "down"):
            code = "01070728" if node.verdict == "up" else "01070640"
            self.write("mcpd", code, NOTICE, "Node %s address %s monitor status %s."
                       % (node.full_path, node.address, node.verdict))

    def pool_changed(self, pool):
        """Says once when the last available member went, and when one came back."""
        if not self.on:
            return
        live = pool.status()[0] in ("available", "unknown") and bool(pool.members)
        before = self.pools.get(pool.full_path, True)
        self.pools[pool.full_path] = live
        if before and not live:
            self.write("tmm", "01010028", ERROR, "No members available for pool %s"
                       % pool.full_path)
        elif live and not before:
            self.write("tmm", "01010221", ERROR, "Pool %s now has available members"
                       % pool.full_path)
        self.virtuals_changed(pool)

    def virtuals_changed(self, pool):
        for virtual in self.device.virtuals:
            if virtual.get("pool") in (pool.name, pool.full_path):
                folders = virtual.get("partition", self.device.partition), virtual.get("subPath")
                path = "/".join(["", *filter(None, folders), virtual["name"]])
                live = self.device.virtual_status(virtual)[0] != "offline"
                if self.virtuals.get(path, True) != live:
                    self.write("mcpd", "01071681" if live else "01071682", NOTICE,
                               "SNMP_TRAP: Virtual %s has become %s"
                               % (path, "available" if live else "unavailable"))
                self.virtuals[path] = live

    def groups_moved(self, before, after):
        """What this unit took over, and what it has become if it has become something else."""
        if not self.on:
            return
        role, changed = overall(after), overall(before) != overall(after)
        if changed and role == "active":
            self.write("sod", "010c006d", NOTICE, "Leaving Standby for Active.")
        for path in after:
            if after[path] == "active" != before[path]:
                self.write("sod", "010c0053", NOTICE, "Active for traffic group %s." % path)
        if not changed:
            return
        word = {"active": ("010c0019", "Active")}.get(role, ("010c0018", "Standby"))
        self.write("sod", word[0], NOTICE, word[1])


def named(member):
    """The log writes the address as configured, with its route domain, then colon and port."""
    return "Pool %s member %s:%d" % (member.pool.full_path, member.node_path, member.port)


def failed(member):
    return ", ".join("%s: down; last error: %s" % (name, member.reason)
                     for name in member.pool.monitor_names[:1])


def healthy(member):
    return ", ".join("%s: up" % name for name in member.pool.monitor_names)


def spelled(seconds):
    """As mcpd writes durations: 0hr:12mins:5sec, 1hr:1min:0sec."""
    hours, minutes = int(seconds) // 3600, int(seconds) // 60 % 60
    return "%d%s:%d%s:%dsec" % (hours, "hr" if hours < 2 else "hrs", minutes,
                                "min" if minutes < 2 else "mins", int(seconds) % 60)
