# SPDX-License-Identifier: Apache-2.0
"""What a body must look like. A shape is called with a value and where it stands, and refuses or says nothing."""

from chats.request import Refusal

URL_LIMIT = 3_000


def anything(_value, _where):
    pass


def words(most=None, unit="runes", least=1):
    """A string; `most` of runes (code points) or of bytes as UTF-8."""
    def check(value, where):
        if not isinstance(value, str):
            raise Refusal(f"{where} is no string")
        length = len(value.encode()) if unit == "bytes" else len(value)
        if length < least:
            raise Refusal(f"{where} is empty")
        if most is not None and length > most:
            raise Refusal(f"{where} has {length} {unit}, of which {most} are allowed")
    return check


def url(value, where):
    words(URL_LIMIT)(value, where)
    if not value.startswith(("http://", "https://")):
        raise Refusal(f"{where} is no URL")


def flag(value, where):
    if not isinstance(value, bool):
        raise Refusal(f"{where} is neither true nor false")


def number(value, where):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal(f"{where} is no number")


def nothing(value, where):
    if value is not None:
        raise Refusal(f"{where} is not null")


def one_of(*known):
    def check(value, where):
        if value not in known or isinstance(value, bool) != any(isinstance(each, bool) for each in known):
            raise Refusal(f"{where} is {str(value)[:40]!r}, known are {', '.join(map(str, known))}")
    return check


def each(shape, most=None, least=0):
    def check(value, where):
        if not isinstance(value, list):
            raise Refusal(f"{where} is no list")
        if len(value) < least or most is not None and len(value) > most:
            raise Refusal(f"{where} holds {len(value)}, allowed are {least} to {most}")
        for index, entry in enumerate(value):
            shape(entry, f"{where}[{index}]")
    return check


def record(required=None, optional=None):
    """An object with these keys and no other."""
    required, optional = required or {}, optional or {}

    def check(value, where):
        if not isinstance(value, dict):
            raise Refusal(f"{where} is no object")
        for key in value:
            if key not in required and key not in optional:
                raise Refusal(f"{where} has the unknown key {key[:40]}")
        for key in required:
            if key not in value:
                raise Refusal(f"{where}.{key} is missing")
        for key, part in value.items():
            (required.get(key) or optional[key])(part, f"{where}.{key}")
    return check


def tagged(key, shapes, what):
    """An object whose `key` says which shape it has; of that shape the key itself is no part."""
    def check(value, where):
        if not isinstance(value, dict):
            raise Refusal(f"{where} is no object")
        tag = value.get(key)
        if not isinstance(tag, str) or tag not in shapes:
            raise Refusal(f"{where} is an unknown {what}: {str(tag)[:40]!r}")
        shapes[tag]({name: part for name, part in value.items() if name != key}, where)
    return check


def either(question, yes, no):
    """One of two shapes, by a question to the value."""
    return lambda value, where: (yes if question(value) else no)(value, where)


def strings(thing, keys):
    """Every string that stands under one of these keys, in the order of the body."""
    if isinstance(thing, list):
        return [found for entry in thing for found in strings(entry, keys)]
    if not isinstance(thing, dict):
        return []
    found = []
    for key, part in thing.items():
        found += [part] if key in keys and isinstance(part, str) else strings(part, keys)
    return found
