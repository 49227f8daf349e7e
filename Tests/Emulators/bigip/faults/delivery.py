# SPDX-License-Identifier: Apache-2.0
"""How the bytes of a body reach the client: whole, cut, in chunks, or a few a second."""

import random
import time

KINDS = ("cut", "chunked", "trickle")


class Delivery:
    def __init__(self, body, faults):
        self.faults, self.whole = faults, len(body)
        self.body = body[:self.length(faults)]
        self.ends = len(self.body) < self.whole or self.content_length is None

    def length(self, faults):
        fault = faults.get("cut") or faults.get("chunked") or {}
        if fault.get("random") and self.whole:
            return random.randrange(self.whole)
        default = 0.5 if "cut" in faults else 1.0
        return int(self.whole * float(fault.get("fraction", default)))

    @property
    def content_length(self):
        """None when the header is left out."""
        if "chunked" in self.faults:
            return None
        form = self.faults.get("cut", {}).get("length", "full")
        return {"none": None, "short": len(self.body)}.get(form, self.whole)

    def send(self, out):
        if "chunked" in self.faults:
            self.chunks(out, int(self.faults["chunked"].get("size", 1024)))
        elif "trickle" in self.faults:
            self.drops(out, float(self.faults["trickle"].get("perSecond", 1)))
        else:
            out.write(self.body)

    def chunks(self, out, size):
        for start in range(0, len(self.body), size):
            chunk = self.body[start:start + size]
            out.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if len(self.body) == self.whole:
            out.write(b"0\r\n\r\n")

    def drops(self, out, rate):
        """At most ten writes a second."""
        step = max(1, round(rate / 10))
        for start in range(0, len(self.body), step):
            out.write(self.body[start:start + step])
            out.flush()
            time.sleep(step / rate)
