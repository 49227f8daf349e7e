# SPDX-License-Identifier: Apache-2.0
"""What comes in, what goes out, and why something is not taken."""

import json
from dataclasses import dataclass, field


class ConfigurationError(Exception):
    """What the emulator was told makes no sense; one line."""


@dataclass
class Request:
    method: str
    path: str
    # Pairs, in their order: a parameter that comes twice is seen twice.
    query: list
    headers: dict
    body: bytes
    at: float

    def parameter(self, name):
        """Its only value; None if there is none or more than one."""
        values = [value for key, value in self.query if key == name]
        return values[0] if len(values) == 1 else None

    @property
    def content_type(self):
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)


class Refusal(Exception):
    """`code` is the vendor's own, and `message` its words where they are known; `reason` is for who reads the test."""

    def __init__(self, reason, code=None, status=None, message=None, headers=None):
        super().__init__(reason)
        self.reason, self.code, self.status = reason, code, status
        self.message, self.headers = message or reason, headers or {}


def json_answer(status, thing, **headers):
    body = json.dumps(thing, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json;charset=utf-8", **headers})


def text_answer(status, words, **headers):
    return Answer(status, words.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers})


def decoded(body):
    """JSON that can be understood in one way only: UTF-8, no key twice, no NaN; else a Refusal."""
    try:
        return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the body is no JSON: {type(error).__name__}") from None


def unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal("a key stands twice in the body")
    return found


def no_number(word):
    raise Refusal(f"{word} is no JSON")
