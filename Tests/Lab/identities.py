# SPDX-License-Identifier: Apache-2.0
"""Agents that prove their node by a ServiceAccount's token: they report as others do, each kind of false token is
refused and counted, tokens and certificates are replaced while reports go on, and an API server that is away is
nobody's silence."""

import re
import time
import urllib.request

import attacks
import certificates
import demo
import kubernetes
import podpath
import tokens
from state import Lab
from topology import COLLECTOR, COLLECTOR_ADDRESS, NODES, node

# Of a token in a case: long enough for a slow machine to see it used, short enough to wait for its end.
LIFE = 25
# The collector looks every ten seconds whether its files are others.
REREAD = 12


def cases(identity, collector):
    lab = Lab(identity)
    yield "tokens: every agent brings one, and all is well", lambda: everybody(lab, collector)
    yield "tokens: from 1.32 on they name the node, and no pod is looked up", lambda: newer(lab, collector)
    for what, order, expected in FALSE:
        yield f"tokens: {what} is refused", lambda order=order, expected=expected: false(lab, identity, collector, order, expected)
    yield "tokens: one of a pod that was deleted is refused", lambda: replayed(lab, identity, collector)
    yield "tokens: one that is none is refused", lambda: malformed(identity, collector)
    yield "tokens: replaced while reports go on, the stream outlives the first", lambda: rotated(lab, collector)
    yield "tokens: one that is not replaced ends its stream, and is named", lambda: expired(lab, collector)
    yield "tokens: an API server that is away keeps newcomers out, and nobody is called silent", lambda: away(lab, collector)
    yield "tokens: a right that is missing is named", lambda: forbidden(lab, identity, collector)
    yield "certificates: all of them and their authority replaced while reports go on", lambda: rollover(lab, collector)


# What is wrong with the token n3's agent would bring, by how it is made, and what it is refused for.
FALSE = [
    ("another node's", {"of": "n2"}, "token of another node"),
    ("an expired one", {"seconds": -1}, "token refused"),
    ("one for another audience", {"audience": "vault"}, "token refused"),
    ("one of another ServiceAccount", {"serviceAccount": "default"}, "token refused"),
]


def said(collector, seen, allowed=()):
    return [f"said: {a['transition']} {a['kind']} {a['summary']}"
            for a in collector.transitions()[seen:] if a["kind"] not in allowed]


def log(lab, name):
    return lab.path("log", f"{name}.log").read_text(errors="replace")


def metric(collector, name):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    text = opener.open(collector.url + "/metrics", timeout=5).read().decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


def hidden(lab, *secrets):
    """No token stands in what anybody wrote."""
    places = [*lab.path("log").iterdir(), lab.path("alerts.jsonl")]
    return [f"a token stands in {place.name}" for place in places if place.exists()
            for secret in secrets if secret.encode() in place.read_bytes()]


def newer(lab, collector):
    """Another API server, which a collector that begins with it knows for what it is."""
    oldest = kubernetes.MINOR
    try:
        replace_server(lab, collector, 32)
        return everybody(lab, collector, lookups=0)
    finally:
        replace_server(lab, collector, oldest)


def replace_server(lab, collector, minor):
    podpath.stop(lab, [COLLECTOR])
    lab.stop("kubernetes")
    kubernetes.MINOR = minor
    kubernetes.start(lab)
    podpath.start(lab, [COLLECTOR])
    demo.wait("health", demo.RESOLVE, collector.is_well)


def looked_up(lab):
    return sum(count for path, count in kubernetes.ask(lab, {"counts": True})["gets"].items() if "/pods/" in path)


def everybody(lab, collector, lookups=len(NODES)):
    seen, before = len(collector.transitions()), kubernetes.ask(lab, {"counts": True})["reviews"]
    pods = looked_up(lab)
    try:
        tokens.use(lab, *NODES)
        demo.wait("health", demo.RESOLVE, collector.is_well)
        time.sleep(demo.AFTERWARDS)
        used = [podpath.token_file(lab, each).read_text() for each in NODES]
        reviews = kubernetes.ask(lab, {"counts": True})["reviews"] - before
        problems = said(collector, seen) + hidden(lab, *used)
        if reviews != len(NODES):
            problems.append(f"{reviews} reviews of {len(NODES)} tokens")
        if looked_up(lab) - pods != lookups:
            problems.append(f"{looked_up(lab) - pods} pods were looked up, not {lookups}")
        # They come back within five minutes: nobody is asked again.
        podpath.restart_agent(lab, NODES[0])
        demo.wait("health", demo.RESOLVE, collector.is_well)
        again = kubernetes.ask(lab, {"counts": True})["reviews"] - before
        return problems + ([] if again == reviews else ["a token that is known was reviewed again"])
    finally:
        tokens.leave(lab, *NODES)
        demo.wait("health with certificates", demo.RESOLVE, collector.is_well)


def frame(kind, body):
    return (len(body) + 1).to_bytes(4, "big") + bytes([kind]) + body


def varint(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def greeting(name, token):
    """hello of a node, and a token."""
    hello = varint(1) + varint(len(name)) + name.encode() + varint(5_000) + b"\x01x"
    return (frame(1, hello) + frame(6, varint(len(token)) + token)).hex()


def bring(identity, collector, name, token, expected):
    folder = str(collector.alerts.parent)
    return attacks.attack(identity, collector, attacks.TLS, [folder, "-", greeting(name, token)], expected)


def false(lab, identity, collector, order, expected):
    order = dict(order)
    owner = node(order.pop("of", "n3"))
    token = tokens.make(lab, owner, **order)
    try:
        return bring(identity, collector, "n3", token.encode(), expected) + hidden(lab, token)
    finally:
        kubernetes.delete(lab, tokens.pod(owner))


def replayed(lab, identity, collector):
    """Proved once, and known: what counts is what the API server says when it is asked next."""
    owner = node("n3")
    token = tokens.make(lab, owner)
    kubernetes.delete(lab, tokens.pod(owner))
    gone = bring(identity, collector, "n3", token.encode(), "token refused")
    # Another pod of the same name is another pod.
    token = tokens.make(lab, owner)
    kubernetes.delete(lab, tokens.pod(owner))
    kubernetes.put(lab, tokens.pod(owner))
    try:
        return gone + bring(identity, collector, "n3", token.encode(), "token refused")
    finally:
        kubernetes.delete(lab, tokens.pod(owner))


def malformed(identity, collector):
    problems = []
    for token in (b"a" * 16_385, b"line\nline", b"", b"\x00", "ü".encode(), b"<" * 16_384):
        problems += bring(identity, collector, "n3", token, "bad frame")
    return problems + bring(identity, collector, "n3", b"of.nobody", "token refused")


def rotated(lab, collector):
    owner, seen = node("n2"), len(collector.transitions())
    try:
        tokens.use(lab, owner, seconds=LIFE)
        began = time.monotonic()
        demo.wait("health", demo.RESOLVE, collector.is_well)
        accepted = metric(collector, "podpath_agent_connections_accepted_total")
        reviews = kubernetes.ask(lab, {"counts": True})["reviews"]
        old = podpath.token_file(lab, owner).read_text()
        # An agent hands over no faster than each ten seconds.
        time.sleep(max(0, began + LIFE / 2 - time.monotonic()))
        tokens.rotate(lab, owner)
        demo.wait("its review", 20, lambda: kubernetes.ask(lab, {"counts": True})["reviews"] > reviews)
        time.sleep(max(0, began + LIFE + 10 - time.monotonic()))
        problems = said(collector, seen) + hidden(lab, old, podpath.token_file(lab, owner).read_text())
        if metric(collector, "podpath_agent_connections_accepted_total") != accepted:
            problems.append("a stream was broken")
        return problems + ([] if collector.is_well() else ["not well after the first token's end"])
    finally:
        tokens.leave(lab, owner)
        demo.wait("health with certificates", demo.RESOLVE, collector.is_well)


def expired(lab, collector):
    owner, seen = node("n2"), len(collector.transitions())
    try:
        tokens.use(lab, owner, seconds=LIFE)
        alert = demo.wait("the agent to be called silent", LIFE + demo.ALERT, lambda: next(
            (a for a in collector.transitions()[seen:] if a["kind"] == "agent-silent"), None))
        problems = [] if alert["subject"].get("node") == "n2" and "token refused" in alert["summary"] else [alert["summary"]]
        if "refused: token refused: " not in log(lab, "agent-n2"):
            problems.append("the agent was not told why")
        tokens.rotate(lab, owner)
        demo.wait("health with a new token", demo.RESOLVE, collector.is_well)
        return problems + said(collector, seen, {"agent-silent"})
    finally:
        tokens.leave(lab, owner)
        demo.wait("health with certificates", demo.RESOLVE, collector.is_well)


def away(lab, collector):
    """n2 is known and streams; n3 comes back with a token that nobody has seen."""
    stays, comes, seen = node("n2"), node("n3"), len(collector.transitions())
    try:
        tokens.use(lab, stays, comes)
        demo.wait("health", demo.RESOLVE, collector.is_well)
        fresh = tokens.make(lab, comes)
        kubernetes.ask(lab, {"faults": {"status": 503}})
        refusals = attacks.refused(collector)
        tokens.mount(lab, comes, fresh)
        podpath.restart_agent(lab, comes)
        # Known, and back though nobody can be asked.
        podpath.restart_agent(lab, stays)
        demo.wait("a counted refusal", 30, lambda: attacks.refused(collector).get(
            "cannot be proved now", 0) > refusals.get("cannot be proved now", 0))
        time.sleep(30)
        problems = said(collector, seen)
        if "refused: cannot be proved now: HTTP 503" not in log(lab, "agent-n3"):
            problems.append("the agent was not told why")
        unknown = {path["node"] for path in collector.paths() if any(s["state"] == "unknown" for s in path["stages"])}
        if "n3" not in unknown or "n2" in unknown:
            problems.append(f"not known of {sorted(unknown)}, but of n3 alone nothing is")
        kubernetes.ask(lab, {"faults": {}})
        demo.wait("health", demo.RESOLVE, collector.is_well)
        time.sleep(demo.AFTERWARDS)
        return problems + said(collector, seen, {"source-unreadable"})
    finally:
        kubernetes.ask(lab, {"faults": {}})
        tokens.leave(lab, stays, comes)
        demo.wait("health with certificates", demo.RESOLVE, collector.is_well)


def forbidden(lab, identity, collector):
    """`check` says which right is missing, and that reviews work where they do."""
    def check():
        program = lab.recall("options")["bin"] or podpath.REPOSITORY / ".build/debug"
        return lab.run(COLLECTOR, f"{program}/podpath-collector", "check", "--config", lab.path("collector.yaml"), check=False)

    line = re.compile(r"^(ok|FAILED) +agents: token reviews: (.*)$", re.M)
    well = line.search(check())
    kubernetes.ask(lab, {"faults": {"status": 403, "paths": [tokens.REVIEWS]}})
    try:
        ill = line.search(check())
    finally:
        kubernetes.ask(lab, {"faults": {}})
    problems = [] if well and well[1] == "ok" else [f"check says {well and well[0]}"]
    return problems + ([] if ill and ill[1] == "FAILED" and "403" in ill[2] else [f"check says {ill and ill[0]}"])


def rollover(lab, collector):
    """A new authority beside the old, new certificates by it, the old one taken away: no stream is broken by any of
    it, and who comes anew has the new ones."""
    seen, owner = len(collector.transitions()), node("n2")
    names = ["ca", COLLECTOR, owner.name]
    files = {name: lab.path(name) for each in names for name in (f"{each}.crt", f"{each}.key")}
    kept = {name: path.read_bytes() for name, path in files.items()}
    accepted = metric(collector, "podpath_agent_connections_accepted_total")
    try:
        certificates.request(lab, "next-ca", "next authority", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
        new = lab.path("next-ca.crt").read_bytes()
        lab.path("ca.crt").write_bytes(new + kept["ca.crt"])
        settle(lab)
        signer = ("-CA", lab.path("next-ca.crt"), "-CAkey", lab.path("next-ca.key"))
        for name, names_, purpose in ((COLLECTOR, f"DNS:{COLLECTOR},IP:{COLLECTOR_ADDRESS}", "serverAuth"),
                                      (owner.name, f"DNS:{owner.name}", "clientAuth")):
            certificates.request(lab, name, name, "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                                 f"extendedKeyUsage={purpose}", f"subjectAltName={names_}", signer=signer)
        settle(lab)
        problems = [] if collector.is_well() else ["not well beside two authorities"]
        if metric(collector, "podpath_agent_connections_accepted_total") != accepted:
            problems.append("a stream was broken")
        podpath.restart_agent(lab, owner)
        demo.wait("health with the new certificate", demo.RESOLVE, collector.is_well)
        # An agent that still has the old certificate, and knows both authorities, comes in too.
        podpath.restart_agent(lab, node("n3"))
        demo.wait("health with the old certificate", demo.RESOLVE, collector.is_well)
        return problems + said(collector, seen)
    finally:
        for name, path in files.items():
            path.write_bytes(kept[name])
        settle(lab)
        podpath.restart_agent(lab, owner)
        demo.wait("health with the old authority", demo.RESOLVE, collector.is_well)


def settle(lab):
    """Everybody has read the files that are there now."""
    for each in NODES:
        tokens.reload(lab, each)
    time.sleep(REREAD)
