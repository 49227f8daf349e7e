# SPDX-License-Identifier: Apache-2.0
"""PagerDuty's events of version 2: POST /v2/enqueue, the routing key in the body; 202 when it is taken.

PagerDuty cuts a summary that is too long; here that is refused, for what was cut is the link or the end.
"""

import datetime
import hashlib
import hmac

from chats import shapes
from chats.request import Refusal, decoded, json_answer
from chats.vendor import Vendor

PATH = "/v2/enqueue"
SUMMARY, KEY = 1_024, 255


def moment(value, where):
    shapes.words(64)(value, where)
    try:
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise Refusal(f"{where} is no ISO 8601 moment") from None


def details(value, where):
    if not isinstance(value, dict):
        raise Refusal(f"{where} is no object")


PAYLOAD = shapes.record(
    {"summary": shapes.words(SUMMARY), "source": shapes.words(),
     "severity": shapes.one_of("critical", "error", "warning", "info")},
    {"timestamp": moment, "component": shapes.words(), "group": shapes.words(), "class": shapes.words(),
     "custom_details": details})
LINK = shapes.record({"href": shapes.url}, {"text": shapes.words()})
IMAGE = shapes.record({"src": shapes.url}, {"href": shapes.url, "alt": shapes.words()})
COMMON = {"routing_key": shapes.words(), "dedup_key": shapes.words(KEY)}
SHOWN = {"links": shapes.each(LINK), "images": shapes.each(IMAGE), "client": shapes.words(), "client_url": shapes.url}
BODY = shapes.tagged("event_action", {
    "trigger": shapes.record({"routing_key": shapes.words(), "payload": PAYLOAD}, {**COMMON, **SHOWN}),
    "acknowledge": shapes.record(COMMON, {"payload": PAYLOAD, **SHOWN}),
    "resolve": shapes.record(COMMON, {"payload": PAYLOAD, **SHOWN}),
}, "event_action")


class PagerDuty(Vendor):
    word = "pagerduty"
    needed = ("key",)
    LIMITS = {"windows": [[120, 60]], "block": 0, "bytes": 512_000}

    @classmethod
    def owns(cls, path):
        return path == PATH

    def is_meant(self, request):
        try:
            body = decoded(request.body)
        except Refusal:
            return False
        key = body.get("routing_key") if isinstance(body, dict) else None
        return isinstance(key, str) and hmac.compare_digest(key.encode(), self.settings["key"].encode())

    @classmethod
    def stranger(cls, request):
        decoded(request.body)
        return Refusal("unknown routing_key", message="Invalid routing key")

    def authenticate(self, request, body):
        if request.query:
            raise Refusal("parameters in the URL")
        if len(self.settings["key"]) != 32:
            raise Refusal("'routing_key' must be 32 characters long")

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", status=413)
        BODY(body, "body")
        return body.get("payload", {}).get("summary", ""), [], []

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", status=429, message="Too many events")

    @classmethod
    def refused(cls, refusal):
        return json_answer(refusal.status or 400, {"status": "invalid event", "message": "Event object is invalid",
                                                   "errors": [refusal.message]}, **refusal.headers)

    def accepted(self, body):
        # Who names no key is given one.
        key = body.get("dedup_key") or hashlib.md5(str(body).encode(), usedforsecurity=False).hexdigest()
        return json_answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})
