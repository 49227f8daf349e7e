# SPDX-License-Identifier: Apache-2.0
"""How the BIG-IP's units are read when they misbehave: silence where nothing is proven, one watcher's word where a
unit cannot be read, and never a lost route or member; one request at a time and no more logins than tokens that died."""

import re
import time

import demo
import ltm
import switches
from state import Lab
from topology import COLLECTOR_ADDRESS, NODES

SOURCE = {"source-unreadable"}
TOKEN_KILLERS = {"token-expired", "token-lost"}
MEMBERS = "members/stats"


def once(code, variant):
    return {"kind": "status", "code": code, "variant": variant, "count": 1}


# What must be survived without a word: odd, and true all the same; or wrong once.
BORNE = [
    ("answers that take their time", [{"kind": "slow", "seconds": 0.1}]),
    ("numbered keys", [{"kind": "key-form", "form": "numbered"}]),
    ("short keys, and doubled generations", [{"kind": "key-form", "form": "short"}, {"kind": "generation", "by": 900}]),
    ("doubled keys", [{"kind": "key-form", "form": "doubled"}]),
    ("chunks, a wrong type and something behind", [{"kind": "chunked", "size": 100}, {"kind": "content-type"}, {"kind": "trailing"}]),
    ("numbers beyond 64 bits", [{"kind": "edge-numbers", "field": "serverside.bitsIn"}]),
    ("negative and unlimited counters", [{"kind": "negative", "field": "serverside.pktsIn"}, {"kind": "infinite", "field": "curSessions"}]),
    ("nulls among the counters", [{"kind": "null", "field": "totRequests"}]),
    ("unknown fields, deep", [{"kind": "nesting", "depth": 20}]),
    ("statistics that stand still", [{"kind": "frozen-statistics"}]),
    ("links to the next page in another spelling", [{"kind": "next-link", "form": "no-equals"}]),
    ("a token that is overlooked once", [once(401, "glitch")]),
    ("a token that expires", [{"kind": "token-expired"}]),
    ("tokens that are lost", [{"kind": "token-lost"}]),
    ("a clock that is two hours ahead, and a token that is lost", [{"kind": "clock-offset", "seconds": 7200}, {"kind": "token-lost"}]),
    ("a clock that is two hours behind, and a token that is lost", [{"kind": "clock-offset", "seconds": -7200}, {"kind": "token-lost"}]),
    ("connections that end", [{"kind": "drop-connections"}]),
    ("a pool that is not found once", [{**once(404, "absent"), "path": MEMBERS}]),
    ("mcpd lost once", [once(500, "mcpd")]),
    ("a time-out inside, once", [once(400, "timeout")]),
    ("an empty list of members, once", [{"kind": "empty", "path": MEMBERS, "count": 1}]),
    ("half of the members, once", [{"kind": "partial", "fraction": 0.5, "path": MEMBERS, "count": 1}]),
    ("an empty list of routes, once", [{"kind": "empty", "path": "net/route?", "count": 1}]),
    ("an empty list of pools, once", [{"kind": "empty", "path": "ltm/pool?", "count": 1}]),
    ("a body that is cut once", [{"kind": "cut", "fraction": 0.5, "count": 1}]),
    ("a connection that is reset once", [{"kind": "reset", "count": 1}]),
    ("a path the account may not read", [{"kind": "status", "code": 404, "variant": "object", "path": "cm/sync-status"}]),
]
# What makes a unit unreadable: told as that alone.
REFUSED = [
    ("a page of its own restart", [{"kind": "status", "code": 503, "variant": "restarting"}]),
    ("paths that are not registered yet", [{"kind": "restart", "phase": "unregistered"}]),
    ("pools that are not found while mcpd starts", [{"kind": "restart", "phase": "absent"}]),
    ("the connection to mcpd lost", [{"kind": "restart", "phase": "mcpd"}]),
    ("not ready", [{"kind": "restart", "phase": "not-ready"}]),
    ("a gateway's error", [{"kind": "status", "code": 502, "variant": "proxy"}]),
    ("a time-out in HTML", [{"kind": "status", "code": 500, "variant": "async"}]),
    ("HTML with status 200", [{"kind": "garbage"}]),
    ("a body that is shorter than whole, well delivered", [{"kind": "cut", "fraction": 0.7, "length": "short"}]),
    ("chunks that do not end", [{"kind": "chunked", "fraction": 0.5}]),
    ("compressed answers", [{"kind": "gzip"}]),
    ("keys that stand twice", [{"kind": "duplicate-keys", "differing": True}]),
    ("pool statistics where members were asked for", [{"kind": "pool-level"}]),
    ("empty lists of members, again and again", [{"kind": "empty", "path": MEMBERS}]),
    ("half of the members, again and again", [{"kind": "partial", "fraction": 0.5, "path": MEMBERS}]),
    ("pools of a partition it may no longer read", [{"kind": "no-access", "partition": "K8S"}]),
]


def cases(identity, collector):
    lab = Lab(identity)
    for what, faults in BORNE:
        yield f"BIG-IP: {what}", lambda faults=faults: borne(lab, identity, collector, faults)
    for what, faults in REFUSED:
        yield f"BIG-IP: {what}", lambda faults=faults: refused(lab, collector, faults)
    yield "BIG-IP: failover in the middle of a round, and back", lambda: failover(lab, collector)
    yield "BIG-IP: both units standby, both active, one forced offline", lambda: roles(lab, collector)
    yield "BIG-IP: the controller writes everything anew", lambda: quietly(lab, collector, {"generator": {"behaviour": "rewrite"}}, 8)
    yield "BIG-IP: members deleted and added again", lambda: quietly(
        lab, collector, {"generator": {"behaviour": "delete-add", "seconds": 2, "pool": ltm.pool_name("web")}}, 8, {"ltm-pool-emptied"})
    yield "BIG-IP: a unit restarts for a minute", lambda: restarting(lab, collector)
    for transport in ("udp", "tcp"):
        yield f"BIG-IP: a line of its log over {transport} hastens the reading of a pool", lambda transport=transport: hastened(
            lab, identity, collector, transport)
    yield "BIG-IP: too many live tokens", lambda: without_login(lab, identity, collector, [{"kind": "token-limit"}, {"kind": "token-lost"}])
    yield "BIG-IP: a login that is refused", lambda: without_login(
        lab, identity, collector, [{"kind": "status", "code": 401, "variant": "lockout", "path": "authn/login"}, {"kind": "token-lost"}])


def closing(identity, _):
    return [("BIG-IP: no secret was written, no unit was asked twice at a time", lambda: discreet(Lab(identity)))]


def said(collector, seen, allowed=()):
    return [f"said: {a['transition']} {a['kind']} {a['summary']}"
            for a in collector.transitions()[seen:] if a["kind"] not in allowed]


def broken_stages(collector):
    return [f"{path['prefix']} {stage['stage']}: {stage['state']}" for path in collector.paths()
            for stage in path["stages"] if stage["state"] in ("missing", "wrong")]


def misbehaving(lab, faults, action, unit=0):
    ltm.ask(lab, {"misbehave": faults}, unit)
    try:
        return action()
    finally:
        ltm.ask(lab, {"misbehave": None}, unit)


def borne(lab, identity, collector, faults):
    if any(each["kind"] in TOKEN_KILLERS for each in faults):
        # Its patience with tokens that die young is for each collector's life: other cases have killed some.
        demo.lab(identity, "podpath", "stop", "collector")
        demo.lab(identity, "podpath", "start", "collector")
        demo.wait("health", demo.READY, collector.is_well)
    seen = len(collector.transitions())
    misbehaving(lab, faults, lambda: time.sleep(3))
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return said(collector, seen)


def refused(lab, collector, faults):
    """What was read last stands as long as it is young, then it is unknown: in between nothing is missing."""
    seen = len(collector.transitions())

    def until_told():
        demo.wait("the unit to be called unreadable", demo.READY,
                  lambda: any(a["kind"] in SOURCE for a in collector.transitions()[seen:]))
        return broken_stages(collector)
    problems = misbehaving(lab, faults, until_told)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return problems + said(collector, seen, SOURCE)


def failover(lab, collector):
    seen = len(collector.transitions())
    for unit, moment in ((0, 0.37), (1, 0.81), (0, 0.05), (1, 0.5)):
        time.sleep(moment)
        ltm.ask(lab, {"failover": True}, unit)
        time.sleep(3)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    # Tokens die with each failover; one that dies too often is not replaced at once.
    return said(collector, seen, SOURCE)


def roles(lab, collector):
    seen = len(collector.transitions())
    # While no unit carries traffic that is said, and nothing else.
    for unit, role, back in ((0, "standby", "active"), (1, "active", "standby"), (1, "forced-offline", "standby")):
        ltm.ask(lab, {"role": role}, unit)
        time.sleep(4)
        ltm.ask(lab, {"role": back}, unit)
        demo.wait("health", demo.RESOLVE, collector.is_well)
    return said(collector, seen, SOURCE)


def quietly(lab, collector, command, seconds, allowed=()):
    seen = len(collector.transitions())
    ltm.ask(lab, command)
    time.sleep(seconds)
    ltm.ask(lab, {"generator": None})
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return said(collector, seen, allowed)


def restarting(lab, collector):
    seen = len(collector.transitions())

    def until_over():
        end, problems = time.monotonic() + 62, []
        while time.monotonic() < end:
            time.sleep(1)
            problems += broken_stages(collector)
        return problems
    problems = misbehaving(lab, [{"kind": "restart", "seconds": 60}], until_over)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    told = {a["kind"] for a in collector.transitions()[seen:]}
    return sorted(set(problems)) + said(collector, seen, SOURCE) + ([] if told else ["nothing was said of it"])


def hastened(lab, identity, collector, transport):
    """Asked each half minute; what a pod's end does to its pool is known without another round."""
    def action():
        for unit in range(len(ltm.UNITS)):
            ltm.ask(lab, {"syslog": {"to": f"{COLLECTOR_ADDRESS}:{ltm.SYSLOG_PORT}", "transport": transport}}, unit)
        for pod in [node.pods[0] for node in NODES[:3]]:
            before = rounds(lab)
            file = lab.path("pods", f"{pod}.down")
            file.touch()
            try:
                demo.wait("the member to be seen down", demo.ALERT, lambda: broken_stages(collector))
            finally:
                file.unlink()
            between = rounds(lab) == before
            demo.wait("the member to be seen up", demo.RESOLVE, lambda: not broken_stages(collector))
            if between:
                return []
        return ["it was seen in a round only"]
    return switches.reconfigured(lab, identity, collector, action, ltm_every="30s")


def rounds(lab):
    return counters(lab)["paths"]["/mgmt/tm/cm/device"]


def without_login(lab, identity, collector, faults):
    """Asked for once at most, then left alone; a new collector may try again."""
    seen, before = len(collector.transitions()), counters(lab)

    def until_told():
        demo.wait("the unit to be called unreadable", demo.READY,
                  lambda: any(a["kind"] in SOURCE for a in collector.transitions()[seen:]))
        time.sleep(5)
        after = counters(lab)
        return after["paths"].get(LOGIN, 0) - before["paths"].get(LOGIN, 0)
    tries = misbehaving(lab, faults, until_told)
    demo.lab(identity, "podpath", "stop", "collector")
    demo.lab(identity, "podpath", "start", "collector")
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return said(collector, seen, SOURCE) + ([] if tries <= 1 else [f"{tries} logins were tried"])


LOGIN = "/mgmt/shared/authn/login"


def counters(lab, unit=0):
    return ltm.ask(lab, {"state": True}, unit)["counters"]


def discreet(lab):
    problems = []
    for unit in range(len(ltm.UNITS)):
        seen = counters(lab, unit)
        problems += [f"unit {unit}: {name} is {seen[name]}, not at most {most}"
                     for name, most in (("maxInFlight", 1), ("basic", 0), ("writes", 0)) if seen[name] > most]
        problems += [f"unit {unit}: at once: {both}" for both in seen["overlaps"]]
    # Where nothing was said there is no file of alerts.
    written = [file for file in (lab.path("log", "collector.log"), lab.path("alerts.jsonl")) if file.exists()]
    log = "".join(file.read_text() for file in written)
    problems += ["the password was written"] if ltm.PASSWORD in log else []
    # A token is 26 letters and digits of base 32.
    return problems + [f"a token was written: {word[:4]}…" for word in re.findall(r"\b[A-Z2-7]{26}\b", log)]
