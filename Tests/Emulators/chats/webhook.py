# SPDX-License-Identifier: Apache-2.0
"""A webhook of somebody's own: POST /hook/PATH, with a bearer token where one is configured.

It takes podpath's incident (`transition` among its keys) and what an Alertmanager sends (version 4).
"""

import hmac

from chats import shapes
from chats.request import Answer, Refusal, json_answer
from chats.vendor import Vendor

PREFIX = "/hook/"
LABELS = ("kind", "severity", "state", "cluster", "summary", "since", "detectedAt", "id")
TRANSITIONS = ("opened", "changed", "resolved", "reminder")
ALERT = shapes.record({"status": shapes.one_of("firing", "resolved"), "labels": shapes.anything,
                       "annotations": shapes.anything, "startsAt": shapes.words(), "endsAt": shapes.words()},
                      {"generatorURL": shapes.words(least=0), "fingerprint": shapes.words()})
ALERTS = shapes.record(
    {"version": shapes.one_of("4"), "groupKey": shapes.words(), "status": shapes.one_of("firing", "resolved"),
     "receiver": shapes.words(), "groupLabels": shapes.anything, "commonLabels": shapes.anything,
     "commonAnnotations": shapes.anything, "externalURL": shapes.words(least=0), "alerts": shapes.each(ALERT, least=1)},
    {"truncatedAlerts": shapes.number})


def incident(value, where):
    """Keys may be added to it, so others are let pass; what stands here stays."""
    if not isinstance(value, dict):
        raise Refusal(f"{where} is no object")
    for label in LABELS:
        shapes.words()(value.get(label), f"{where}.{label}")
    shapes.one_of(*TRANSITIONS)(value.get("transition"), f"{where}.transition")
    for key, shape in (("subject", dict), ("impact", dict), ("evidence", list), ("verify", list)):
        if not isinstance(value.get(key), shape):
            raise Refusal(f"{where}.{key} is missing or of another type")


BODY = shapes.either(lambda value: isinstance(value, dict) and "alerts" in value, ALERTS, incident)


class Webhook(Vendor):
    word = "webhook"
    needed, known = ("path",), ("token",)
    LIMITS = {"windows": [], "block": 0, "bytes": 1_000_000}

    @classmethod
    def owns(cls, path):
        return path.startswith(PREFIX)

    def is_meant(self, request):
        return hmac.compare_digest(request.path.encode(), (PREFIX + self.settings["path"]).encode())

    @classmethod
    def stranger(cls, request):
        return Refusal("no such hook", status=404)

    def authenticate(self, request, body):
        wanted, given = self.settings.get("token"), request.headers.get("authorization", "")
        if wanted and not hmac.compare_digest(given.encode(), f"Bearer {wanted}".encode()):
            raise Refusal("the token is missing or not right", status=401)

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", status=413)
        BODY(body, "body")
        return "\n".join(shapes.strings(body, ("summary",))), [], []

    def too_fast(self, seconds):
        return Refusal("too fast", status=429, headers={"Retry-After": str(int(seconds) + 1)})

    @classmethod
    def refused(cls, refusal):
        return json_answer(refusal.status or 400, {"error": refusal.message}, **refusal.headers)

    def accepted(self, body):
        return Answer(204)
