# SPDX-License-Identifier: Apache-2.0
"""What the lab consists of: names and addresses, nothing that acts."""

from dataclasses import dataclass, replace

AS = 64512
POD_SUPERNET = "10.16.0.0/16"
PODS_A_NODE = (10, 11, 12, 13, 14)
# The last number of the addresses of a service's pods, and of its virtual server: those that ConfigMaps in the
# controller's own schema expose, one by a VirtualServer, one by a declaration for AS3.
POOLS = {"web": 10, "api": 11, "shop": 12}
RESOURCE, DECLARED = "cart", "mail"
SERVICES = {**POOLS, RESOURCE: 13, DECLARED: 14}
# Partitions of the LTM that the controller writes; the latter is the declaration's tenant.
PARTITION, TENANT = "K8S", "AS3"
COLLECTOR = "collector"
COLLECTOR_ADDRESS = "192.168.100.1"
LTM = "ltm"
LTM_ADDRESS = "192.168.100.31"
LTM_SELF_ADDRESSES = ("10.3.1.10", "10.3.2.10")


@dataclass(frozen=True)
class Node:
    number: int
    # The third number of its pod CIDR, where that is not the usual one.
    block: int | None = None

    @property
    def name(self):
        return f"n{self.number}"

    @property
    def pod_namespace(self):
        return f"{self.name}-pods"

    @property
    def pod_network(self):
        return f"10.16.{self.number - 1 if self.block is None else self.block}"

    @property
    def cidr(self):
        return f"{self.pod_network}.0/24"

    @property
    def router(self):
        return f"{self.pod_network}.1"

    @property
    def pods(self):
        return [f"{self.pod_network}.{last}" for last in PODS_A_NODE]

    def moved(self, block):
        """The same node with another pod CIDR."""
        return replace(self, block=block)

    @property
    def addresses(self):
        return [f"10.{switch.number}.0.{self.number}" for switch in SWITCHES]

    @property
    def management(self):
        return f"192.168.100.{10 + self.number}"


@dataclass(frozen=True)
class Switch:
    name: str
    number: int

    @property
    def address(self):
        """The switch as the nodes see it."""
        return f"10.{self.number}.0.254"

    @property
    def second_address(self):
        """A node with two cables to the switch sees it so on the second."""
        return f"10.{self.number}.0.253"

    @property
    def ltm_side(self):
        return f"10.3.{self.number}.254"

    @property
    def peer_address(self):
        return f"10.4.0.{self.number}"

    @property
    def peer(self):
        return SWITCHES[2 - self.number]

    @property
    def management(self):
        return f"192.168.100.{20 + self.number}"

    @property
    def uplink(self):
        """The BGP protocol's name in the nodes' BIRD."""
        return f"uplink{self.number - 1}"


NODES = [Node(number) for number in range(1, 7)]
SWITCHES = [Switch("a", 1), Switch("b", 2)]
NAMESPACES = ([node.name for node in NODES] + [node.pod_namespace for node in NODES]
              + [switch.name for switch in SWITCHES] + [LTM, COLLECTOR])


def node(name):
    return next(each for each in NODES if each.name == name)


def switch(name):
    return next(each for each in SWITCHES if each.name == name)
