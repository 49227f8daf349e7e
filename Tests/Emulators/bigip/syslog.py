# SPDX-License-Identifier: Apache-2.0
"""Sends log lines to a collector, well or as a bad network would.

"syslog": {"to": "127.0.0.1:5514", "transport"?: "udp" or "tcp",
           "form"?: "rfc3164", "bsd-no-pri" or "rfc5424", "slot"?: 1, "milliseconds"?: true,
           "firstUp"?: true}

Control: {"syslog": {"lines"?: [...], "delay"?: s, "duplicate"?: true, "shuffle"?: true,
"truncate"?: bytes, "drop"?: true, "to"?, "transport"?}}. With `lines`, those are sent as they
are; without, every line of the unit's own is treated so from now on (null: no more). A shuffled
batch of own lines is a second's worth. Sending never holds anything up, and errors are no news.
"""

import queue
import random
import socket
import threading
import time

from bigip.addresses import ConfigurationError, endpoint

FORMS = ("rfc3164", "bsd-no-pri", "rfc5424")
TRANSPORTS = ("udp", "tcp")
LOCAL0 = 16 * 8
WORDS = {5: "notice", 3: "err"}
PROCESS_ID = 6021
BATCH_SECONDS = 1.0
TREATMENTS = ("delay", "duplicate", "shuffle", "truncate", "drop")


class Sender:
    def __init__(self, raw, hostname, now):
        self.raw = raw = raw or {}
        self.to = endpoint(raw["to"]) if "to" in raw else None
        self.transport = checked(raw.get("transport", "udp"), TRANSPORTS)
        self.form = checked(raw.get("form", "rfc3164"), FORMS)
        self.host = ("slot%d/" % raw["slot"] if "slot" in raw else "") + hostname
        self.now, self.treatment = now, {}
        self.queue, self.streams = queue.Queue(), {}
        threading.Thread(target=self.run, daemon=True).start()

    def line(self, process, severity, text):
        """One line of the unit's own."""
        if self.to:
            self.enqueue([self.formed(process, severity, text)], self.treatment, self.to,
                         self.transport)

    def formed(self, process, severity, text):
        clock = self.now()
        if self.form == "rfc5424":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock))
            return "<%d>1 %s.%03dZ %s %s %d - - %s" % (LOCAL0 + severity, stamp, clock % 1 * 1000,
                                                       self.host, process, PROCESS_ID, text)
        local = time.localtime(clock)
        stamp = "%s %2d %s" % (time.strftime("%b", local), local.tm_mday,
                               time.strftime("%H:%M:%S", local))
        if self.raw.get("milliseconds"):
            stamp += ".%03d" % (clock % 1 * 1000)
        priority = "" if self.form == "bsd-no-pri" else "<%d>" % (LOCAL0 + severity)
        return "%s%s %s %s %s[%d]: %s" % (priority, stamp, self.host, WORDS[severity], process,
                                          PROCESS_ID, text)

    def tell(self, raw):
        """The control command."""
        if raw is not None and "lines" in raw:
            to = endpoint(raw["to"]) if "to" in raw else self.to
            if to is None:
                raise ConfigurationError("no syslog server is configured")
            transport = checked(raw.get("transport", self.transport), TRANSPORTS)
            self.enqueue([str(line) for line in raw["lines"]], raw, to, transport)
            return
        self.treatment = {key: raw[key] for key in TREATMENTS if key in raw} if raw else {}

    def enqueue(self, lines, treatment, to, transport):
        if not treatment.get("drop"):
            due = time.monotonic() + float(treatment.get("delay", 0))
            self.queue.put((due, lines, treatment, to, transport))

    def run(self):
        waiting = []
        while True:
            try:
                waiting.append(self.queue.get(timeout=0.05 if waiting else None))
            except queue.Empty:
                pass
            now = time.monotonic()
            due = [each for each in waiting if ready(each, now)]
            waiting = [each for each in waiting if not ready(each, now)]
            if len(due) > 1 and due[0][2].get("shuffle"):
                random.shuffle(due)
            for _, lines, treatment, to, transport in due:
                for line in treated(lines, treatment):
                    self.send(line, to, transport)

    def send(self, line, to, transport):
        try:
            if transport == "udp":
                family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as out:
                    out.sendto(line, to)
            else:
                self.send_stream(line, to)
        except OSError:
            self.streams.pop(to, None)

    def send_stream(self, line, to):
        """Once more when the server ended the connection meanwhile."""
        try:
            self.stream(to).sendall(line + b"\n")
        except OSError:
            self.streams.pop(to, None)
            self.stream(to).sendall(line + b"\n")

    def stream(self, to):
        if to not in self.streams:
            self.streams[to] = socket.create_connection(to, timeout=5)
        return self.streams[to]


def ready(each, now):
    """Own lines that are to be shuffled wait until there are some."""
    extra = BATCH_SECONDS if each[2].get("shuffle") and len(each[1]) == 1 else 0
    return each[0] + extra <= now


def treated(lines, treatment):
    """Bytes, in the order and the number asked for."""
    result = [line.encode()[:treatment.get("truncate")] for line in lines]
    if treatment.get("duplicate"):
        result = [line for line in result for _ in range(2)]
    if treatment.get("shuffle"):
        random.shuffle(result)
    return result


def checked(word, known):
    if word not in known:
        raise ConfigurationError("syslog: one of %s" % ", ".join(known))
    return word
