# SPDX-License-Identifier: Apache-2.0
"""One pool member: what its monitor found, what an operator set, and how BIG-IP spells both.

Some wordings were never captured from a real unit and are chosen here: the reason while checking
(a single space, which is known to occur), of a forced-offline member, and of one whose node is
down or disabled.
"""

import time

from bigip.addresses import join, without_domain

SESSIONS = ("user-enabled", "user-disabled", "forced-offline", "user-down")
NO_ANSWER = "No successful responses received before deadline."
NO_CONNECTION = "Unable to connect"
PARTS = ("state", "session", "monitorStatus", "sessionStatus", "availability", "enabled", "reason")
AVAILABILITY = {"up": "available", "down": "offline"}
FORCED, NODE_DOWN = "Forced down", "The parent node is down"
DOWN = {"state": "down", "monitorStatus": "down", "availability": "offline",
        "reason": "/Common/http: No successful responses received before deadline. "
                  "@2026/01/01 00:00:00. "}


class Member:
    """Names in CCCL's form (10.16.3.7%0:80, 2001:db8::1%0.80) or AS3's; `address` has no %0."""

    template = False
    ephemeral = "false"

    def __init__(self, pool, address, port, verdict, now, options=None):
        self.pool, self.address, self.port = pool, address, port
        self.session = "user-enabled"
        self.verdict, self.since = verdict, now
        self.last_success = now
        self.failure, self.reason = NO_ANSWER, ""
        self.been_down = False
        self.transitions = 0
        self.options = options or {}
        self.node = pool.node_of(self)

    @property
    def partition(self):
        return "Common" if self.pool.share_nodes else self.pool.partition

    @property
    def node_name(self):
        if "%" in self.address or self.pool.name_form == "as3":
            return self.address
        return "%s%%%d" % (self.address, self.pool.route_domain)

    @property
    def name(self):
        given = self.options.get("name")
        return given or "%s%s%d" % (self.node_name, "." if ":" in self.address else ":", self.port)

    @property
    def full_path(self):
        return "/%s/%s" % (self.partition, self.name)

    @property
    def node_path(self):
        return "/%s/%s" % (self.partition, self.node_name)

    @property
    def key(self):
        """As the configuration spells it: 10.16.0.10:80 or [2001:db8::1]:80."""
        return join(self.address, self.port)

    @property
    def target(self):
        return without_domain(self.address)

    @property
    def statistics_address(self):
        return self.address

    @property
    def fqdn(self):
        return {"autopopulate": "disabled"}

    @property
    def probed(self):
        return self.verdict != "unchecked" and not self.pool.generated

    def succeeded(self, now):
        self.last_success = now
        if self.verdict != "unchecked":
            self.become("up")

    def expire(self, now, timeout):
        """Down once there was no success for the monitor's timeout."""
        if now >= self.deadline(timeout):
            self.reason = self.pool.failure_text(self.failure)
            self.become("down")

    def deadline(self, timeout):
        if self.verdict in ("down", "unchecked"):
            return float("inf")
        return self.last_success + timeout

    def become(self, verdict):
        if verdict == self.verdict:
            return
        before, lasted = self.verdict, time.monotonic() - self.since
        self.transitions += 1
        self.verdict, self.since = verdict, time.monotonic()
        self.pool.member_changed(self, before, lasted)
        self.been_down = verdict == "down"

    def restart(self, now):
        """As after a rewrite: no verdict until the monitor has one."""
        self.last_success = now
        if self.verdict != "unchecked":
            self.become("checking")

    def standing(self):
        """The row of the state table this member is in, by the names in PARTS."""
        row = dict(zip(PARTS, self.row()))
        row.update(self.pool.override_of(self) or {})
        return row

    def row(self):
        verdict, shown = self.verdict, AVAILABILITY.get(self.verdict, "unknown")
        if self.session == "forced-offline":
            return ("user-down", "user-disabled", "forced-down", "user-disabled", "offline",
                    "disabled", FORCED)
        if self.session == "user-down":
            return ("user-down", "user-enabled", "forced-down", "enabled", "offline", "enabled",
                    FORCED)
        if self.session == "user-disabled":
            return (verdict, "user-disabled", verdict, "user-disabled", shown, "disabled",
                    self.plain_reason(", user disabled"))
        config_session = "user-enabled" if verdict == "unchecked" else "monitor-enabled"
        if self.node.verdict == "down":
            return ("down", config_session, "address-down", "enabled", "offline", "enabled",
                    NODE_DOWN)
        if self.node.session != "user-enabled":
            return (verdict, config_session, verdict, "addr-disabled", shown, "disabled-by-parent",
                    self.plain_reason(", parent disabled"))
        return (verdict, config_session, verdict, "enabled", shown, "enabled",
                self.plain_reason(""))

    def plain_reason(self, suffix):
        if self.verdict == "up":
            return "Pool member is available" + suffix
        if self.verdict == "unchecked":
            return "Pool member does not have service checking enabled"
        return self.reason if self.verdict == "down" else " "
