# SPDX-License-Identifier: Apache-2.0
"""Faults on request: a queue, of which each request takes the first that is meant for it.

Each has a kind and optionally `sink` (without it, any; `proxy`, only by its name, is the forward proxy), `count` (so
many requests, 1 unless told) or `for` (every request for so many seconds), and `taken`: whether the message is received
all the same, so that only its answer is lost. What a fault kept out stands among the refused.

status   code, body?, headers?   an HTTP status, with any body
code     code, message?          the vendor's own failure: errcode and its like
hang     seconds?                no answer; the connection ends after so long, 30 s unless told
slow     seconds?                answers late, otherwise well; 2 s unless told
login                            200 with a page of HTML, as a proxy that wants somebody to log in
cut      fraction?               the body ends early, and the connection with it; half unless told
close                            the connection ends without an answer
reset                            the same, by a TCP reset
refuse   seconds, port?          nobody listens, on all ports or on one: new connections are refused, old ones end.
                                 At once, for nobody asks before; the control address goes on
"""

import threading
import time

from chats.request import ConfigurationError

NUMBERS = {"code": None, "seconds": 3_600, "fraction": 1, "count": 1_000_000, "for": 86_400, "port": 65_535}
SHAPES = {"status": ("code", "body", "headers"), "code": ("code", "message"), "hang": ("seconds",),
          "slow": ("seconds",), "login": (), "cut": ("fraction",), "close": (), "reset": (),
          "refuse": ("seconds", "port")}
NEEDED = {"status": ("code",), "code": ("code",), "refuse": ("seconds",)}
DEFAULTS = {"hang": {"seconds": 30}, "slow": {"seconds": 2, "taken": True},
            "cut": {"fraction": 0.5, "taken": True}}
PROXY = "proxy"
ALWAYS = ("kind", "sink", "count", "for", "taken")


class Faults:
    def __init__(self, names, refuse):
        """`refuse(seconds, port)` closes the doors."""
        self.names, self.refuse = {*names, PROXY}, refuse
        self.lock, self.queue = threading.Lock(), []
        # Set, and made anew, when all are forgotten: what hangs then ends.
        self.healed = threading.Event()

    def add(self, raw):
        """One description or a list: all of them or none."""
        wanted = [self.checked(each) for each in (raw if isinstance(raw, list) else [raw])]
        for each in wanted:
            if each["kind"] == "refuse":
                self.refuse(each["seconds"], each.get("port"))
        with self.lock:
            self.queue += [each for each in wanted if each["kind"] != "refuse"]

    def checked(self, raw):
        if not isinstance(raw, dict) or raw.get("kind") not in SHAPES:
            raise ConfigurationError(f"a fault's kind is one of {', '.join(SHAPES)}")
        kind = raw["kind"]
        unknown = set(raw) - {*ALWAYS, *SHAPES[kind]}
        missing = set(NEEDED.get(kind, ())) - set(raw)
        if unknown or missing:
            raise ConfigurationError(f"{kind}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        if "sink" in raw and raw["sink"] not in self.names:
            raise ConfigurationError(f"no sink {raw['sink']}")
        if raw.get("sink") == PROXY and kind == "code":
            raise ConfigurationError("a proxy has no codes of its own")
        for key, most in NUMBERS.items():
            if key in raw and not is_number(raw[key], most):
                raise ConfigurationError(f"{key} is a number from 0 to {most}")
        fault = {"taken": False, **DEFAULTS.get(kind, {}), **raw}
        if "for" in fault:
            fault["_until"] = time.monotonic() + fault["for"]
        else:
            fault.setdefault("count", 1)
        return fault

    def take(self, name):
        """The fault that a request to that sink meets, or None."""
        now = time.monotonic()
        with self.lock:
            self.queue = [each for each in self.queue if each.get("_until", now + 1) > now]
            met = next((each for each in self.queue if each.get("sink", name if name != PROXY else None) == name), None)
            if met and "count" in met:
                met["count"] -= 1
                if met["count"] <= 0:
                    self.queue.remove(met)
            return met

    def heal(self):
        with self.lock:
            self.queue = []
            self.healed.set()
            self.healed = threading.Event()

    def waiting(self):
        with self.lock:
            return [{key: each[key] for key in each if not key.startswith("_")} for each in self.queue]


def is_number(value, most):
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_one and value >= 0 and (most is None or value <= most)
