# SPDX-License-Identifier: Apache-2.0
"""Traffic groups: what floats between two units, and which of them carries it.

"trafficGroups": {"traffic-group-2": "ltm-2.lab"} gives groups beside traffic-group-1 and the
hostname of the unit they are at home on, this one or its peer. traffic-group-1 may be named too;
otherwise it is at home on the unit whose `role` is active, so name it if both are. A unit of role
standby that is home to a group begins active.

An active unit carries the groups at home on it, and those of a peer that is not active; a unit of
any other role carries none. So a failover moves every group, and two roles of active give each
unit its own back. Without further groups nothing has a home: whoever is active carries
traffic-group-1, and two active units both do.

Control: {"trafficGroups": {"traffic-group-2": "active", "standby" or null}} tells one unit about
single groups, against its role; the peer is told what this one says and moves nothing. null takes
one back, {"trafficGroups": null} all; a new role or a failover forgets them too. A unit that
carries a group says active; one that is up and carries none says standby.
"""

import time
from contextlib import contextmanager

from bigip.addresses import ConfigurationError

FIRST, LOCAL_ONLY = "/Common/traffic-group-1", "/Common/traffic-group-local-only"
WORDS = ("active", "standby")


class Groups:
    """Groups go by full path; a unit's states are one word for each of them."""

    def __init__(self, device):
        configuration = device.configuration
        self.device, self.hostname = device, configuration["hostname"]
        peer, role = configuration["peer"] or {}, configuration["role"]
        self.peer_name = peer.get("hostname")
        usual = peer.get("role", "standby" if role == "active" else "active")
        self.homes = homes(configuration)
        self.paths = list(dict.fromkeys([FIRST] + list(self.homes)))
        self.first_role = self.begun(self.hostname, role)
        self.peer_role = self.begun(self.peer_name, usual)
        self.told, self.peer_told = {}, {}

    def begun(self, hostname, role):
        return "active" if role == "standby" and hostname in self.homes.values() else role

    def own(self):
        role = self.device.role
        return {path: self.told.get(path, word) if role in WORDS else word
                for path, word in self.shared(self.hostname, role, self.peer_role)}

    def peers(self):
        role = self.peer_role
        return {path: self.peer_told.get(path, word) if role in WORDS else word
                for path, word in self.shared(self.peer_name, role, self.device.role)}

    def shared(self, hostname, role, other):
        """What the two roles make of each group."""
        for path in self.paths:
            away = other == "active" and self.homes.get(path, hostname) != hostname
            yield path, "standby" if role == "active" and away else role

    def carries(self, path):
        return self.own()[path] == "active"

    def unit_of(self, path):
        """The number of a group; what does not float has none."""
        return self.paths.index(path) + 1 if path in self.paths else 0

    def tell(self, raw):
        told = {path_of(name): word for name, word in (raw or {}).items()}
        if not set(told) <= set(self.paths):
            raise ConfigurationError("traffic groups: %s" % ", ".join(self.paths))
        if not set(told.values()) <= {*WORDS, None}:
            raise ConfigurationError("a traffic group is active, standby or null")
        with self.moved():
            kept = dict(self.told, **told) if raw is not None else {}
            self.told = {path: word for path, word in kept.items() if word}

    def peer_said(self, raw):
        with self.moved():
            if "peerRole" in raw:
                self.peer_role, self.peer_told = raw["peerRole"], {}
            self.peer_told = raw.get("peerGroups", self.peer_told)

    @contextmanager
    def moved(self):
        """Around whatever may move a group: the log tells it, and how long it is so begins anew."""
        device = self.device
        with device.lock:
            before = self.own()
            yield
            after = self.own()
            if overall(before) != overall(after):
                device.role_since = time.monotonic()
            if before != after:
                device.journal.groups_moved(before, after)


def path_of(name):
    return name if name.startswith("/") else "/Common/" + name


def homes(configuration):
    given = {path_of(name): hostname for name, hostname in configuration["trafficGroups"].items()}
    if not given or FIRST in given:
        return given
    alone = configuration["role"] == "active" or not configuration["peer"]
    home = configuration["hostname"] if alone else configuration["peer"]["hostname"]
    return {FIRST: home, **given}


def overall(states):
    """What a unit says of itself."""
    words = list(states.values())
    return "active" if "active" in words else words[0]
