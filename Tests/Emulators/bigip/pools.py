# SPDX-License-Identifier: Apache-2.0
"""A pool: its members, the monitor rule over them, and the status they make together."""

import re
import time

from bigip.addresses import ConfigurationError, canonical, split_member
from bigip.fqdn import Ephemeral, Template
from bigip.members import Member

NOT_YET = ("The children pool member(s) either don't have service checking enabled, "
           "or service check results are not available yet")
CHILDREN_DOWN = "The children pool member(s) are down"
CHILDREN_DISABLED = "The children pool member(s) might be disabled"
AVAILABLE = "The pool is available"
NAME_FORMS = ("cccl", "as3")


class Pool:
    generated = False

    def __init__(self, raw, device):
        self.raw, self.device, self.name = raw, device, raw["name"]
        self.partition = raw.get("partition", device.partition)
        self.sub_path = raw.get("subPath")
        self.share_nodes = raw.get("shareNodes", False)
        self.name_form = raw.get("nameForm", "cccl")
        if self.name_form not in NAME_FORMS:
            raise ConfigurationError("nameForm must be one of %s" % ", ".join(NAME_FORMS))
        rule = raw.get("monitor", device.monitor["name"])
        self.rule = rule if raw.get("monitored", True) else None
        self.generation = 1
        self.members = []
        self.overrides = {}

    @property
    def monitored(self):
        return bool(self.rule)

    @property
    def full_path(self):
        folder = self.partition + ("/" + self.sub_path if self.sub_path else "")
        return "/%s/%s" % (folder, self.name)

    @property
    def route_domain(self):
        return self.device.default_route_domain(self.partition)

    @property
    def statistics_rule(self):
        """Statistics write `min 1 of` without its braces."""
        return re.sub(r"\s*[{}]\s*", " ", self.rule).strip() if self.rule else "none"

    @property
    def monitor_names(self):
        return re.findall(r"/\S+", self.rule or "") or [self.device.monitor["name"]]

    def node_of(self, member):
        return self.device.node(member.partition, member.node_name, member.address)

    def failure_text(self, failure):
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(self.device.now()))
        return self.device.dialect.failure(self.monitor_names, failure, stamp)

    def override_of(self, member):
        own = self.overrides.get(member.key) if self.overrides else None
        return own or self.device.network_override(member)

    def member_changed(self, member, before, lasted):
        self.device.member_changed(member, before, lasted)

    def replace(self, given):
        """Members already present keep their state; new ones start checking."""
        known = {member.key: member for member in self.members}
        wanted = {}
        for each in given:
            for member in self.made(each):
                wanted[member.key] = known.get(member.key, member)
        self.members = list(wanted.values())

    def made(self, each):
        """The members one line of configuration stands for."""
        now, verdict = time.monotonic(), "checking" if self.monitored else "unchecked"
        if isinstance(each, dict) and "fqdn" in each:
            children = [Ephemeral(self, canonical(text), int(each["port"]), verdict, now, each)
                        for text in each.get("addresses", [])]
            return [Template(self, each, now)] + children
        options = each if isinstance(each, dict) else {"member": each}
        address, port = split_member(options["member"])
        return [Member(self, address, port, verdict, now, options)]

    def counts(self):
        """(active, available, all): an unchecked member is available but not active."""
        rows = [member.standing() for member in self.members if not member.template]
        live = [row for row in rows if row["availability"] != "offline"]
        active = [row for row in live
                  if (row["availability"], row["enabled"]) == ("available", "enabled")]
        return len(active), len(live), len(rows)

    def status(self):
        """(availabilityState, enabledState, statusReason)"""
        rows = [member.standing() for member in self.members if not member.template]
        pairs = {(row["availability"], row["enabled"].replace("-by-parent", "")) for row in rows}
        if ("available", "enabled") in pairs:
            return "available", "enabled", AVAILABLE
        if not pairs or ("unknown", "enabled") in pairs:
            return "unknown", "enabled", NOT_YET
        if ("available", "disabled") in pairs:
            return "available", "disabled-by-parent", CHILDREN_DISABLED
        if ("unknown", "disabled") in pairs:
            return "unknown", "disabled-by-parent", NOT_YET
        return "offline", "enabled", CHILDREN_DOWN
