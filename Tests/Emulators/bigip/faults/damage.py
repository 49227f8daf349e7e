# SPDX-License-Identifier: Apache-2.0
"""Bodies that are not what they should be. All but `cut` are well-formed HTTP.

cut              fraction? or random, length?  that part of the body, then the end; Content-Length
                                  is "full", "none" (the end of the connection is the end) or
                                  "short" (that of what is sent: HTTP is fine, JSON is not)
chunked          fraction?, size?  in chunks; below 1 the last chunk never comes
trickle          perSecond?       so many bytes a second
gzip                              compressed though nobody asked for it
bom                               three bytes before the JSON
trailing         text?            something behind it, a line end and a space unless told
nesting          depth?           an unknown field, so deep
duplicate-keys   differing?       every key of every object twice; differing: the first is null
numeric-strings  field?           numbers as strings
infinite         field?           numbers as "infinite"
null             field?           null for every number, or for every field of that name
edge-numbers     field?           numbers at the edges of 64 bits, in turn
negative         field?           numbers below 0
bad-bytes                         a byte that is not UTF-8 in the first text
content-type     value?           JSON that calls itself text/html
"""

import gzip
import itertools
import json

EDGES = ((1 << 63) - 1, -(1 << 63), (1 << 64) - 1, (1 << 53) + 1, 0)
NUMBERS = {"numeric-strings": str, "infinite": lambda _: "infinite", "null": lambda _: None,
           "negative": lambda number: -abs(number) - 1}


def damaged(answer, faults):
    """A copy of the answer with every damage asked for; only JSON of status 200 is touched."""
    touched = [name for name in DAMAGES if name in faults]
    if not touched or answer.status != 200 or not answer.content_type.startswith("application/"):
        return answer
    result = answer.copy()
    for name in touched:
        DAMAGES[name](result, faults[name])
    return result


def changed_numbers(change):
    def apply(answer, fault):
        body = json.loads(answer.body)
        answer.body = encoded(mapped(body, "", change, fault.get("field")))
    return apply


def mapped(node, name, change, field):
    """Every number (or every leaf below the field named) put through `change`."""
    if isinstance(node, dict):
        return {key: mapped(each, name if key in ("value", "description") else key, change, field)
                for key, each in node.items()}
    if isinstance(node, list):
        return [mapped(each, name, change, field) for each in node]
    number = isinstance(node, int) and not isinstance(node, bool)
    if (field is None and number) or (field is not None and name == field):
        return change(node)
    return node


def edges(answer, fault):
    turns = itertools.cycle(EDGES)
    changed_numbers(lambda _: next(turns))(answer, fault)


def duplicated(answer, fault):
    answer.body = twice(json.loads(answer.body), fault.get("differing", False)).encode()


def twice(node, differing):
    if isinstance(node, list):
        return "[%s]" % ",".join(twice(each, differing) for each in node)
    if not isinstance(node, dict):
        return json.dumps(node)
    pairs = []
    for key, each in node.items():
        whole = twice(each, differing)
        pairs += ["%s:%s" % (json.dumps(key), "null" if differing else whole),
                  "%s:%s" % (json.dumps(key), whole)]
    return "{%s}" % ",".join(pairs)


def nested(answer, fault):
    depth = int(fault.get("depth", 2000))
    deep = b'"unknown":' + b'{"a":' * depth + b"[]" + b"}" * depth
    separator = b"" if answer.body == b"{}" else b","
    answer.body = b"{" + deep + separator + answer.body[1:]


def trailed(answer, fault):
    answer.body += fault.get("text", "\n ").encode()


def marked(answer, _):
    answer.body = b"\xef\xbb\xbf" + answer.body


def compressed(answer, _):
    answer.body = gzip.compress(answer.body)
    answer.headers["Content-Encoding"] = "gzip"


def spoilt(answer, _):
    answer.body = answer.body.replace(b'":"', b'":"\xae', 1)


def relabelled(answer, fault):
    answer.content_type = fault.get("value", "text/html; charset=iso-8859-1")


def encoded(body):
    return json.dumps(body, separators=(",", ":")).encode()


DAMAGES = {name: changed_numbers(change) for name, change in NUMBERS.items()}
DAMAGES.update({"edge-numbers": edges, "duplicate-keys": duplicated, "nesting": nested,
                "trailing": trailed, "bad-bytes": spoilt, "bom": marked, "gzip": compressed,
                "content-type": relabelled})
