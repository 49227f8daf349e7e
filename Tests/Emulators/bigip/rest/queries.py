# SPDX-License-Identifier: Apache-2.0
"""The query parameters iControl REST understands on a collection:

$filter=partition eq X, $select, $top, $skip, expandSubcollections, ver.
"""

import re
from urllib.parse import parse_qsl


class QueryError(Exception):
    """A query parameter the unit would refuse."""


class Query:
    def __init__(self, raw):
        self.raw = raw
        self.encoded = "%24" in raw
        self.pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=20)
        values = dict(self.pairs)
        self.top, self.skip = self.number(values, "$top"), self.number(values, "$skip")
        self.select = [f for f in values.get("$select", "").split(",") if f]
        self.expand = values.get("expandSubcollections") == "true"
        self.version = values.get("ver")
        self.partition = self.filtered(values.get("$filter"))

    @staticmethod
    def number(values, name):
        if name not in values:
            return None
        if not re.fullmatch(r"\d{1,9}", values[name]):
            raise QueryError("Invalid value for query parameter %s" % name)
        return int(values[name])

    @staticmethod
    def filtered(text):
        if not text:
            return None
        match = re.fullmatch(r"\s*partition\s+eq\s+['\"]?([\w.-]+)['\"]?\s*", text)
        if not match:
            raise QueryError("Unsupported $filter expression")
        return match.group(1)

    @property
    def paged(self):
        return self.top is not None or self.skip is not None

    def page(self, items):
        start = self.skip or 0
        return items[start:] if self.top is None else items[start:start + self.top]

    def self_query(self, version):
        """What the answer's selfLink repeats: the request's parameters, then the dialect."""
        kept = ["%s=%s" % pair for pair in self.pairs if pair[0] != "ver"]
        return "&".join(kept + ["ver=" + version])

    def next_query(self, version):
        """The dollar sign comes back as it was sent, and the order is the unit's own."""
        dollar = "%24" if self.encoded else "$"
        step = (self.skip or 0) + self.top
        others = ["%s=%s" % pair for pair in self.pairs if pair[0] not in ("$top", "$skip", "ver")]
        return "&".join(["%stop=%d" % (dollar, self.top),
                         "%sskip=%d" % (dollar, step)] + others + ["ver=" + version])

    def page_fields(self, shown, total):
        size = self.top or max(total, 1)
        return {"currentItemCount": shown, "itemsPerPage": size,
                "pageIndex": (self.skip or 0) // size + 1,
                "startIndex": (self.skip or 0) + 1, "totalItems": total,
                "totalPages": max(1, -(-total // size))}

    def has_more(self, total):
        return bool(self.top) and (self.skip or 0) + self.top < total

    def selected(self, item):
        return {key: item[key] for key in item if key in self.select} if self.select else item
