# SPDX-License-Identifier: Apache-2.0
"""A unit that restarts its management, step by step, in `seconds` all together.

refused       nobody listens
restarting    503, the HTML page
unregistered  404 of paths that are not there yet, in three forms, one without its last brace
absent        404: pools that exist were not found
mcpd          500: the connection to mcpd has been lost
not-ready     sys/ready and sys/mcp-state say so, lists are whole
partial       lists grow until they are whole; not ready either, unless "ready": true

`phases` leaves some out; the others share the time. `phase` holds one alone, for as many requests
or seconds as any other fault. At the beginning tokens are lost and members go checking.
"""

import itertools
import threading
import time

SHARES = {"refused": 0.2, "restarting": 0.2, "unregistered": 0.15, "absent": 0.1, "mcpd": 0.1,
          "not-ready": 0.1, "partial": 0.15}
PHASES = tuple(SHARES)
UNREGISTERED = itertools.cycle(("waiting", "public", "silent"))


def share_of(fault, phase):
    """(begin, end) of a phase, as fractions of the whole; none at all when it is left out."""
    chosen = [name for name in PHASES if name in fault.get("phases", PHASES)]
    whole = sum(SHARES[name] for name in chosen) or 1
    begin = sum(SHARES[name] for name in chosen[:chosen.index(phase)]) if phase in chosen else 0
    return begin / whole, (begin + SHARES[phase]) / whole if phase in chosen else 0


def phase_now(fault):
    """(phase, how far in it)"""
    if "phase" in fault:
        return fault["phase"], 0.5
    gone = (time.monotonic() - fault["_from"]) / max(fault["seconds"], 0.001)
    for phase in PHASES:
        begin, end = share_of(fault, phase)
        if begin <= gone < end:
            return phase, (gone - begin) / (end - begin)
    return None, 0


def faults_now(fault, path):
    """The faults the phase consists of."""
    phase, far = phase_now(fault)
    if phase == "restarting":
        return {"status": {"code": 503, "variant": "restarting"}}
    if phase == "unregistered":
        return {"status": {"code": 404, "variant": next(UNREGISTERED)}}
    if phase == "absent" and "/ltm/" in path:
        return {"status": {"code": 404, "variant": "absent" if "/pool/~" in path else "object"}}
    if phase == "mcpd":
        return {"status": {"code": 500, "variant": "mcpd"}}
    return unready(fault, phase, far) if phase in ("absent", "not-ready", "partial") else {}


def unready(fault, phase, far):
    found = {"partial": {"fraction": far}} if phase == "partial" else {}
    if phase != "partial" or not fault.get("ready"):
        found["mcp-not-running"] = {"phase": "loading"}
    return found


class Restart:
    """Closes and opens the listener, which no answer to a request can do."""

    def __init__(self, device, tokens, listener):
        self.device, self.tokens, self.listener = device, tokens, listener
        self.cancelled = threading.Event()

    def begin(self, fault):
        begin, end = share_of(fault, "refused")
        seconds = (end - begin) * fault["seconds"]
        if "phase" in fault:
            seconds = fault.get("for") or fault["seconds"]
            if fault["phase"] != "refused":
                return
        self.cancelled = threading.Event()
        threading.Thread(target=self.run, args=(float(fault.get("after") or 0), seconds,
                                                self.cancelled), daemon=True).start()

    def cancel(self):
        self.cancelled.set()

    def run(self, after, seconds, cancelled):
        if cancelled.wait(after):
            return
        self.tokens.forget_all()
        self.forget_verdicts()
        if seconds:
            self.listener.close()
            cancelled.wait(seconds)
            self.listener.open()

    def forget_verdicts(self):
        with self.device.lock:
            for member in self.device.members():
                if not member.template:
                    member.restart(time.monotonic())
