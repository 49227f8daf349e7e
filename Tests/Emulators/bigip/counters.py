# SPDX-License-Identifier: Apache-2.0
"""What was asked of the emulator.

Tests read it to check that the collector is gentle: one request in flight, one login a token life.
"""

import re
import threading
from collections import Counter

MOST_PATHS = 4096
MOST_OVERLAPS = 8


def without_token(path):
    """A token is a credential and appears in one path."""
    return re.sub(r"(/authz/tokens/)[^/?]+", r"\1(token)", path)


class Counters:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = self.in_flight = self.max_in_flight = self.connections = 0
        self.named = Counter()
        self.overlaps, self.last = [], ""
        self.paths, self.statuses = Counter(), Counter()

    def enter(self, path):
        with self.lock:
            self.requests += 1
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            if self.in_flight > 1 and len(self.overlaps) < MOST_OVERLAPS:
                self.overlaps.append(f"{self.last} and {path}")
            self.last = path
            known = path in self.paths or len(self.paths) < MOST_PATHS
            self.paths[path if known else "(others)"] += 1

    def leave(self, status):
        """Called before the answer's first byte: who has an answer may ask again at once."""
        with self.lock:
            self.in_flight -= 1
            self.statuses[str(status)] += 1

    def connected(self):
        with self.lock:
            self.connections += 1

    def count(self, name):
        with self.lock:
            self.named[name] += 1

    def dump(self):
        with self.lock:
            return {"requests": self.requests, "inFlight": self.in_flight,
                    "maxInFlight": self.max_in_flight, "overlaps": list(self.overlaps),
                    "connections": self.connections, "logins": self.named["logins"],
                    "refusedLogins": self.named["refusedLogins"], "basic": self.named["basic"],
                    "writes": self.named["writes"], "bash": self.named["bash"],
                    "paths": dict(self.paths),
                    "statuses": dict(self.statuses)}
