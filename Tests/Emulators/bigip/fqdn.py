# SPDX-License-Identifier: Apache-2.0
"""Members given by a name: the template, and the ephemeral members its addresses become."""

from bigip.members import Member

STATES = {"fqdn-up": "available", "fqdn-up-no-addr": "available", "fqdn-down": "offline",
          "fqdn-checking": "unknown"}
RESOLVES = "The DNS server(s) are available"
DOES_NOT = "The DNS server(s) are not available"


class Template(Member):
    """The configured name: never probed, and not a member that traffic reaches."""

    template = True
    probed = False

    def __init__(self, pool, options, now):
        self.label = options.get("name", options["fqdn"])
        super().__init__(pool, "any6", int(options["port"]), "unchecked", now, options)
        found = "fqdn-up" if options.get("addresses") else "fqdn-up-no-addr"
        self.state = options.get("state", found)

    @property
    def node_name(self):
        return self.label

    @property
    def name(self):
        return "%s:%d" % (self.label, self.port)

    @property
    def key(self):
        return "%s:%d" % (self.options["fqdn"], self.port)

    @property
    def statistics_address(self):
        return "::"

    @property
    def fqdn(self):
        return {"addressFamily": "ipv4", "autopopulate": "enabled", "downInterval": 5,
                "interval": "3600", "tmName": self.options["fqdn"]}

    def row(self):
        availability = STATES.get(self.state, "unknown")
        reason = {"available": RESOLVES, "offline": DOES_NOT}.get(availability, " ")
        return self.state, "user-enabled", self.state, "enabled", availability, "enabled", reason


class Ephemeral(Member):
    """One address the name resolved to; monitored like any other member."""

    ephemeral = "true"

    @property
    def node_name(self):
        return "_auto_" + self.address.replace(":", ".")

    @property
    def name(self):
        return "%s:%d" % (self.node_name, self.port)

    @property
    def fqdn(self):
        return {"autopopulate": "enabled", "tmName": self.options["fqdn"]}
