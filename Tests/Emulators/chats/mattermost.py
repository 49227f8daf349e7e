# SPDX-License-Identifier: Apache-2.0
"""Mattermost's incoming webhook: POST /hooks/ID. `ok` in plain text, or a 4xx with JSON."""

import hmac
import re

from chats import shapes
from chats.request import Refusal, json_answer, text_answer
from chats.vendor import Vendor

PREFIX = "/hooks/"
FIELD = shapes.record({"title": shapes.words(least=0), "value": shapes.words(least=0)}, {"short": shapes.flag})
ATTACHMENT = shapes.record(optional={
    "fallback": shapes.words(), "color": shapes.words(20), "pretext": shapes.words(), "text": shapes.words(),
    "title": shapes.words(), "title_link": shapes.url, "fields": shapes.each(FIELD), "footer": shapes.words(),
    "author_name": shapes.words(), "author_link": shapes.url, "footer_icon": shapes.url})
PRIORITY = shapes.record({"priority": shapes.one_of("", "important", "urgent")},
                         {"requested_ack": shapes.flag, "persistent_notifications": shapes.flag})
PROPS = shapes.record(optional={"card": shapes.words(), "attachments": shapes.each(ATTACHMENT)})


class Mattermost(Vendor):
    word = "mattermost"
    needed = ("hook",)
    LIMITS = {"windows": [], "block": 0, "runes": 16_383, "bytes": 1_000_000}

    @classmethod
    def owns(cls, path):
        return path.startswith(PREFIX)

    def is_meant(self, request):
        return hmac.compare_digest(request.path.encode(), (PREFIX + self.settings["hook"]).encode())

    @classmethod
    def stranger(cls, request):
        return Refusal("unknown hook", code="web.incoming_webhook.invalid.app_error", message="Invalid webhook.")

    def authenticate(self, request, body):
        if request.query:
            raise Refusal("parameters in the URL")

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", status=413)
        runes = shapes.words(self.limits["runes"])
        shapes.record(optional={
            "text": runes, "attachments": shapes.each(ATTACHMENT), "props": PROPS, "priority": PRIORITY,
            "username": shapes.words(64), "icon_url": shapes.url, "icon_emoji": shapes.words(64),
            "channel": shapes.words(64), "type": shapes.words(26)})(body, "body")
        if not body.get("text") and not body.get("attachments"):
            raise Refusal("there is nothing to show", code="web.incoming_webhook.text.app_error",
                          message="No text specified.")
        text = "\n".join(shapes.strings(body, ("text", "title", "value", "pretext", "fallback", "footer")))
        if sum(map(len, shapes.strings(body.get("attachments", []), ("text",)))) > self.limits["runes"]:
            raise Refusal("the attachments are too long", code="web.incoming_webhook.split_props_length.app_error")
        return text, called(text), []

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", status=429, message="limit exceeded",
                       headers={"Retry-After": str(int(seconds) + 1)})

    @classmethod
    def refused(cls, refusal):
        status = refusal.status or 400
        return json_answer(status, {"id": refusal.code or "web.incoming_webhook.parse.app_error", "detailed_error": "",
                                    "message": refusal.message, "status_code": status}, **refusal.headers)

    def accepted(self, body):
        return text_answer(200, "ok")


def called(text):
    """As Mattermost does it: in code nobody is called."""
    plain = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    return ["all" if who in ("channel", "all", "here") else who
            for who in re.findall(r"(?<![\w@/.])@([a-z0-9._-]*[a-z0-9])", plain)]
