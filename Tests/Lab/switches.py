# SPDX-License-Identifier: Apache-2.0
"""How the switches are read: NX-API in every dialect, and when it misbehaves; BMP beside polling."""

import time

import demo
import frr
import nxapi
from state import Lab
from topology import COLLECTOR_ADDRESS, SWITCHES

# What the collector must survive without a word: the same table, however it is dressed.
DRESSED = [
    ("JSON with one row as an object", dict(dialect="collapsed")),
    ("JSON native", dict(dialect="native")),
    ("text, where a command has no structured output", dict(refuses=["route"])),
    ("text, as a 5000 is asked", dict(release="7.1(4)N1(1)")),
    ("each VRF's row twice", dict(faults={"twice": True})),
    ("a session cookie that is refused", dict(faults={"cookie": True})),
]
# What makes the switch unreadable: told as that, and never as a lost route.
BROKEN = [
    ("an error of the back end", dict(faults={"status": 500})),
    ("an empty body", dict(faults={"empty": True})),
    ("a body that is cut off", dict(faults={"cut": 0.6})),
    ("a refused command", dict(faults={"code": "400"})),
]


def cases(identity, collector):
    lab = Lab(identity)
    for what, mood in DRESSED:
        yield f"switch: {what}", lambda mood=mood: dressed(lab, identity, collector, mood)
    for what, mood in BROKEN:
        yield f"switch: {what}", lambda mood=mood: broken(lab, collector, mood)
    yield "switch: asked gently", lambda: gentle(lab)
    yield "switch: BMP and BGP are connected, and nothing is announced", lambda: feeds(lab)


def dressed(lab, identity, collector, mood):
    """Well throughout, also after a new start, which learns the release anew."""
    seen = len(collector.transitions())
    nxapi.set_mood(lab, **mood)
    demo.lab(identity, "podpath", "stop", "collector")
    demo.lab(identity, "podpath", "start", "collector")
    try:
        demo.wait("health", demo.READY, collector.is_well)
        time.sleep(3)
        problems = [] if collector.is_well() else ["not well"]
    finally:
        nxapi.set_mood(lab)
    return problems + [f"said: {a['transition']} {a['summary']}" for a in collector.transitions()[seen:]]


def broken(lab, collector, mood):
    seen = len(collector.transitions())
    nxapi.set_mood(lab, **mood)
    fresh = lambda: collector.transitions()[seen:]  # noqa: E731
    try:
        demo.wait("the switch to be called unreadable", demo.READY,
                  lambda: any(a["kind"] == "source-unreadable" and a["transition"] == "opened" for a in fresh()))
    finally:
        nxapi.set_mood(lab)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return [f"said: {a['kind']} {a['summary']}" for a in fresh() if a["kind"] != "source-unreadable"]


def gentle(lab):
    counts = nxapi.counts(lab)
    problems = [] if counts["most"] == 1 else [f"{counts['most']} requests at once"]
    if counts["forbidden"]:
        problems.append(f"{counts['forbidden']} requests outside the list")
    # Each start of the collector logs in once, a refused cookie makes one more.
    if counts["logins"] * 20 > counts["requests"] + 400:
        problems.append(f"{counts['logins']} logins in {counts['requests']} requests")
    return problems


def feeds(lab):
    demo.wait("BMP and BGP connections", demo.READY, lambda: all(f"{what}: a is connected" in log(lab) for what in ("BMP", "BGP")))
    demo.wait("routes towards the collector, and none from it", demo.READY, lambda: listens(lab))
    return []


def log(lab):
    return lab.path("log", "collector.log").read_text()


def listens(lab):
    peer = frr.show(lab, SWITCHES[0], "bgp ipv4 unicast summary").get("peers", {}).get(COLLECTOR_ADDRESS, {})
    return (peer.get("state"), peer.get("pfxRcd")) == ("Established", 0) and peer.get("pfxSnt", 0) > 0
