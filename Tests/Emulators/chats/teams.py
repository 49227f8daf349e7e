# SPDX-License-Identifier: Apache-2.0
"""Microsoft Teams, by a flow that begins with a webhook (Workflows):
POST /workflows/ID/triggers/manual/paths/invoke?api-version=…&sp=…&sv=…&sig=…

A message with one Adaptive Card, of elements that its version knows; 202 without a body.
"""

import hmac
import re

from chats import shapes
from chats.request import Answer, Refusal, json_answer
from chats.vendor import Vendor, parameters_once

PATH = re.compile(r"/workflows/([0-9a-f]+)/triggers/manual/paths/invoke")
CARD = "application/vnd.microsoft.card.adaptive"
SPACING = shapes.one_of("none", "small", "default", "medium", "large", "extraLarge", "padding",
                        "None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding")
COLOURS = ("default", "dark", "light", "accent", "good", "warning", "attention")
STANDING = {"id": shapes.words(), "spacing": SPACING, "separator": shapes.flag, "isVisible": shapes.flag,
            "height": shapes.one_of("auto", "stretch")}


def enum(*known):
    """Adaptive Cards read these words without regard to case."""
    return lambda value, where: shapes.one_of(*known)(value.lower() if isinstance(value, str) else value, where)


TEXT_LOOKS = {"color": enum(*COLOURS), "weight": enum("lighter", "default", "bolder"), "isSubtle": shapes.flag,
              "size": enum("small", "default", "medium", "large", "extralarge"),
              "fontType": enum("default", "monospace")}
STYLE = enum("default", "emphasis", "good", "attention", "warning", "accent")
FACT = shapes.record({"title": shapes.words(), "value": shapes.words()})
OPEN = shapes.record({"url": shapes.url}, {"title": shapes.words(), "id": shapes.words(), "iconUrl": shapes.url,
                                           "style": enum("default", "positive", "destructive")})
ACTION = shapes.tagged("type", {"Action.OpenUrl": OPEN}, "action")
RUN = shapes.tagged("type", {"TextRun": shapes.record({"text": shapes.words()}, {
    **TEXT_LOOKS, "italic": shapes.flag, "strikethrough": shapes.flag, "highlight": shapes.flag})}, "run")


def items(value, where):
    """Elements hold elements; a body is bounded before it is read, and so is its depth."""
    if where.count("items") > 8:
        raise Refusal(f"{where[:60]} is nested too deep")
    shapes.each(ELEMENT)(value, where)


def columns(value, where):
    shapes.each(shapes.record(optional={
        "type": shapes.one_of("Column"), "items": items, "width": shapes.anything, "style": STYLE,
        "verticalContentAlignment": enum("top", "center", "bottom"), **STANDING}))(value, where)


ELEMENTS = {
    "TextBlock": shapes.record({"text": shapes.words()}, {
        **STANDING, **TEXT_LOOKS, "wrap": shapes.flag, "maxLines": shapes.number,
        "horizontalAlignment": enum("left", "center", "right")}),
    "RichTextBlock": shapes.record({"inlines": shapes.each(RUN, least=1)}, STANDING),
    "FactSet": shapes.record({"facts": shapes.each(FACT, least=1)}, STANDING),
    "Container": shapes.record({"items": items}, {**STANDING, "style": STYLE, "bleed": shapes.flag}),
    "ColumnSet": shapes.record({"columns": columns}, {**STANDING, "style": STYLE, "bleed": shapes.flag}),
    "ActionSet": shapes.record({"actions": shapes.each(ACTION, least=1)}, STANDING),
}
ELEMENT = shapes.tagged("type", ELEMENTS, "element")
WIDTH = shapes.record(optional={"width": enum("full"), "entities": shapes.each(shapes.anything)})
CONTENT = shapes.record(
    {"type": shapes.one_of("AdaptiveCard"), "version": shapes.one_of("1.0", "1.1", "1.2", "1.3", "1.4", "1.5"),
     "body": shapes.each(ELEMENT, least=1)},
    {"$schema": shapes.url, "actions": shapes.each(ACTION, 6), "msteams": WIDTH, "fallbackText": shapes.words(),
     "lang": shapes.words()})
ATTACHMENT = shapes.record({"contentType": shapes.one_of(CARD), "content": CONTENT}, {"contentUrl": shapes.nothing})
BODY = shapes.record({"type": shapes.one_of("message"), "attachments": shapes.each(ATTACHMENT, 1, 1)},
                     {"summary": shapes.words()})
# Of what is allowed above, what came with a later version than 1.0.
NEWER = {"RichTextBlock": "1.2", "ActionSet": "1.2", "fontType": "1.2", "bleed": "1.2", "isVisible": "1.2"}


class Teams(Vendor):
    word = "teams"
    needed = ("workflow", "sig")
    LIMITS = {"windows": [[4, 1]], "block": 0, "bytes": 28_000}

    @classmethod
    def owns(cls, path):
        return path.startswith("/workflows/")

    def is_meant(self, request):
        path, given = PATH.fullmatch(request.path), [value for name, value in request.query if name == "sig"]
        return bool(path and path[1] == self.settings["workflow"] and given
                    and hmac.compare_digest(given[0].encode(), self.settings["sig"].encode()))

    @classmethod
    def stranger(cls, request):
        if not PATH.fullmatch(request.path):
            return Refusal("no such workflow", code="WorkflowNotFound", status=404)
        return Refusal("the sig is missing or not right", code="AuthorizationFailed", status=401)

    def authenticate(self, request, body):
        parameters_once(request, ("api-version", "sp", "sv", "sig"))
        if not request.parameter("api-version"):
            raise Refusal("no api-version", code="MissingApiVersionParameter")

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", code="RequestEntityTooLarge", status=413)
        BODY(body, "body")
        content = body["attachments"][0]["content"]
        for word in used(content["body"]):
            if content["version"] < NEWER.get(word, ""):
                raise Refusal(f"{word} is newer than version {content['version']}")
        text = "\n".join(shapes.strings(content, ("text", "title", "value")))
        entities = content.get("msteams", {}).get("entities", [])
        return text, [str(each.get("text", "")) for each in entities if isinstance(each, dict)], []

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", status=429, code="WorkflowTriggerThrottled",
                       headers={"Retry-After": str(int(seconds) + 1)})

    @classmethod
    def refused(cls, refusal):
        error = {"code": refusal.code or "TriggerInputSchemaMismatch", "message": refusal.message}
        return json_answer(refusal.status or 400, {"error": error}, **refusal.headers)

    def accepted(self, body):
        return Answer(202)


def used(thing):
    """Every key and every type."""
    if isinstance(thing, list):
        return {word for entry in thing for word in used(entry)}
    if not isinstance(thing, dict):
        return set()
    return {*thing, str(thing.get("type")), *(word for part in thing.values() for word in used(part))}
