# SPDX-License-Identifier: Apache-2.0
"""Faults on request.

Each has a kind, and optionally `count` (so many requests, then healthy) and `path` (a part of the
request's path and query).

status           code, variant?   an error with its real body (listed in rest/errors.FAITHFUL)
slow             seconds          answers late, otherwise well
cut              fraction?        full Content-Length, that fraction of the body, then the end
empty                             200 with items and entries left out
reset                             the connection ends with a TCP reset, without an answer
garbage                           200 with an HTML page
mcp-not-running  phase?           sys/mcp-state and sys/ready say: configuration not loaded
standby                           cm/device and cm/failover-status say standby
token-lost                        every token is forgotten, once, at once
"""

import threading
from urllib.parse import unquote

from bigip.configuration import ConfigurationError
from bigip.rest.errors import DEFAULT_VARIANT, FAITHFUL

KINDS = ("status", "slow", "cut", "empty", "reset", "garbage", "mcp-not-running", "standby",
         "token-lost")
SCOPES = {"mcp-not-running": ("/sys/mcp-state", "/sys/ready"),
          "standby": ("/cm/device", "/cm/failover-status")}


class Misbehaviours:
    def __init__(self):
        self.lock = threading.Lock()
        self.active = []

    def replace(self, raw):
        """One description, a list of them, or None for none; gives back the kinds."""
        wanted = [] if raw is None else raw if isinstance(raw, list) else [raw]
        checked = [check(dict(each)) for each in wanted]
        with self.lock:
            self.active = [each for each in checked if each["kind"] != "token-lost"]
        return [each["kind"] for each in checked]

    def take(self, path):
        """The faults this request meets, by kind; each use counts."""
        with self.lock:
            met = [each for each in self.active if applies(each, path)]
            for each in met:
                if each.get("count") is not None:
                    each["count"] -= 1
            self.active = [each for each in self.active if each.get("count") != 0]
            return {each["kind"]: each for each in met}

    def dump(self):
        with self.lock:
            return [dict(each) for each in self.active]


def applies(each, path):
    scope = SCOPES.get(each["kind"])
    if scope and not any(part in path for part in scope):
        return False
    return each.get("path", "") in path or each.get("path", "") in unquote(path)


def check(raw):
    if raw.get("kind") not in KINDS:
        raise ConfigurationError("misbehaviour kind must be one of %s" % ", ".join(KINDS))
    count = raw.get("count")
    if count is not None and not (isinstance(count, int) and count > 0):
        raise ConfigurationError("count must be a number above 0 or null")
    if raw["kind"] == "status" and (raw.get("code"), variant(raw)) not in FAITHFUL:
        raise ConfigurationError("no such error; known: %s" % ", ".join("%d %s" % pair
                                                                        for pair in FAITHFUL))
    for key, default in (("seconds", 5), ("fraction", 0.5)):
        raw[key] = float(raw.get(key, default))
    if not 0 <= raw["fraction"] < 1 or not 0 <= raw["seconds"] <= 3600:
        raise ConfigurationError("fraction is at least 0 and below 1, seconds between 0 and 3600")
    return raw


def variant(raw):
    return raw.get("variant") or DEFAULT_VARIANT.get(raw.get("code"))
