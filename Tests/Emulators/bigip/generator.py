# SPDX-License-Identifier: Apache-2.0
"""What a controller in the cluster does to pools, well or badly.

{"generator": {"behaviour": …, "pool"?: NAME (every pool with members unless told)}}; null ends it
and leaves the members as they are.

rewrite      every member goes checking, as when the declaration is written anew
delete-add   seconds    members vanish and are added again after so long
emptied      seconds    the same for a pool whose controller lost the cluster: at once empty
two-writers  first, second, seconds   two lists in turn, each for so long
stale        member     the member of a deleted pod stays
ip-reuse     member, from   the address moves from the pool `from` to `pool`
busy         seconds    AS3 answers 503, as do reads below ltm
"""

import threading
import time

from bigip.addresses import ConfigurationError, split_member

BEHAVIOURS = ("rewrite", "delete-add", "emptied", "two-writers", "stale", "ip-reuse", "busy")


class Generator:
    """`write` is the same as the control command `members`."""

    def __init__(self, device, monitors, misbehaviours, write):
        self.device, self.monitors, self.write = device, monitors, write
        self.misbehaviours = misbehaviours
        self.stop = threading.Event()

    def tell(self, raw):
        self.stop.set()
        if raw is None:
            return
        behaviour = raw.get("behaviour")
        if behaviour not in BEHAVIOURS:
            raise ConfigurationError("behaviour must be one of %s" % ", ".join(BEHAVIOURS))
        self.stop = threading.Event()
        getattr(self, behaviour.replace("-", "_"))(raw, self.seconds(raw))

    @staticmethod
    def seconds(raw):
        seconds = float(raw.get("seconds", 10))
        if not 0 < seconds <= 86400:
            raise ConfigurationError("seconds must be above 0")
        return seconds

    def pools(self, raw):
        if "pool" in raw:
            return [self.device.find_pool(raw["pool"])]
        return [pool for pool in self.device.pools if pool.members and not pool.generated]

    def rewrite(self, raw, _):
        with self.device.lock:
            for pool in self.pools(raw):
                for member in pool.members:
                    if not member.template:
                        member.restart(time.monotonic())
                pool.generation = self.device.touch()

    def emptied(self, raw, seconds):
        """And filled again, unless it is ended before."""
        with self.device.lock:
            kept = {pool.full_path: current(pool) for pool in self.pools(raw)}
        self.write({path: [] for path in kept})
        self.afterwards(seconds, lambda: self.write(kept))

    delete_add = emptied

    def two_writers(self, raw, seconds):
        pool = self.pools(raw)[0].full_path
        lists = [raw["first"], raw["second"]]
        self.write({pool: lists[0]})
        stop = self.stop

        def alternate():
            turn = 0
            while not stop.wait(seconds):
                turn = 1 - turn
                self.write({pool: lists[turn]})

        threading.Thread(target=alternate, daemon=True).start()

    def stale(self, raw, _):
        pool = self.pools(raw)[0]
        self.write({pool.full_path: current(pool) + [raw["member"]]})

    def ip_reuse(self, raw, _):
        wanted = split_member(raw["member"])
        source, target = self.device.find_pool(raw["from"]), self.pools(raw)[0]
        left = [each for each in current(source)
                if not isinstance(each, str) or split_member(each) != wanted]
        self.write({source.full_path: left, target.full_path: current(target) + [raw["member"]]})

    def busy(self, _, seconds):
        self.misbehaviours.add({"kind": "as3-busy", "for": seconds})
        self.misbehaviours.add({"kind": "status", "code": 503, "variant": "task", "path": "/tm/ltm",
                                "for": seconds})

    def afterwards(self, seconds, act):
        stop = self.stop

        def wait():
            if not stop.wait(seconds):
                act()

        threading.Thread(target=wait, daemon=True).start()


def current(pool):
    """The members as a configuration would spell them."""
    spelled = []
    for member in pool.members:
        if member.ephemeral == "false":
            options = member.options
            spelled.append(options if "fqdn" in options or len(options) > 1 else member.key)
    return spelled
