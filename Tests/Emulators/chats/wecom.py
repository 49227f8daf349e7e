# SPDX-License-Identifier: Apache-2.0
"""WeCom's group robot: POST /cgi-bin/webhook/send?key=… The key is the only secret; always HTTP 200.

Lengths are counted in bytes. By mobile number people are called in texts alone.
"""

import hmac
import re

from chats import shapes
from chats.dingtalk import TABLE
from chats.request import Refusal, json_answer
from chats.vendor import Vendor, parameters_once

PATH = "/cgi-bin/webhook/send"
HINT = ", hint: [0], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e="
PEOPLE = {"mentioned_list": shapes.each(shapes.words()), "mentioned_mobile_list": shapes.each(shapes.words())}
COLOURS = ("info", "comment", "warning")
FONT = re.compile(r"<font color=\"([^\"]*)\">")


class WeCom(Vendor):
    word = "wecom"
    needed = ("key",)
    LIMITS = {"windows": [[20, 60]], "block": 0, "markdown": 4_096, "text": 2_048}

    @classmethod
    def owns(cls, path):
        return path == PATH

    def is_meant(self, request):
        keys = [value for name, value in request.query if name == "key"]
        return bool(keys) and hmac.compare_digest(keys[0].encode(), self.settings["key"].encode())

    @classmethod
    def stranger(cls, request):
        return Refusal("unknown key", code=93000, message="invalid webhook url" + HINT + "93000")

    def wrong_method(self, request):
        return Refusal(f"{request.method} is not POST", code=43002, message="require POST method")

    def authenticate(self, request, body):
        parameters_once(request, ("key",))

    def check(self, request, body):
        kind = body.get("msgtype") if isinstance(body, dict) else None
        if kind not in ("text", "markdown"):
            raise Refusal(f"unknown msgtype {str(kind)[:40]!r}", code=40008, message="invalid message type" + HINT)
        people = PEOPLE if kind == "text" else {}
        # The length has a code of its own, and is looked at last.
        part = shapes.record({"content": shapes.words()}, people)
        shapes.record({"msgtype": shapes.anything, kind: part})(body, "body")
        content = body[kind]["content"]
        if (length := len(content.encode())) > self.limits[kind]:
            raise Refusal(f"{kind}.content has {length} bytes", code=40058,
                          message=f"{kind}.content exceed max length {self.limits[kind]}. invalid Request Parameter")
        return content, mentioned(body[kind], content), unseen(kind, content)

    def too_fast(self, seconds):
        return Refusal(f"too fast, for another {seconds:.1f} s", code=45009, message="api freq out of limit" + HINT)

    @classmethod
    def refused(cls, refusal):
        return json_answer(200, {"errcode": refusal.code or 47001, "errmsg": refusal.message})

    def accepted(self, body):
        return json_answer(200, {"errcode": 0, "errmsg": "ok"})


def mentioned(part, content):
    listed = part.get("mentioned_list", []) + part.get("mentioned_mobile_list", [])
    return ["all" if who == "@all" else who for who in listed + re.findall(r"<@([^<>]+)>", content)]


def unseen(kind, content):
    if kind == "text":
        return []
    warnings = [f"no colour {colour}" for colour in FONT.findall(content) if colour not in COLOURS]
    return warnings + (["a table is not shown as one"] if TABLE.search(content) else [])
