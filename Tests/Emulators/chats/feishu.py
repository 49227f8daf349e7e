# SPDX-License-Identifier: Apache-2.0
"""Feishu's (Lark's) bot: POST /open-apis/bot/v2/hook/ID. The signature is over seconds, stands in the body, and is
an HMAC of nothing whose key is the moment and the secret.

HTTP 200 and a code; `status` sets what HTTP status refusals have, for both have been seen.
"""

import base64
import hashlib
import hmac
import html
import re

from chats import shapes
from chats.request import Refusal, json_answer
from chats.vendor import Vendor

PREFIX = "/open-apis/bot/v2/hook/"
TEMPLATES = ("blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "purple",
             "indigo", "grey", "default")
PLAIN = shapes.record({"content": shapes.words()})
WORDS = shapes.tagged("tag", {"plain_text": PLAIN, "lark_md": PLAIN}, "text")
FIELD = shapes.record({"text": WORDS}, {"is_short": shapes.flag})
BUTTON = shapes.tagged("tag", {"button": shapes.record(
    {"text": WORDS}, {"url": shapes.url, "multi_url": shapes.anything, "value": shapes.anything,
                      "type": shapes.one_of("default", "primary", "danger"), "name": shapes.words(),
                      "behaviors": shapes.each(shapes.anything)})}, "action")
LOOKS = {"text_align": shapes.one_of("left", "center", "right"), "text_size": shapes.words(),
         "element_id": shapes.words(20), "margin": shapes.words()}
OLD = {
    "div": shapes.record(optional={"text": WORDS, "fields": shapes.each(FIELD), "extra": shapes.anything}),
    "markdown": shapes.record({"content": shapes.words()}, LOOKS),
    "hr": shapes.record(),
    "note": shapes.record({"elements": shapes.each(WORDS, least=1)}),
    "action": shapes.record({"actions": shapes.each(BUTTON, least=1)}, {"layout": shapes.words()}),
}
NEW = {
    "div": shapes.record({"text": WORDS}, LOOKS),
    "markdown": shapes.record({"content": shapes.words()}, LOOKS),
    "hr": shapes.record(optional=LOOKS),
    "button": lambda value, where: BUTTON({"tag": "button", **value}, where),
}
HEADER = shapes.record({"title": WORDS}, {"template": shapes.one_of(*TEMPLATES), "subtitle": WORDS})
CONFIG = shapes.record(optional={"wide_screen_mode": shapes.flag, "enable_forward": shapes.flag,
                                 "update_multi": shapes.flag, "width_mode": shapes.words(), "summary": shapes.anything})
OLD_CARD = shapes.record({"elements": shapes.each(shapes.tagged("tag", OLD, "element"), 200, 1)},
                         {"header": HEADER, "config": CONFIG, "card_link": shapes.anything})
NEW_CARD = shapes.record(
    {"schema": shapes.one_of("2.0"),
     "body": shapes.record({"elements": shapes.each(shapes.tagged("tag", NEW, "element"), 200, 1)},
                           {"direction": shapes.words(), "padding": shapes.words()})},
    {"header": HEADER, "config": CONFIG, "card_link": shapes.anything})
CARD = shapes.either(lambda value: isinstance(value, dict) and "schema" in value, NEW_CARD, OLD_CARD)
SIGNED = {"timestamp": shapes.words(), "sign": shapes.words()}
BODY = shapes.tagged("msg_type", {
    "text": shapes.record({"content": shapes.record({"text": shapes.words()})}, SIGNED),
    "interactive": shapes.record({"card": CARD}, SIGNED),
}, "msg_type")
SIGN_WORDS = "sign match fail or timestamp is not within one hour from current time"


class Feishu(Vendor):
    word = "feishu"
    needed, known = ("hook",), ("secret", "keyword")
    LIMITS = {"windows": [[100, 60], [5, 1]], "block": 0, "bytes": 20_480, "skew": 3_600, "status": 200}

    @classmethod
    def owns(cls, path):
        return path.startswith(PREFIX)

    def is_meant(self, request):
        return hmac.compare_digest(request.path.encode(), (PREFIX + self.settings["hook"]).encode())

    @classmethod
    def stranger(cls, request):
        return Refusal("unknown hook", code=19001, message="param invalid: incoming webhook access token invalid")

    def wrong_type(self, request):
        return Refusal(f"content type {request.headers.get('content-type', '')[:60]!r}", code=9499,
                       message="Bad Request")

    def authenticate(self, request, body):
        if request.query:
            raise Refusal("parameters in the URL")
        if (secret := self.settings.get("secret")) and isinstance(body, dict):
            moment, sign = str(body.get("timestamp", "")), str(body.get("sign", ""))
            is_near = re.fullmatch(r"[0-9]{10}", moment) and abs(int(moment) - request.at) <= self.limits["skew"]
            if not is_near:
                raise Refusal("the timestamp is missing, not in seconds, or an hour off", 19021, message=SIGN_WORDS)
            if not hmac.compare_digest(sign.encode(), signature(moment, secret).encode()):
                raise Refusal("the signature is not right", 19021, message=SIGN_WORDS)

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", message="Bad Request")
        BODY(body, "body")
        header = body.get("card", {}).get("header", {})
        # As it is read: from the top, and with characters in place of their numbers.
        rest = {**body, "card": {key: part for key, part in body.get("card", {}).items() if key != "header"}}
        text = html.unescape("\n".join(shapes.strings([header, rest], ("content", "text"))))
        if self.settings.get("keyword", "") not in text:
            raise Refusal("the keyword is not in it", code=19024, message="Key Words Not Found")
        called = re.findall(r"<at (?:id|user_id|email)=\"?([^\">]+)\"?>", text)
        return text, called, []

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", code=11232, message="frequency limited")

    @classmethod
    def refused(cls, refusal):
        return json_answer(refusal.status or 200, {"code": refusal.code or 9499, "data": {}, "msg": refusal.message})

    def take(self, request):
        try:
            return super().take(request)
        except Refusal as refusal:
            refusal.status = refusal.status or self.limits["status"]
            raise

    def accepted(self, body):
        return json_answer(200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})


def signature(moment, secret):
    """Of a moment in seconds."""
    digest = hmac.new(f"{moment}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
