# SPDX-License-Identifier: Apache-2.0
"""Faults on request.

Each has a kind, and optionally `path` (a part of the request's path and query), `count` (so many
requests, then healthy), `skip` (so many requests are spared first), `for` (so many seconds, then
healthy) and `after` (so many seconds are spared first).

status           code, variant?   an error with its real body (listed in rest/errors.FAITHFUL)
late-error       seconds?, code?, variant?  the same after a while; 30 s and 500 async unless told
slow             seconds          answers late, otherwise well
empty                             200 with items and entries left out
reset                             the connection ends with a TCP reset, without an answer
garbage                           200 with an HTML page
mcp-not-running  phase?           sys/mcp-state and sys/ready say: configuration not loaded
standby                           cm/device, cm/failover-status and cm/traffic-group say standby
as3-busy                          AS3 is working: its path, and with status 503 as3 any other
restart          seconds?, phases?, phase?, ready?  faults/restart.py
token-lost                        every token is forgotten, once
token-expired                     every token expires, once
failover                          this unit becomes standby and its peer active, once
token-life       seconds          tokens given live so long and say otherwise
token-limit                       logins are refused: too many live tokens
token-address                     tokens given are tied to another address
other-address                     requests seem to come from another address than the login
clock-offset     seconds, only?   times in token answers are that far off; only "expiration"
drop-connections                  every connection ends, once
What happens once happens at once, or, with `path`, `skip` or `after`, before the request meant.

Bytes: faults/damage.py. Pages and lists: faults/paging.py. Meaning: faults/meaning.py.
"""

import threading
import time
from urllib.parse import unquote

from bigip.addresses import ConfigurationError
from bigip.faults import meaning, restart
from bigip.faults.damage import DAMAGES
from bigip.faults.delivery import KINDS as DELIVERIES
from bigip.rest.errors import DEFAULT_VARIANT, FAITHFUL

ONCE = ("token-lost", "token-expired", "failover", "drop-connections")
LATER = ("path", "skip", "after")
TOKENS = ("token-life", "token-limit", "token-address", "other-address", "clock-offset")
PAGING = ("partial", "no-access", "repeat-page", "moving-member", "moving-total", "next-link")
MEANING = ("key-form", "generation", "frozen-statistics", "missing-member", "pool-level")
KINDS = ("status", "late-error", "slow", "empty", "reset", "garbage", "mcp-not-running", "standby",
         "as3-busy", "restart") + ONCE + TOKENS + PAGING + MEANING + DELIVERIES + tuple(DAMAGES)
SCOPES = {"mcp-not-running": ("/sys/mcp-state", "/sys/ready"),
          "standby": ("/cm/device", "/cm/failover-status", "/cm/traffic-group", "/sys/failover"),
          "token-limit": ("/authn/login",), "token-life": ("/authn/login",),
          "token-address": ("/authn/login",), "as3-busy": ("/appsvcs/",)}
NEEDED = {"no-access": ("partition",), "next-link": ("form",), "token-life": ("seconds",)}


class Misbehaviours:
    def __init__(self):
        self.lock = threading.Lock()
        self.active = []
        self.acts = {}

    def replace(self, raw):
        """One description, a list of them, or None for none; gives back the descriptions."""
        wanted = [] if raw is None else raw if isinstance(raw, list) else [raw]
        checked = [check(dict(each)) for each in wanted]
        with self.lock:
            self.active = [each for each in checked if not at_once(each)]
        for each in filter(at_once, checked):
            self.acts[each["kind"]]()
        return checked

    def add(self, raw):
        with self.lock:
            self.active.append(check(dict(raw)))

    def take(self, path):
        """The faults this request meets, by kind; each use counts."""
        with self.lock:
            self.purge()
            met = [each for each in self.active if applies(each, path) and not spared(each)]
            for each in met:
                if each.get("count") is not None:
                    each["count"] -= 1
            self.purge()
        found = {each["kind"]: each for each in met}
        for kind in set(found) & set(ONCE):
            self.act(kind)
        if "restart" in found:
            found.update(restart.faults_now(found["restart"], path))
        return found

    def act(self, kind):
        """In the middle of requests there is nobody to tell that it cannot be done."""
        try:
            self.acts[kind]()
        except ConfigurationError:
            pass

    def purge(self):
        now = time.monotonic()
        self.active = [each for each in self.active
                       if each.get("count") != 0 and each.get("_until", now + 1) > now]

    def dump(self):
        with self.lock:
            self.purge()
            return [{key: each[key] for key in each if not key.startswith("_")}
                    for each in self.active]


def at_once(each):
    return each["kind"] in ONCE and not any(key in each for key in LATER)


def spared(each):
    if time.monotonic() < each["_from"]:
        return True
    if each.get("skip"):
        each["skip"] -= 1
        return True
    return False


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
    missing = [key for key in NEEDED.get(raw["kind"], ()) if key not in raw]
    if missing:
        raise ConfigurationError("%s needs %s" % (raw["kind"], ", ".join(missing)))
    if raw["kind"] in ONCE:
        raw["count"] = 1
    check_error(raw)
    check_numbers(raw)
    check_words(raw)
    return timed(raw)


def check_error(raw):
    if raw["kind"] == "late-error":
        raw.setdefault("code", 500)
        raw["variant"] = raw.get("variant") or {500: "async"}.get(raw["code"])
        raw.setdefault("seconds", 30)
    if raw["kind"] in ("status", "late-error") and (raw.get("code"), variant(raw)) not in FAITHFUL:
        raise ConfigurationError("no such error; known: %s" % ", ".join("%d %s" % pair
                                                                        for pair in FAITHFUL))


def check_numbers(raw):
    longest = 1e9 if raw["kind"] == "clock-offset" else 3600
    for key, default in (("seconds", 30 if raw["kind"] == "restart" else 5), ("fraction", 0.5)):
        if key in raw or raw["kind"] not in ("chunked", "cut"):
            raw[key] = float(raw.get(key, default))
    least = -longest if raw["kind"] == "clock-offset" else 0
    if not 0 <= raw.get("fraction", 0) < 1 or not least <= raw.get("seconds", 0) <= longest:
        raise ConfigurationError("fraction is at least 0 and below 1, seconds between 0 and 3600")
    for key in ("for", "after", "skip", "perSecond", "size", "depth"):
        if raw.get(key) is not None and not 0 < float(raw[key]) <= 1e6:
            raise ConfigurationError("%s must be a number above 0" % key)


def check_words(raw):
    known = {"next-link": ("form", ("encoded", "plain", "no-equals")),
             "key-form": ("form", meaning.KEY_FORMS), "cut": ("length", ("full", "none", "short")),
             "restart": ("phase", restart.PHASES)}
    key, words = known.get(raw["kind"], (None, ()))
    if key in raw and raw[key] not in words:
        raise ConfigurationError("%s must be one of %s" % (key, ", ".join(words)))
    if raw["kind"] == "restart" and not set(raw.get("phases", ())) <= set(restart.PHASES):
        raise ConfigurationError("phases are %s" % ", ".join(restart.PHASES))


def timed(raw):
    """Notes when it begins and ends, for those that go by time."""
    raw["_begun"] = time.monotonic()
    raw["_from"] = raw["_begun"] + float(raw.get("after") or 0)
    lasts = raw.get("for")
    if raw["kind"] == "restart" and "phase" not in raw:
        lasts = raw["seconds"]
    if lasts:
        raw["_until"] = raw["_from"] + float(lasts)
    return raw


def variant(raw):
    return raw.get("variant") or DEFAULT_VARIANT.get(raw.get("code"))
