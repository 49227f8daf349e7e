# SPDX-License-Identifier: Apache-2.0
"""The query parameters iControl REST understands on a collection:

$filter=partition eq X, $select, $top, $skip, expandSubcollections, ver.
"""

import re
from urllib.parse import parse_qsl

from bigip.faults.paging import first_of_page, moved_total


class QueryError(Exception):
    """A query parameter the unit would refuse."""


class Query:
    def __init__(self, raw, flags=None):
        self.raw, self.flags = raw, flags or {}
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

    def page(self, rows):
        """The items of the page asked for, made only now."""
        start = first_of_page(self.flags, self.skip or 0)
        stop = None if self.top is None else start + self.top
        return rows.items(rows.sources[start:stop])

    def self_query(self, version):
        """What the answer's selfLink repeats: the request's parameters, then the dialect."""
        kept = ["%s=%s" % pair for pair in self.pairs if pair[0] != "ver"]
        return "&".join(kept + ["ver=" + version])

    def next_query(self, version):
        """The dollar sign comes back as it was sent, and the order is the unit's own."""
        step = (self.skip or 0) + self.top
        form = self.flags.get("next-link", {}).get("form")
        if form == "no-equals":
            return "%%24skip=%d&%%24top%d" % (step, self.top)
        dollar = "%24" if (form or ("encoded" if self.encoded else "plain")) == "encoded" else "$"
        others = ["%s=%s" % pair for pair in self.pairs if pair[0] not in ("$top", "$skip", "ver")]
        return "&".join(["%stop=%d" % (dollar, self.top),
                         "%sskip=%d" % (dollar, step)] + others + ["ver=" + version])

    def page_fields(self, shown, total):
        size = self.top or max(total, 1)
        total += moved_total(self.flags)
        return {"currentItemCount": shown, "itemsPerPage": size,
                "pageIndex": (self.skip or 0) // size + 1,
                "startIndex": (self.skip or 0) + 1, "totalItems": total,
                "totalPages": max(1, -(-total // size))}

    def has_more(self, total):
        return bool(self.top) and (self.skip or 0) + self.top < total

    def selected(self, item):
        return {key: item[key] for key in item if key in self.select} if self.select else item
