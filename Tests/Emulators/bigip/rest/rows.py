# SPDX-License-Identifier: Apache-2.0
"""Collections that are not made before they are looked at.

A collection is a sequence of sources (pools, members, dictionaries of the configuration) and a
function that makes an item of one. Only what a page shows is made.
"""

from collections.abc import Sequence


class Rows:
    def __init__(self, sources, make, partition_of=None):
        self.sources, self.make = sources, make
        self.partition_of = partition_of or (lambda source: make(source).get("partition"))

    def __len__(self):
        return len(self.sources)

    def without(self, partition):
        return self.kept(lambda name: name != partition)

    def only(self, partition):
        return self.kept(lambda name: name in (partition, None))

    def kept(self, wanted):
        kept = [source for source in self.sources if wanted(self.partition_of(source))]
        return Rows(kept, self.make, self.partition_of)

    def first(self, number):
        return Rows(self.sources[:number], self.make, self.partition_of)

    def items(self, sources):
        return [self.make(source) for source in sources]


class Joined(Sequence):
    """Several sequences one behind the other."""

    def __init__(self, parts):
        self.parts = [part for part in parts if len(part)]

    def __len__(self):
        return sum(map(len, self.parts))

    def __iter__(self):
        for part in self.parts:
            yield from part

    def __getitem__(self, index):
        if not isinstance(index, slice):
            return self.between(index, index + 1)[0]
        start, stop, _ = index.indices(len(self))
        return self.between(start, stop)

    def between(self, start, stop):
        found = []
        for part in self.parts:
            if start < len(part) and stop > 0:
                found += part[max(start, 0):min(stop, len(part))]
            start, stop = start - len(part), stop - len(part)
        return found
