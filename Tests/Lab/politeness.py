# SPDX-License-Identifier: Apache-2.0
"""How the collector behaves towards the BIG-IP in all its life, with reads that fail in it, as the emulator
counted it."""

import demo
import ltm
import switches
from state import Lab

REQUESTS = 50


def asked(lab):
    return ltm.ask(lab, {"state": True})["counters"]


def one_at_a_time(lab, identity, collector):
    """From a collector's start: what others did to tokens and to it before does not count."""
    demo.lab(identity, "podpath", "stop", "collector")
    before = asked(lab)
    demo.lab(identity, "podpath", "start", "collector")
    demo.wait("health", demo.READY, collector.is_well)
    problems = switches.quietly(identity, collector, "source-unreadable")
    demo.wait(f"{REQUESTS} requests", demo.READY, lambda: asked(lab)["requests"] - before["requests"] >= REQUESTS)
    after = asked(lab)
    grown = {name: after[name] - before[name] for name in ("logins", "basic", "writes", "refusedLogins")}
    grown["maxInFlight"] = after["maxInFlight"]
    for name, most in (("maxInFlight", 1), ("logins", 1), ("basic", 0), ("writes", 0), ("refusedLogins", 0)):
        if grown[name] > most:
            problems.append(f"{name} is {grown[name]}, at most {most} is polite")
    return problems + [f"at once: {both}" for both in after["overlaps"]]


def quiet(identity, collector):
    return [("the BIG-IP saw one request at a time, one login, no write",
             lambda: one_at_a_time(Lab(identity), identity, collector))]
