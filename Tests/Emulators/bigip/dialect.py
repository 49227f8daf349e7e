# SPDX-License-Identifier: Apache-2.0
"""What a TMOS release writes and what it does not: the differences a reader must survive.

11.x   no ephemeral, no fqdn on members; GTM without types; one fixed text for a failed monitor
12.x   nameReference on members; a space behind a pool's monitor (until 13.0)
13.x   availableMemberCnt; virtual addresses are advertised in more ways than one; one object's
       statistics are keyed by its name twice (until here)
14.x   priority group counters; keys are full paths
16.x   message routing counters; keys differ from selfLinks; reasons of several parts
"""

import re

from bigip.addresses import ConfigurationError

OLD_FAILURE = "Pool member has been marked down by a monitor"


class Dialect:
    def __init__(self, version):
        match = re.fullmatch(r"(\d+)\.(\d+)(\.\w+)*", str(version))
        if not match:
            raise ConfigurationError("version must look like 13.1.3")
        self.version = version
        self.number = number = int(match.group(1)), int(match.group(2))
        self.has_fqdn = number >= (12, 0)
        self.name_reference = number[0] == 12
        self.typed_gtm = number >= (12, 0)
        self.available_count = number >= (13, 0)
        self.route_advertisements = ("enabled", "disabled")
        if number >= (13, 0):
            self.route_advertisements += ("selective", "any", "all", "always")
        self.priority_groups = number >= (14, 0)
        self.message_routing = number >= (16, 0)
        self.profiles = number >= (16, 0)
        self.infinite_capacity = number >= (14, 0)
        self.space = " " if number < (13, 1) else ""

    def statistics_path(self, path, single):
        """(key, selfLink) of one object's entry, both below /mgmt/tm."""
        doubled = "%s/%s/stats" % (path, path.rsplit("/", 1)[-1])
        if self.number >= (16, 0):
            return doubled, path + "/stats"
        if self.number < (14, 0) and single:
            return doubled, doubled
        return path + "/stats", path + "/stats"

    def failure(self, monitors, text, stamp):
        """statusReason of a member whose monitors failed."""
        if self.number < (12, 0):
            return OLD_FAILURE
        told = monitors if self.number >= (16, 0) else monitors[:1]
        return "".join("%s: %s @%s. " % (name, text, stamp) for name in told)
