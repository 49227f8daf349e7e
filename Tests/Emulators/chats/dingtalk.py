# SPDX-License-Identifier: Apache-2.0
"""DingTalk's group robot: POST /robot/send?access_token=…&timestamp=…&sign=…

Always HTTP 200; errcode says what became of it. The signature is over milliseconds and the secret, and stands in the
URL. Of two ways to be let in (signature, keyword) each that is configured must be met.
"""

import base64
import hashlib
import hmac
import re

from chats import shapes
from chats.request import Refusal, json_answer
from chats.vendor import Vendor, parameters_once

PATH = "/robot/send"
HELP = ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
AT = shapes.record(optional={"atMobiles": shapes.each(shapes.words()), "atUserIds": shapes.each(shapes.words()),
                             "isAtAll": shapes.flag})
BUTTON = shapes.record({"title": shapes.words(), "actionURL": shapes.url})
MARKDOWN = shapes.record({"title": shapes.words(), "text": shapes.words()})
CONTENTS = {
    "text": shapes.record({"content": shapes.words()}),
    "markdown": MARKDOWN,
    "link": shapes.record({"title": shapes.words(), "text": shapes.words(), "messageUrl": shapes.url},
                          {"picUrl": shapes.words(least=0)}),
    "actionCard": shapes.record({"title": shapes.words(), "text": shapes.words()},
                                {"singleTitle": shapes.words(), "singleURL": shapes.url, "btns": shapes.each(BUTTON),
                                 "btnOrientation": shapes.one_of("0", "1")}),
}
BODY = shapes.tagged("msgtype", {word: shapes.record({word: shape}, {"at": AT}) for word, shape in CONTENTS.items()},
                     "msgtype")
TABLE = re.compile(r"^\s*\|?\s*:?-{3,}:?\s*\|", re.MULTILINE)


class DingTalk(Vendor):
    word = "dingtalk"
    needed, known = ("token",), ("secret", "keyword")
    LIMITS = {"windows": [[20, 60]], "block": 600, "bytes": 20_000, "skew": 3_600}

    @classmethod
    def owns(cls, path):
        return path == PATH

    def is_meant(self, request):
        tokens = [value for name, value in request.query if name == "access_token"]
        return bool(tokens) and hmac.compare_digest(tokens[0].encode(), self.settings["token"].encode())

    @classmethod
    def stranger(cls, request):
        if not any(name == "access_token" for name, _ in request.query):
            return Refusal("no access_token", code=40035, message="缺少参数 access_token")
        return Refusal("unknown access_token", code=300001, message="token is not exist")

    def wrong_method(self, request):
        return Refusal(f"{request.method} is not POST", code=43002, message="需要POST请求")

    def wrong_type(self, request):
        return Refusal(f"content type {request.headers.get('content-type', '')[:60]!r}", code=43004,
                       message="无效的HTTP HEADER Content-Type")

    def authenticate(self, request, body):
        parameters_once(request, ("access_token", "timestamp", "sign"))
        if secret := self.settings.get("secret"):
            moment, sign = request.parameter("timestamp"), request.parameter("sign")
            self.check_moment(moment, request.at)
            if sign is None or not hmac.compare_digest(sign.encode(), signature(moment, secret).encode()):
                raise Refusal("the signature is not right", code=310000, message="sign not match" + HELP)

    def check_moment(self, moment, now):
        if moment is None or not re.fullmatch(r"[0-9]{13}", moment):
            raise Refusal("the timestamp is missing or not in milliseconds", code=310000,
                          message="timestamp is invalid" + HELP)
        if abs(int(moment) / 1_000 - now) > self.limits["skew"]:
            raise Refusal("the timestamp is more than an hour off", code=310000, message="invalid timestamp" + HELP)

    def check(self, request, body):
        if len(request.body) > self.limits["bytes"]:
            raise Refusal(f"{len(request.body)} bytes", code=460101,
                          message=f"message too long, exceed {self.limits['bytes']} bytes")
        BODY(body, "body")
        content = body[body["msgtype"]]
        text = "\n".join(content[key] for key in ("title", "text", "content") if key in content)
        if self.settings.get("keyword", "") not in text:
            raise Refusal("the keyword is not in it", code=310000, message="keywords not in content" + HELP)
        return text, *mentioned(body.get("at", {}), content.get("text", content.get("content", "")))

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", code=130101,
                       message="send too fast, exceed 20 times per minute")

    @classmethod
    def refused(cls, refusal):
        return json_answer(200, {"errcode": refusal.code or 40035, "errmsg": refusal.message})

    def accepted(self, body):
        return json_answer(200, {"errcode": 0, "errmsg": "ok"})


def signature(moment, secret):
    """Of a moment in milliseconds, as it stands in the URL after percent-decoding."""
    digest = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def mentioned(at, text):
    """A number is only called if it is in the text; a table is shown as its characters."""
    wanted = at.get("atMobiles", []) + at.get("atUserIds", [])
    warnings = [f"{who} is not in the text" for who in wanted if f"@{who}" not in text]
    if TABLE.search(text):
        warnings.append("a table is not shown as one")
    return (["all"] if at.get("isAtAll") else []) + [who for who in wanted if f"@{who}" in text], warnings
