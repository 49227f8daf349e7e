# SPDX-License-Identifier: Apache-2.0
"""A second reader of the report stream, written from Shared/FORMAT.md alone.

    report_format.py FILE        frames of an agent, one JSON document a line; - is standard input
"""
import hashlib
import ipaddress
import json
import sys

FRAME_LIMIT = 4 << 20
STRING_LIMIT = 512
STRINGS_LIMIT = 65_536
HOP_LISTS_LIMIT = 65_536
HOPS_LIMIT = 256
SECTIONS_LIMIT = 64
FACTS_LIMIT = 131_072
CHANNELS_LIMIT = 16
TOKEN_LIMIT = 16_384

HELLO, SNAPSHOT, CHANGES, HEARTBEAT, GOODBYE, TOKEN = 1, 2, 3, 4, 5, 6
WELCOME, ACKNOWLEDGE, RESYNC, REFUSED = 16, 17, 18, 19


class FormatError(Exception):
    """Bytes that break the format, with the place in the frame's body."""


class Reader:
    """A place in a frame's body."""

    def __init__(self, data, start=0, end=None):
        self.data, self.at = data, start
        self.end = len(data) if end is None else end

    def fail(self, what):
        raise FormatError(f"{what} at {self.at}")

    def take(self, count):
        if count > self.end - self.at:
            self.fail("truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def part(self, count):
        if count > self.end - self.at:
            self.fail("truncated")
        self.at += count
        return Reader(self.data, self.at - count, self.at)

    def left(self):
        return self.end - self.at

    def byte(self):
        return self.take(1)[0]

    def varint(self, bits=64):
        value = shift = 0
        while True:
            byte = self.byte()
            if shift >= bits or (byte & 0x7F) << shift >> bits:
                self.fail("number too large")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self):
        length = self.varint()
        if length > STRING_LIMIT:
            self.fail("string too long")
        return self.take(length).decode("utf-8", "replace")

    def address(self):
        family = self.byte()
        if family == 0:
            return None
        if family not in (4, 6):
            self.fail("address family")
        return str(ipaddress.ip_address(self.take(4 if family == 4 else 16)))

    def count(self, limit, what):
        value = self.varint()
        if value > limit:
            self.fail(f"{value} {what}")
        return value


def read_tables(reader):
    """The strings and the next-hop lists, entry 0 of each being the empty one."""
    strings = [""] + [reader.text() for _ in range(reader.count(STRINGS_LIMIT, "strings"))]
    lists = [[]]
    for _ in range(reader.count(HOP_LISTS_LIMIT, "next-hop lists")):
        hops = []
        for _ in range(reader.count(HOPS_LIMIT, "next hops")):
            flags, gateway = reader.byte(), reader.address()
            device = entry(strings, reader.varint(), reader)
            hops.append({"dead": bool(flags & 1), "via": gateway, "dev": device})
        lists.append(hops)
    return strings, lists


def entry(table, index, reader):
    if index >= len(table):
        reader.fail(f"entry {index} of a table of {len(table)}")
    return table[index]


def number(reader, tables):
    return reader.varint()


def optional(reader, tables):
    value = reader.varint()
    return value - 1 if value else None


def string(reader, tables):
    return entry(tables[0], reader.varint(), reader)


def hops(reader, tables):
    return entry(tables[1], reader.varint(), reader)


def address(reader, tables):
    return reader.address()


def prefix(reader, tables):
    raise AssertionError("prefixes come in runs")


def read_prefixes(reader, rows):
    """One for each fact, in runs of a length."""
    last = {32: 0, 128: 0}
    found = []
    while len(found) < rows:
        code, count = reader.byte(), reader.varint()
        if not 1 <= count <= rows - len(found):
            reader.fail("run of prefixes")
        if code == 255:
            found += [None] * count
            continue
        width, length = (32, code) if code <= 32 else (128, code - 100)
        if not 0 <= length <= width:
            reader.fail("prefix length")
        for _ in range(count):
            folded = reader.varint(128)
            distance = folded >> 1 ^ -(folded & 1)
            value = ((last[width] >> width - length) + distance) % (1 << 128)
            if value >> length:
                reader.fail("prefix number")
            last[width] = value << width - length
            found.append(prefix_text(last[width], width, length))
    return found


def prefix_text(bits, width, length):
    kind = ipaddress.IPv4Address if width == 32 else ipaddress.IPv6Address
    return f"{kind(bits)}/{length}"


# Of each kind: its name, and by column its field's name, its values, what it is when left out.
KINDS = {
    1: ("kernel", {1: ("flags", number, 0)}),
    2: (
        "links",
        {
            1: ("name", string, ""),
            2: ("index", number, 0),
            3: ("flags", number, 3),
            4: ("mtu", number, 0),
            5: ("rpFilter", optional, None),
        },
    ),
    3: (
        "routes",
        {
            1: ("prefix", prefix, None),
            2: ("table", number, 254),
            3: ("metric", number, 0),
            4: ("destination", number, 1),
            5: ("protocol", number, 0),
            6: ("hops", hops, []),
        },
    ),
    4: (
        "birds",
        {
            1: ("daemon", string, ""),
            2: ("condition", number, 0),
            3: ("reason", string, ""),
            4: ("age", optional, 0),
            5: ("version", string, ""),
            6: ("routerID", address, None),
            7: ("lastReboot", string, ""),
            8: ("lastReconfiguration", string, ""),
            9: ("flags", number, 0),
        },
    ),
    5: (
        "sessions",
        {
            1: ("daemon", string, ""),
            2: ("name", string, ""),
            3: ("protocolState", number, 2),
            4: ("state", number, 6),
            5: ("flags", number, 0),
            6: ("neighbor", address, None),
            7: ("neighborAS", optional, None),
            8: ("localAS", optional, None),
            9: ("age", optional, None),
            10: ("lastError", string, ""),
            11: ("firstError", string, ""),
            12: ("message", string, ""),
            13: ("holdTime", optional, None),
            14: ("silence", optional, None),
            15: ("bfd", string, ""),
            16: ("channelCount", number, 0),
            # 17 to 23 are of its channels.
            24: ("restartTime", optional, None),
        },
    ),
    6: (
        "statics",
        {
            1: ("daemon", string, ""),
            2: ("protocol", string, ""),
            3: ("prefix", prefix, None),
            4: ("flags", number, 0),
            5: ("device", string, ""),
        },
    ),
    7: (
        "birdRoutes",
        {
            1: ("daemon", string, ""),
            2: ("table", string, ""),
            3: ("protocol", string, ""),
            4: ("prefix", prefix, None),
            5: ("destination", number, 1),
            6: ("flags", number, 1),
            7: ("hops", hops, []),
        },
    ),
    8: (
        "exports",
        {
            1: ("daemon", string, ""),
            2: ("uplink", string, ""),
            3: ("prefix", prefix, None),
            4: ("answer", number, 1),
            5: ("reason", string, ""),
        },
    ),
    9: (
        "addresses",
        {1: ("device", string, ""), 2: ("address", address, None), 3: ("length", number, 0)},
    ),
    10: (
        "rules",
        {
            1: ("family", number, 4),
            2: ("priority", number, 0),
            3: ("action", number, 1),
            4: ("table", number, 254),
            5: ("from", prefix, None),
            6: ("to", prefix, None),
            7: ("selectors", number, 0),
        },
    ),
}
CHANNEL = {
    17: ("name", string, ""),
    18: ("state", number, 2),
    19: ("flags", number, 0),
    20: ("imported", optional, None),
    21: ("filtered", optional, None),
    22: ("exported", optional, None),
    23: ("preferred", optional, None),
}
KEYS = {
    "kernel": (),
    "links": ("name",),
    "routes": ("prefix", "table", "metric"),
    "birds": ("daemon",),
    "sessions": ("daemon", "name"),
    "statics": ("daemon", "protocol", "prefix"),
    "birdRoutes": ("daemon", "table", "protocol", "prefix"),
    "exports": ("daemon", "uplink", "prefix"),
    "addresses": ("device", "address", "length"),
    "rules": ("family", "priority", "action", "table", "from", "to", "selectors"),
}


class Sections:
    """The sections of one frame, which share its tables and its bounds."""

    def __init__(self, reader):
        self.reader, self.tables = reader, read_tables(reader)
        self.facts = 0
        self.skipped = {"facts": 0, "fields": 0}

    def read(self):
        found = {}
        for _ in range(self.reader.count(SECTIONS_LIMIT, "sections")):
            kind, section = self.reader.byte(), self.reader.part(self.reader.varint())
            rows = section.count(max(1, section.end - section.at), "facts in a section")
            self.facts += rows
            if self.facts > FACTS_LIMIT:
                section.fail("too many facts")
            if kind not in KINDS:
                self.skipped["facts"] += rows
                continue
            name, columns = KINDS[kind]
            found.setdefault(name, []).extend(self.rows(kind, rows, section, columns))
        return found

    def rows(self, kind, rows, section, columns):
        facts = [{name: absent for name, _, absent in columns.values()} for _ in range(rows)]
        channels = []
        while section.at < section.end:
            head = section.byte()
            values = section.part(section.varint())
            column, is_constant = head >> 1, bool(head & 1)
            if column in columns:
                self.fill(facts, columns[column], values, is_constant)
                if kind == 5 and column == 16:
                    channels = self.channels(facts, section)
            elif kind == 5 and column in CHANNEL:
                self.fill(channels, CHANNEL[column], values, is_constant)
            else:
                self.skipped["fields"] += 1
        return self.with_channels(facts, channels) if kind == 5 else facts

    def fill(self, facts, column, values, is_constant):
        name, read, _ = column
        if not facts:
            return
        if read is prefix:
            found = read_prefixes(values, len(facts))
        elif is_constant:
            found = [read(values, self.tables)] * len(facts)
        else:
            found = [read(values, self.tables) for _ in facts]
        for fact, value in zip(facts, found):
            fact[name] = value

    def channels(self, facts, section):
        if any(fact["channelCount"] > CHANNELS_LIMIT for fact in facts):
            section.fail("too many channels")
        count = sum(fact["channelCount"] for fact in facts)
        self.facts += count
        if self.facts > FACTS_LIMIT:
            section.fail("too many channels")
        return [{name: absent for name, _, absent in CHANNEL.values()} for _ in range(count)]

    @staticmethod
    def with_channels(facts, channels):
        rest = iter(channels)
        for fact in facts:
            fact["channels"] = [next(rest) for _ in range(fact.pop("channelCount"))]
        return facts


def clock(reader):
    """Earlier agents end their frames before it."""
    return {"clock": reader.varint()} if reader.left() else {}


def read_frame(body):
    """One frame of an agent, without its length, as a document."""
    reader = Reader(body)
    kind = reader.byte()
    if kind == HELLO:
        frame = {"frame": "hello", "version": reader.varint(), "node": reader.text()}
        frame |= {"interval": reader.varint(32), "agentVersion": reader.text()}
        return frame | clock(reader)
    if kind == HEARTBEAT:
        return {"frame": "heartbeat", "generation": reader.varint()} | clock(reader)
    if kind == TOKEN:
        token = reader.take(reader.varint())
        if not 1 <= len(token) <= TOKEN_LIMIT or any(not 0x21 <= byte <= 0x7E for byte in token):
            reader.fail("no token")
        # What is told of it is enough to tell one from the next.
        return {"frame": "token", "sha256": hashlib.sha256(token).hexdigest()}
    if kind == GOODBYE:
        return {"frame": "goodbye"}
    if kind == SNAPSHOT:
        frame = {"frame": "snapshot", "generation": reader.varint()}
    elif kind == CHANGES:
        frame = {"frame": "changes", "base": reader.varint(), "generation": reader.varint()}
    else:
        raise FormatError(f"frame type {kind}")
    sections = Sections(reader)
    frame["facts"] = sections.read()
    if kind == CHANGES:
        frame["gone"] = sections.read()
    frame["skipped"] = sections.skipped
    return frame


class Frames:
    """Frames out of bytes of any split."""

    def __init__(self):
        self.waiting = b""

    def add(self, data):
        self.waiting += data
        while len(self.waiting) >= 4:
            length = int.from_bytes(self.waiting[:4], "big")
            if not 1 <= length <= FRAME_LIMIT:
                raise FormatError(f"frame of {length} bytes")
            if len(self.waiting) < 4 + length:
                return
            body, self.waiting = self.waiting[4 : 4 + length], self.waiting[4 + length :]
            yield read_frame(body)


class Belief:
    """What the frames so far say of the node: facts by kind and key."""

    def __init__(self):
        self.generation, self.facts = None, {}

    def take(self, frame):
        """False if the frame does not follow what is held."""
        if frame["frame"] == "snapshot":
            self.facts = {}
        elif self.generation is None or frame.get("base", frame["generation"]) != self.generation:
            return False
        for name, rows in frame.get("gone", {}).items():
            for row in rows:
                self.facts.get(name, {}).pop(self.key(name, row), None)
        for name, rows in frame.get("facts", {}).items():
            for row in rows:
                self.facts.setdefault(name, {})[self.key(name, row)] = row
        self.generation = frame["generation"]
        return True

    @staticmethod
    def key(name, row):
        return tuple(row[field] for field in KEYS[name])

    def rows(self, name):
        return list(self.facts.get(name, {}).values())


def encode_varint(value):
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def reply(kind, value=None):
    """A frame of a collector."""
    body = bytes([kind]) + (b"" if value is None else encode_varint(value))
    return len(body).to_bytes(4, "big") + body


def refused(reason):
    words = reason.encode()
    body = bytes([REFUSED]) + encode_varint(len(words)) + words
    return len(body).to_bytes(4, "big") + body


def main():
    name = sys.argv[1] if len(sys.argv) == 2 else "-"
    source = sys.stdin.buffer if name == "-" else open(name, "rb")
    frames = Frames()
    try:
        for frame in frames.add(source.read()):
            print(json.dumps(frame, sort_keys=True))
        if frames.waiting:
            raise FormatError("the last frame is cut off")
    except FormatError as error:
        print(f"report_format: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
