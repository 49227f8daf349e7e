# SPDX-License-Identifier: Apache-2.0
"""Pools for measuring: members that are simply up, thought up when they are asked for.

"generated": {"pools": 1500, "membersPerPool": 100, "supernet": "10.0.0.0/8", "prefix": 24,
              "nodes"?, "port"?: 80, "partition"?, "name"?: "generated-%d", "nameForm"?}

Member i of all (pool * membersPerPool + member) lives on node i modulo `nodes`, with an address in
that node's prefix, as pods do. Unless told otherwise ten members share a node. Nothing of a member
is kept; only pools are, and what control commands changed.
"""

import ipaddress
import time
from collections.abc import Sequence

from bigip.addresses import ConfigurationError
from bigip.members import Member
from bigip.pools import AVAILABLE, Pool

DEFAULTS = {"pools": 1, "membersPerPool": 1, "supernet": "10.0.0.0/8", "prefix": 24, "port": 80,
            "name": "generated-%d", "nameForm": "cccl"}
FIRST_HOST = 2


class Layout:
    """Where member i has its address."""

    def __init__(self, raw):
        settings = dict(DEFAULTS, **raw)
        supernet = ipaddress.ip_network(settings["supernet"])
        self.each = settings["membersPerPool"]
        total = settings["pools"] * self.each
        self.nodes = settings.get("nodes") or max(self.each, total // 10, 1)
        self.first = int(supernet.network_address)
        self.size = 1 << (supernet.max_prefixlen - settings["prefix"])
        self.kind = type(supernet.network_address)
        self.port = settings["port"]
        hosts = FIRST_HOST + -(-total // self.nodes)
        if self.nodes * self.size > supernet.num_addresses or hosts > self.size - 1:
            raise ConfigurationError("the generated members do not fit into the supernet")

    def address(self, number):
        node, host = number % self.nodes, FIRST_HOST + number // self.nodes
        return str(self.kind(self.first + node * self.size + host))


class GeneratedMembers(Sequence):
    """Looks like a list; makes a member whenever one is looked at."""

    def __init__(self, pool):
        self.pool = pool

    def __len__(self):
        return self.pool.layout.each

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self.made(number) for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.made(index % len(self))

    def __iter__(self):
        return map(self.made, range(len(self)))

    def made(self, number):
        pool = self.pool
        address = pool.layout.address(pool.number * pool.layout.each + number)
        return Member(pool, address, pool.layout.port, "up", pool.started)


class GeneratedPool(Pool):
    generated = True

    def __init__(self, raw, device, layout, number):
        super().__init__(raw, device)
        self.layout, self.number, self.started = layout, number, time.monotonic()
        self.members = GeneratedMembers(self)

    def node_of(self, member):
        """Nodes of generated members are not kept either."""
        return self.device.plain_node

    def made(self, each):
        members = super().made(each)
        for member in members:
            member.verdict = "up"
        return members

    @property
    def untouched(self):
        return not self.overrides and not self.device.network_overrides

    def counts(self):
        return (len(self.members),) * 3 if self.untouched else super().counts()

    def status(self):
        if self.untouched and self.members:
            return "available", "enabled", AVAILABLE
        return super().status()


def generated_pools(device, raw):
    if not raw:
        return []
    layout, settings = Layout(raw), dict(DEFAULTS, **raw)
    shared = {key: raw[key] for key in ("partition", "nameForm", "subPath") if key in raw}
    return [GeneratedPool(dict(shared, name=settings["name"] % number), device, layout, number)
            for number in range(settings["pools"])]
