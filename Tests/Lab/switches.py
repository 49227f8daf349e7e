# SPDX-License-Identifier: Apache-2.0
"""How the switches are read: NX-API in every dialect, and when it misbehaves; BMP beside polling."""

import time

import demo
import faults
import frr
import nxapi
import podpath
from state import Lab
from topology import AS, COLLECTOR_ADDRESS, SWITCHES

# What the collector must survive without a word: the same table, however it is dressed.
DRESSED = [
    ("JSON with one row as an object", dict(dialect="collapsed")),
    ("JSON native", dict(dialect="native")),
    ("text, where a command has no structured output", dict(refuses=["route"])),
    ("text, as a 5000 is asked", dict(release="7.1(4)N1(1)")),
    ("each VRF's row twice", dict(faults={"twice": True})),
    ("a session cookie that is refused", dict(faults={"cookie": True})),
    ("answers that take their time", dict(faults={"slow": 0.3})),
]
# What makes the switch unreadable: told as that, and never as a lost route.
BROKEN = [
    ("an error of the back end", dict(faults={"status": 500})),
    ("an empty body", dict(faults={"empty": True})),
    ("a body that is cut off", dict(faults={"cut": 0.6})),
    ("a refused command", dict(faults={"code": "400"})),
    ("a door that is too busy", dict(faults={"busy": 2})),
]
# One read of the lab: summary, table, summary; and the least time between the begins of two, in seconds.
COMMANDS, FLOOR = 3, 0.5
# What is told of a switch that is read by what it brings alone: its kinds and nothing else.
FEEDS = {
    # FRR 8.4 sends some withdrawals that are none: what its policy refuses is not proven by BMP.
    "bmp": ["switch-wrong-next-hop", "session-down", "switch-bgpd-killed"],
    "bgp": ["switch-route-missing", "switch-bgpd-killed"],
}


def cases(identity, collector):
    lab = Lab(identity)
    for what, mood in DRESSED:
        yield f"switch: {what}", lambda mood=mood: dressed(lab, identity, collector, mood)
    for what, mood in BROKEN:
        yield f"switch: {what}", lambda mood=mood: broken(lab, collector, mood)
    yield "switch: JSON-RPC", lambda: by_json_rpc(lab, identity, collector)
    yield "switch: a table that stands still", lambda: frozen(lab, identity, collector)
    yield "switch: refused credentials are not tried again", lambda: refused(lab, identity, collector)
    yield "switch: BMP and BGP are connected, and nothing is announced", lambda: feeds(lab)
    yield "switch: bgpd restarted gracefully", lambda: graceful(lab, collector)
    for way, names in FEEDS.items():
        yield f"switch: read over {way.upper()} alone", lambda way=way, names=names: alone(lab, identity, collector, way, names)


def quiet(identity, _):
    return [("switch: asked gently", lambda: gentle(Lab(identity)))]


def dressed(lab, identity, collector, mood):
    """Well throughout, also after a new start, which learns the release anew."""
    seen = len(collector.transitions())
    nxapi.set_mood(lab, **mood)
    restart(identity)
    try:
        demo.wait("health", demo.READY, collector.is_well)
        time.sleep(3)
        problems = [] if collector.is_well() else ["not well"]
    finally:
        nxapi.set_mood(lab)
    return problems + [f"said: {a['transition']} {a['summary']}" for a in collector.transitions()[seen:]]


def restart(identity):
    demo.lab(identity, "podpath", "stop", "collector")
    demo.lab(identity, "podpath", "start", "collector")


def reconfigured(lab, identity, collector, action, **ways):
    """With a collector that reads the switches otherwise; afterwards as before."""
    podpath.configure(lab, faults.KINDS, **ways)
    restart(identity)
    try:
        demo.wait("health", demo.READY, collector.is_well)
        return action()
    finally:
        podpath.configure(lab, faults.KINDS)
        restart(identity)
        demo.wait("health as before", demo.READY, collector.is_well)


def by_json_rpc(lab, identity, collector):
    seen = len(collector.transitions())

    def action():
        time.sleep(3)
        said = [f"said: {a['transition']} {a['summary']}" for a in collector.transitions()[seen:]]
        return said if collector.is_well() else [*said, "not well"]
    return reconfigured(lab, identity, collector, action, envelope="json-rpc")


def alone(lab, identity, collector, way, names):
    def action():
        return [f"{name}: {problem}" for name in names for problem in quietly(identity, collector, name)]
    return reconfigured(lab, identity, collector, action, only=way)


def quietly(identity, collector, fault):
    silent = demo.Story(as_json=False)
    silent.tell = lambda *_, **__: None
    try:
        return demo.break_and_mend(silent, identity, collector, fault)
    except demo.DemoError as error:
        demo.lab(identity, "mend", fault)
        return [str(error)]


def frozen(lab, identity, collector):
    """It proves nothing of what changed since, and hides nothing that the nodes know."""
    nxapi.set_mood(lab, faults={"frozen": True})
    # It stands still from the next read on.
    time.sleep(3)
    try:
        return quietly(identity, collector, "not-exported")
    finally:
        nxapi.set_mood(lab)


def refused(lab, identity, collector):
    """An account that is tried again and again is locked out, for people too."""
    seen = len(collector.transitions())
    before = nxapi.counts(lab)["requests"]
    nxapi.set_mood(lab, faults={"status": 401})
    try:
        demo.wait("the switch to be called unreadable", demo.READY,
                  lambda: any(a["kind"] == "source-unreadable" for a in collector.transitions()[seen:]))
        time.sleep(5)
        tries = nxapi.counts(lab)["requests"] - before
    finally:
        nxapi.set_mood(lab)
        restart(identity)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    # What was on its way when the mood changed, then one that is refused with the cookie, one without.
    return [f"{tries} requests with refused credentials"] if tries > 6 else []


def graceful(lab, collector):
    """zebra keeps the routes while bgpd is away; the sessions are down, and nothing is missing."""
    seen = len(collector.transitions())
    restart_gracefully(lab)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    time.sleep(demo.AFTERWARDS)
    allowed = {"session-down", "source-unreadable"}
    return [f"said: {a['kind']} {a['summary']}" for a in collector.transitions()[seen:] if a["kind"] not in allowed]


def restart_gracefully(lab):
    graceful_restart = ["bgp graceful-restart", "bgp graceful-restart preserve-fw-state"]
    frr.configure(lab, SWITCHES[0], f"router bgp {AS}", *graceful_restart)
    demo.lab(lab.name, "fault", "bgpd-restart")


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
    """One request after the other, never more reads than the floor allows, one login in all of the cookie's life."""
    before, began = nxapi.counts(lab), time.monotonic()
    time.sleep(5)
    after, took = nxapi.counts(lab), time.monotonic() - began
    grown = {key: after[key] - before[key] for key in after}
    problems = [] if after["most"] == 1 else [f"{after['most']} requests at once"]
    if after["forbidden"]:
        problems.append(f"{after['forbidden']} requests outside the list")
    if grown["logins"]:
        problems.append(f"{grown['logins']} logins in {grown['requests']} requests")
    # Whatever hastens a read, two begin half a second apart; and what was under way at both ends.
    most = COMMANDS * (took / FLOOR + 2)
    return problems if COMMANDS <= grown["requests"] <= most else [*problems, f"{grown['requests']} requests in {took:.1f} s"]


def feeds(lab):
    demo.wait("BMP and BGP connections", demo.READY, lambda: all(f"{what}: a is connected" in log(lab) for what in ("BMP", "BGP")))
    demo.wait("routes towards the collector, and none from it", demo.READY, lambda: listens(lab))
    return []


def log(lab):
    return lab.path("log", "collector.log").read_text()


def listens(lab):
    peer = frr.show(lab, SWITCHES[0], "bgp ipv4 unicast summary").get("peers", {}).get(COLLECTOR_ADDRESS, {})
    return (peer.get("state"), peer.get("pfxRcd")) == ("Established", 0) and peer.get("pfxSnt", 0) > 0
