# SPDX-License-Identifier: Apache-2.0
"""Node objects: the addresses below the members, which an operator or a monitor may take away."""

from bigip.addresses import ConfigurationError

VALUES = {"user-enabled": ("user-enabled", "unchecked"), "up": ("user-enabled", "up"),
          "down": ("user-enabled", "down"), "user-disabled": ("user-disabled", "unchecked"),
          "forced-offline": ("forced-offline", "down")}
AVAILABILITY = {"up": "available", "down": "offline"}
REASONS = {"up": "Node address is available", "down": "Node address is not responding",
           "unchecked": "Node address does not have service checking enabled"}


class Node:
    def __init__(self, partition, name, address):
        self.partition, self.name, self.address = partition, name, address
        self.session, self.verdict = "user-enabled", "unchecked"

    @property
    def full_path(self):
        return "/%s/%s" % (self.partition, self.name)

    def become(self, value):
        if value not in VALUES:
            raise ConfigurationError("node must be one of %s" % ", ".join(VALUES))
        self.session, self.verdict = VALUES[value]

    @property
    def config(self):
        """(session, state, monitor)"""
        if self.session == "forced-offline":
            return "user-disabled", "user-down", "default"
        if self.session == "user-disabled" or self.verdict == "unchecked":
            return self.session, self.verdict, "default"
        return "monitor-enabled", self.verdict, "/Common/icmp"

    @property
    def statistics(self):
        """(monitorStatus, sessionStatus, availabilityState, enabledState, statusReason)"""
        disabled = self.session != "user-enabled"
        status = "forced-down" if self.session == "forced-offline" else self.verdict
        return (status, "user-disabled" if disabled else "enabled",
                AVAILABILITY.get(self.verdict, "unknown"), "disabled" if disabled else "enabled",
                REASONS[self.verdict])


def tell(device, raw):
    """A control command's {"node": address, "value": …, "partition"?: …}."""
    with device.lock:
        found = [node for node in device.current_nodes()
                 if node.address == raw["node"] or node.full_path == raw["node"]]
        found = [node for node in found if raw.get("partition", node.partition) == node.partition]
        if not found:
            raise ConfigurationError("no node %s" % raw["node"])
        for node in found:
            before = node.verdict
            node.become(raw["value"])
            device.journal.node_changed(node, before)
