# SPDX-License-Identifier: Apache-2.0
"""The unit's state: pools, members, virtual servers, routes, self IPs, and the status they make.

`lock` guards everything here; the monitors write verdicts, the control socket replaces parts,
requests read.
"""

import ipaddress
import threading
import time

from bigip.addresses import ConfigurationError, canonical, split_member, without_domain
from bigip.configuration import check_role, check_routes, check_self_ips
from bigip.dialect import Dialect
from bigip.generated import generated_pools
from bigip.groups import Groups
from bigip.gtm import Traffic
from bigip.journal import Journal
from bigip.members import DOWN, SESSIONS
from bigip.nodes import Node
from bigip.pools import AVAILABLE, NOT_YET, Pool
from bigip.virtual_addresses import VirtualAddresses


class Device:
    def __init__(self, configuration):
        self.lock = threading.RLock()
        self.configuration = configuration
        self.hostname, self.version = configuration["hostname"], configuration["version"]
        self.dialect = Dialect(self.version)
        self.username, self.password = configuration["username"], configuration["password"]
        self.partition, self.monitor = configuration["partition"], configuration["monitor"]
        self.routes, self.self_ips = configuration["routes"], configuration["selfIPs"]
        self.virtuals, self.live_routes = configuration["virtuals"], configuration["liveRoutes"]
        self.denied, self.clock_offset = configuration["denied"], configuration["clockOffset"]
        self.groups = Groups(self)
        self.role, self.role_since = self.groups.first_role, time.monotonic()
        self.virtual_addresses = VirtualAddresses(self)
        self.blade = (configuration["cluster"] or {}).get("primary", 1)
        self.route_domains = default_domains(configuration)
        self.generation = 1
        self.nodes, self.plain_node = {}, Node("Common", "generated", "")
        self.network_overrides = {}
        self.journal, self.traffic = Journal(self), Traffic(configuration["gtm"])
        self.pair = None
        self.make_pools(configuration)

    def make_pools(self, configuration):
        for raw in configuration["nodes"]:
            address = canonical(raw["address"])
            node = self.node(raw.get("partition", self.partition), raw.get("name", address),
                             address)
            node.become(raw.get("value", "user-enabled"))
        self.pools = [Pool(raw, self) for raw in configuration["pools"]]
        for pool, raw in zip(self.pools, configuration["pools"]):
            pool.replace(raw.get("members", []))
        self.pools += generated_pools(self, configuration["generated"])

    def now(self):
        """The unit's own wall clock, which may be wrong."""
        return time.time() + self.clock_offset

    def default_route_domain(self, partition):
        return self.route_domains.get(partition, 0)

    def members(self):
        """Those that are kept; generated ones are not among them."""
        return [member for pool in self.pools if not pool.generated for member in pool.members]

    def node(self, partition, name, address):
        key = partition, name
        if key not in self.nodes:
            self.nodes[key] = Node(partition, name, address)
        return self.nodes[key]

    def current_nodes(self):
        """Of the members there are, then those configured by themselves."""
        alone = [self.nodes[raw.get("partition", self.partition),
                            raw.get("name", canonical(raw["address"]))]
                 for raw in self.configuration["nodes"]]
        return list(dict.fromkeys([member.node for member in self.members()] + alone))

    def find_pool(self, name):
        """By full path (/K8S/x) or by bare name."""
        for pool in self.pools:
            if name in (pool.full_path, pool.name):
                return pool
        raise ConfigurationError("no pool named %s" % name)

    def touch(self):
        self.generation += 1
        return self.generation

    def replace_members(self, pool_name, given):
        with self.lock:
            pool = self.find_pool(pool_name)
            pool.replace(given)
            pool.generation = self.touch()
            self.journal.pool_changed(pool)

    def replace_routes(self, routes):
        checked = check_routes(routes)
        with self.lock:
            self.routes = checked
            self.touch()

    def replace_live_routes(self, routes):
        if not all("destination" in route for route in routes):
            raise ConfigurationError("a live route needs a destination")
        with self.lock:
            self.live_routes = list(routes)

    def replace_self_ips(self, self_ips):
        checked = check_self_ips(self_ips)
        with self.lock:
            self.self_ips = checked
            self.touch()

    def found(self, member_text, pool_name):
        """Without a pool, that member in every pool."""
        address, port = split_member(member_text)
        pools = [self.find_pool(pool_name)] if pool_name else self.pools
        found = [member for pool in pools for member in pool.members
                 if (member.address, member.port) == (address, port)]
        if not found:
            raise ConfigurationError("no member %s" % member_text)
        return found

    def set_session(self, member_text, pool_name, value):
        if value not in SESSIONS:
            raise ConfigurationError("session must be one of %s" % ", ".join(SESSIONS))
        with self.lock:
            for member in self.found(member_text, pool_name):
                before, member.session = member.session, value
                self.journal.session_changed(member, before)
                self.journal.pool_changed(member.pool)

    def override(self, raw):
        """Members of one key, or of a whole CIDR, show what is asked for instead of their state."""
        fields = dict(DOWN) if raw["fields"] == "down" else raw["fields"]
        with self.lock:
            if "cidr" in raw:
                place(self.network_overrides, ipaddress.ip_network(raw["cidr"]), fields)
                return
            for member in self.found(raw["member"], raw.get("pool")):
                place(member.pool.overrides, member.key, fields)

    def network_override(self, member):
        if not self.network_overrides or member.template:
            return None
        address = ipaddress.ip_address(without_domain(member.address))
        return next((fields for network, fields in self.network_overrides.items()
                     if address in network), None)

    def member_changed(self, member, before, lasted):
        self.journal.member_changed(member, before, lasted)

    def become(self, role):
        check_role(role)
        with self.groups.moved():
            self.role, self.groups.told = role, {}

    def virtual_pool(self, virtual):
        return next((pool for pool in self.pools
                     if virtual.get("pool") in (pool.name, pool.full_path)), None)

    def virtual_status(self, virtual):
        pool = self.virtual_pool(virtual)
        state, enabled, reason = pool.status() if pool else ("unknown", "enabled", NOT_YET)
        if reason == AVAILABLE:
            reason = "The virtual server is available"
        return state, "disabled" if virtual.get("disabled") else enabled, reason


def place(overrides, key, fields):
    if fields is None:
        overrides.pop(key, None)
    else:
        overrides[key] = dict(fields)


def default_domains(configuration):
    """Which route domain a partition's addresses lie in when they name none."""
    domains = {raw["name"]: raw.get("defaultRouteDomain", 0) for raw in configuration["partitions"]}
    for raw in configuration["routeDomains"]:
        names = raw.get("partitionDefault", [])
        for name in [names] if isinstance(names, str) else names:
            domains[name] = raw["id"]
    return domains
