# SPDX-License-Identifier: Apache-2.0
"""Virtual addresses: one for each address and partition that virtual servers listen on.

"virtualAddresses": {"/K8S/10.50.0.10": {"trafficGroup": "/Common/traffic-group-2",
                                         "enabled": "no", "arp": "disabled"}}
gives some of them other fields than they have by themselves. Control: the same, on top of the
configuration and of this unit only; null instead of the fields takes them back, and
{"virtualAddresses": null} those of every address. A name without partition lies in the unit's own.
"""

from bigip.addresses import ConfigurationError, split_destination
from bigip.groups import LOCAL_ONLY, path_of

SWITCH = ("enabled", "disabled")
CHOICES = {"arp": SWITCH, "icmpEcho": SWITCH + ("selective",), "enabled": ("yes", "no"),
           "floating": SWITCH, "spanning": SWITCH, "autoDelete": ("true", "false"),
           "inheritedTrafficGroup": ("true", "false"), "serverScope": ("any", "all", "none")}
FREE = ("mask", "connectionLimit", "description")


class VirtualAddresses:
    def __init__(self, device):
        self.device = device
        self.sources = dict.fromkeys((virtual.get("partition", device.partition),
                                      split_destination(virtual["destination"])[0])
                                     for virtual in device.virtuals)
        self.paths = {"/%s/%s" % source for source in self.sources}
        self.told, self.generations = {}, {}
        self.configured = self.checked(device.configuration["virtualAddresses"])

    def fields(self, path):
        return dict(self.configured.get(path) or {}, **self.told.get(path, {}))

    def tell(self, raw):
        told = self.checked(dict.fromkeys(self.told) if raw is None else raw)
        with self.device.lock:
            for path, fields in told.items():
                self.told[path] = fields or {}
                self.generations[path] = self.device.touch()

    def checked(self, raw):
        return {self.path(name): fields and self.checked_fields(fields)
                for name, fields in raw.items()}

    def path(self, name):
        path = name if name.startswith("/") else "/%s/%s" % (self.device.partition, name)
        if path not in self.paths:
            raise ConfigurationError("no virtual server listens on %s" % name)
        return path

    def checked_fields(self, fields):
        choices = dict(CHOICES, routeAdvertisement=self.device.dialect.route_advertisements)
        for field, word in fields.items():
            if field not in choices and field not in FREE + ("trafficGroup",):
                raise ConfigurationError("a virtual address has no %s to be set" % field)
            if word not in choices.get(field, (word,)):
                raise ConfigurationError("%s is one of %s" % (field, ", ".join(choices[field])))
        return self.grouped(fields)

    def grouped(self, fields):
        """An address in a group that does not float does not float either."""
        if "trafficGroup" not in fields:
            return dict(fields)
        path = path_of(fields["trafficGroup"])
        if path != LOCAL_ONLY and path not in self.device.groups.paths:
            raise ConfigurationError("no traffic group named %s" % path)
        floating = "disabled" if path == LOCAL_ONLY else "enabled"
        return dict({"floating": floating}, **dict(fields, trafficGroup=path))
