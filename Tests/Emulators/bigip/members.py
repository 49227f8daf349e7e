# SPDX-License-Identifier: Apache-2.0
"""One pool member: what its monitor found, what an operator set, and how BIG-IP spells both.

Two wordings were never captured from a real unit: the reason while checking (a single space is
used, which is known to occur) and the reason of a forced-offline member ("Forced down").
"""

import time

SESSIONS = ("user-enabled", "user-disabled", "forced-offline")
NO_ANSWER = "No successful responses received before deadline."
NO_CONNECTION = "Unable to connect"


class Member:
    """Names in CCCL's form: 10.16.3.7%0:80 and 2001:db8::1%0.80; `address` has no %0."""

    def __init__(self, pool, address, port, monitored, now):
        self.pool, self.address, self.port = pool, address, port
        self.session = "user-enabled"
        self.verdict = "checking" if monitored else "unchecked"
        self.last_success = now
        self.failure = NO_ANSWER
        self.reason = ""
        self.transitions = 0

    @property
    def partition(self):
        return self.pool.partition

    @property
    def node_name(self):
        return self.address + "%0"

    @property
    def name(self):
        return "%s%s%d" % (self.node_name, "." if ":" in self.address else ":", self.port)

    @property
    def full_path(self):
        return "/%s/%s" % (self.partition, self.name)

    @property
    def key(self):
        """As the configuration spells it: 10.16.0.10:80 or [2001:db8::1]:80."""
        return ("[%s]:%d" if ":" in self.address else "%s:%d") % (self.address, self.port)

    def succeeded(self, now):
        self.last_success = now
        if self.verdict != "unchecked":
            self.become("up")

    def expire(self, now, monitor):
        """Down once there was no success for the monitor's timeout."""
        if now >= self.deadline(monitor):
            stamp = time.strftime("%Y/%m/%d %H:%M:%S")
            self.reason = "%s: %s @%s. " % (monitor["name"], self.failure, stamp)
            self.become("down")

    def deadline(self, monitor):
        if self.verdict in ("down", "unchecked"):
            return float("inf")
        return self.last_success + monitor["timeout"]

    def become(self, verdict):
        self.transitions += verdict != self.verdict
        self.verdict = verdict

    @property
    def config_state(self):
        return "user-down" if self.session == "forced-offline" else self.verdict

    @property
    def config_session(self):
        if self.session != "user-enabled":
            return "user-disabled"
        return "user-enabled" if self.verdict == "unchecked" else "monitor-enabled"

    @property
    def monitor_status(self):
        return "forced-down" if self.session == "forced-offline" else self.verdict

    @property
    def session_status(self):
        return "enabled" if self.session == "user-enabled" else "user-disabled"

    @property
    def availability(self):
        if self.session == "forced-offline":
            return "offline"
        return {"up": "available", "down": "offline"}.get(self.verdict, "unknown")

    @property
    def enabled(self):
        return "enabled" if self.session == "user-enabled" else "disabled"

    @property
    def status_reason(self):
        if self.session == "forced-offline":
            return "Forced down"
        if self.verdict == "up":
            suffix = "" if self.session == "user-enabled" else ", user disabled"
            return "Pool member is available" + suffix
        if self.verdict == "unchecked":
            return "Pool member does not have service checking enabled"
        return self.reason if self.verdict == "down" else " "
