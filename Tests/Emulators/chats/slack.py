# SPDX-License-Identifier: Apache-2.0
"""Slack's incoming webhook: POST /services/T…/B…/…, answered in plain text.

Slack takes text that calls everybody, and text whose marks were not escaped: both are told as what they are.
"""

import hmac
import math
import re

from chats import shapes
from chats.request import Refusal, text_answer
from chats.vendor import Vendor

PREFIX = "/services/"
SECTION, FIELD, HEADER, BUTTON, LABEL = 3_000, 2_000, 150, 75, 255


def typed(most, *kinds):
    looks = {"mrkdwn": {"verbatim": shapes.flag}, "plain_text": {"emoji": shapes.flag}}
    return shapes.tagged("type", {kind: shapes.record({"text": shapes.words(most)}, looks[kind]) for kind in kinds},
                         "text object")


ANY_TEXT = ("mrkdwn", "plain_text")
IDENTIFIED = {"block_id": shapes.words(LABEL)}
BUTTON_SHAPE = shapes.record({"text": typed(BUTTON, "plain_text")},
                             {"url": shapes.url, "action_id": shapes.words(LABEL), "value": shapes.words(2_000),
                              "style": shapes.one_of("primary", "danger")})
ELEMENT = shapes.tagged("type", {"button": BUTTON_SHAPE}, "element")
SECTION_SHAPE = shapes.record(optional={"text": typed(SECTION, *ANY_TEXT), "accessory": ELEMENT,
                                        "fields": shapes.each(typed(FIELD, *ANY_TEXT), 10, 1),
                                        "expand": shapes.flag, **IDENTIFIED})


def section(value, where):
    if "text" not in value and "fields" not in value:
        raise Refusal(f"{where} has neither text nor fields")
    SECTION_SHAPE(value, where)


BLOCK = shapes.tagged("type", {
    "section": section,
    "header": shapes.record({"text": typed(HEADER, "plain_text")}, IDENTIFIED),
    "divider": shapes.record(optional=IDENTIFIED),
    "context": shapes.record({"elements": shapes.each(typed(SECTION, *ANY_TEXT), 10, 1)}, IDENTIFIED),
    "actions": shapes.record({"elements": shapes.each(ELEMENT, 25, 1)}, IDENTIFIED),
}, "block")
BLOCKS = shapes.each(BLOCK, 50)
WORDS = shapes.words(least=0)
ATTACHED_FIELD = shapes.record({"title": WORDS, "value": WORDS}, {"short": shapes.flag})
ATTACHMENT = shapes.record(optional={
    "color": shapes.words(20), "fallback": shapes.words(), "pretext": shapes.words(), "title": shapes.words(),
    "title_link": shapes.url, "text": shapes.words(), "fields": shapes.each(ATTACHED_FIELD),
    "footer": shapes.words(300), "ts": shapes.number, "mrkdwn_in": shapes.each(shapes.words()), "blocks": BLOCKS,
    "author_name": shapes.words()})
MARKS = re.compile(r"<(?:https?://[^<>|]+|mailto:[^<>|]+|[@#!][^<>|]+)(?:\|[^<>]*)?>|&(?:amp|lt|gt);")


class Slack(Vendor):
    word = "slack"
    needed = ("hook",)
    # A second's messages may come at once now and then; a steady stream may not.
    LIMITS = {"windows": [[5, 5]], "block": 0, "text": 40_000, "attachments": 100}

    @classmethod
    def owns(cls, path):
        return path.startswith(PREFIX)

    def is_meant(self, request):
        return hmac.compare_digest(request.path.encode(), (PREFIX + self.settings["hook"]).encode())

    @classmethod
    def stranger(cls, request):
        return Refusal("unknown hook", status=404, message="no_service")

    def authenticate(self, request, body):
        if request.query:
            raise Refusal("parameters in the URL", message="invalid_payload")

    def check(self, request, body):
        shapes.record(optional={
            "text": shapes.words(self.limits["text"]), "blocks": self.blocks,
            "attachments": shapes.each(ATTACHMENT, self.limits["attachments"]), "mrkdwn": shapes.flag,
            "unfurl_links": shapes.flag, "unfurl_media": shapes.flag, "response_type": shapes.words(),
            "thread_ts": shapes.words()})(body, "body")
        if not any(body.get(key) for key in ("text", "blocks", "attachments")):
            raise Refusal("there is nothing to show", message="no_text")
        text = "\n".join(shapes.strings(body, ("text", "title", "value", "pretext", "fallback", "footer")))
        return text, called(text), unescaped(text)

    @staticmethod
    def blocks(value, where):
        try:
            BLOCKS(value, where)
        except Refusal as refusal:
            raise Refusal(refusal.reason, message="invalid_blocks") from None

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", status=429, message="rate_limited",
                       headers={"Retry-After": str(max(1, math.ceil(seconds)))})

    @classmethod
    def refused(cls, refusal):
        known = refusal.message if re.fullmatch("[a-z_]+", refusal.message) else "invalid_payload"
        return text_answer(refusal.status or 400, known, **refusal.headers)

    def failed(self, code, message):
        return text_answer(code if 100 <= code < 600 else 200, message)

    def accepted(self, body):
        return text_answer(200, "ok")


def called(text):
    return ["all" if who in ("channel", "here", "everyone") else who
            for who in re.findall(r"<[@!]([A-Za-z0-9^]+)(?:\|[^>]*)?>", text)]


def unescaped(text):
    return ["&, < or > is not escaped"] if re.search("[&<]", MARKS.sub("", text)) else []
