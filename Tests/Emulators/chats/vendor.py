# SPDX-License-Identifier: Apache-2.0
"""What all receivers have in common: a credential, limits, and the way of a message through them."""

import collections
import math
import threading

from chats.request import ConfigurationError, Refusal, decoded

JSON = ("application/json",)


class Rate:
    """At most so many in each window; who goes beyond is shut out for `block` seconds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = collections.deque(maxlen=10_000)
        self.blocked_until = -math.inf

    def take(self, now, windows, block):
        """Seconds until it may be tried again; 0 when it was counted."""
        with self.lock:
            if now < self.blocked_until:
                return self.blocked_until - now
            for most, seconds in windows:
                recent = [moment for moment in self.taken if now - moment < seconds]
                if len(recent) >= most:
                    self.blocked_until = now + block
                    return max(block, recent[-most] + seconds - now)
            self.taken.append(now)
            return 0


class Vendor:
    """One robot, hook or integration. Subclasses are the vendors; `LIMITS` are what a test may set otherwise."""

    word = ""
    # Keys of the configuration besides `vendor` and `limits`; those that must be there first.
    needed, known = (), ()
    LIMITS = {"windows": [], "block": 0}
    CONTENT_TYPES = JSON

    def __init__(self, name, settings):
        self.name, self.settings = name, dict(settings)
        limits = self.settings.pop("limits", {})
        unknown = set(self.settings) - {"vendor", *self.needed, *self.known}
        missing = set(self.needed) - set(self.settings)
        if unknown or missing:
            raise ConfigurationError(f"{name}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        self.rate, self.limits = Rate(), dict(self.LIMITS)
        self.limit(limits)

    def limit(self, wanted):
        if unknown := set(wanted) - set(self.LIMITS):
            raise ConfigurationError(f"{self.name}: no limit {sorted(unknown)}; there are {sorted(self.LIMITS)}")
        self.limits.update(wanted)
        self.rate = Rate()

    # What a subclass says.

    @classmethod
    def owns(cls, path):
        """Whether the vendor serves this path at all."""
        raise NotImplementedError

    def is_meant(self, request):
        """Whether the request bears this one's credential."""
        raise NotImplementedError

    @classmethod
    def stranger(cls, request):
        """The Refusal of a request whose credential nobody has."""
        raise NotImplementedError

    def check(self, request, body):
        """Refuses, or gives (the text people read, what was mentioned, what the vendor takes but will not show)."""
        raise NotImplementedError

    def authenticate(self, request, body):
        """Beyond the credential: signatures."""

    def too_fast(self, seconds):
        """The Refusal of a request above the rate."""
        raise NotImplementedError

    @classmethod
    def refused(cls, refusal):
        raise NotImplementedError

    def accepted(self, body):
        raise NotImplementedError

    def failed(self, code, message):
        """The vendor's own answer with that code, whatever was asked: for faults."""
        return self.refused(Refusal(message, code=code))

    # The way of a message.

    def take(self, request):
        """What is to be kept of an accepted request; a Refusal else. All that bears the credential counts."""
        if wait := self.rate.take(request.at, self.limits["windows"], self.limits["block"]):
            raise self.too_fast(wait)
        self.check_frame(request)
        body = decoded(request.body)
        self.authenticate(request, body)
        text, mentions, warnings = self.check(request, body)
        return {"body": body, "text": text, "mentions": mentions, "warnings": warnings}

    def check_frame(self, request):
        if request.method != "POST":
            raise self.wrong_method(request)
        if request.content_type not in self.CONTENT_TYPES:
            raise self.wrong_type(request)
        charset = request.headers.get("content-type", "").lower().partition("charset=")[2].strip(' "')
        if charset not in ("", "utf-8"):
            raise self.wrong_type(request)

    def wrong_method(self, request):
        return Refusal(f"{request.method} is not POST", status=405)

    def wrong_type(self, request):
        return Refusal(f"content type {request.headers.get('content-type', '')[:60]!r}")


def parameters_once(request, allowed):
    """The query has these parameters, none unknown and none twice."""
    names = [name for name, _ in request.query]
    for name in names:
        if name not in allowed:
            raise Refusal(f"unknown parameter {name[:40]} in the URL")
        if names.count(name) > 1:
            raise Refusal(f"{name} stands {names.count(name)} times in the URL")
