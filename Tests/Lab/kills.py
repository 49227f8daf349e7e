#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The collector is killed at random moments, while something begins to fire, is told, or ends.

    python3 Tests/Lab/kills.py [--kills 200] [--seed N]

Afterwards each alert must have been delivered, in order, and no incident lost or reopened; none may have come twice
to a sink whose answer the collector had. An answer that was under way when it died it cannot have had: what comes
again then is counted apart.
"""

import argparse
import http.server
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging/lab.d"))

import demo
import ltm
from state import Lab

NODES = ("n1", "n2", "n3", "n4", "n5", "n6")
# An answer takes less on any machine; a collector that had none for longer must have had it.
UNDER_WAY = 0.1
# Hold, rest, judgement and delivery take half a second; nothing is learned by killing later.
LATEST = 1.2


class Sink(http.server.ThreadingHTTPServer):
    """Takes what a chat takes, and remembers when its answer was out."""

    daemon_threads = True

    def __init__(self, address):
        super().__init__((address, 0), Handler)
        self.taken = []
        self.is_closed = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://{self.server_address[0]}:{self.server_address[1]}/hook"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        text = json.loads(self.rfile.read(min(length, 1 << 20)))["text"]
        if self.server.is_closed:
            self.send_response(503)
            self.send_header("content-length", "0")
            return self.end_headers()
        # Without the sign that stands before the state.
        entry = [time.monotonic(), None, text.splitlines()[0].split(" ", 1)[1]]
        self.server.taken.append(entry)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        entry[1] = time.monotonic()

    def log_message(self, *_):
        pass


def begin(identity):
    demo.lab(identity, "down", check=False)
    demo.lab(identity, "up")
    give_tokens(identity)
    status = json.loads(demo.lab(identity, "status", "--json"))
    host = status["page"].split("//")[1].rsplit(".", 1)[0] + ".1"
    sink = Sink(host)
    configuration = pathlib.Path(status["state"]) / "collector.yaml"
    pathlib.Path(status["state"], "webhook").write_text(sink.url())
    text = configuration.read_text()
    configuration.write_text(text.replace("  sinks:\n", "  sinks:\n    - { name: chat, slack: { webhook-file: webhook } }\n", 1))
    demo.lab(identity, "podpath", "start", "all")
    collector = demo.Collector(status)
    demo.wait("health", demo.READY, collector.is_well)
    return sink, collector


def kill(identity, after, kills):
    time.sleep(after)
    kills.append(time.monotonic())
    demo.lab(identity, "podpath", "kill", "collector")
    demo.lab(identity, "podpath", "start", "collector")


def firing(collector):
    try:
        return collector.firing()
    except (OSError, ValueError, KeyError):
        return None


def give_tokens(identity):
    """A unit gives an account a hundred tokens at a time, for twenty minutes each, and a collector that is killed
    gives none back: these give more."""
    lab = Lab(identity)
    for unit, (name, _, _) in enumerate(ltm.UNITS):
        path = lab.path(f"{name}.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenLimit": 10_000}))
        lab.stop("bigip" if unit == 0 else f"bigip-{name}")
        ltm.start_unit(lab, unit)


def heads(sink, node):
    """What was told of a node's route, without what is not the transition."""
    return [entry for entry in list(sink.taken) if f" of {node} " in entry[2]]


def is_resolved(entry):
    return entry[2].startswith("RESOLVED")


def turn(identity, sink, collector, node, pick, kills):
    """One fault from its beginning to its end; the collector dies in each half."""
    before = len(heads(sink, node))
    demo.lab(identity, "fault", "kernel-route-missing", "--node", node)
    kill(identity, pick.uniform(0, LATEST), kills)
    demo.wait(f"{node} told", demo.READY, lambda: len(heads(sink, node)) > before)
    demo.lab(identity, "mend", "kernel-route-missing", "--node", node)
    kill(identity, pick.uniform(0, LATEST), kills)
    # Absence is proved to a new collector by an agent that has come back and a grace for those that have not.
    demo.wait(f"{node} over", 90, lambda: any(map(is_resolved, heads(sink, node)[before:])))
    demo.wait("nothing open", demo.READY, lambda: firing(collector) == [])
    return heads(sink, node)[before:]


def problems(node, told, kills):
    """What came that may not; and how often something came again whose answer was under way."""
    wrong, again = [], 0
    for index, (_, _, text) in enumerate(told):
        kind = text.split()[0]
        earlier = [entry for entry in told[:index] if entry[2].split()[0] == kind]
        if not earlier:
            continue
        answered = earlier[-1][1]
        death = next((moment for moment in kills if answered is None or moment >= earlier[-1][0]), None)
        if answered is None or death is not None and death - answered < UNDER_WAY:
            again += 1
        else:
            wrong.append(f"{node}: twice, {death - answered if death else 0:.3f} s after its answer: {text}")
    kinds = [text.split()[0] for _, _, text in told]
    if kinds[0] == "RESOLVED" or kinds[-1] != "RESOLVED" or "CHANGED" in kinds:
        wrong.append(f"{node}: {kinds}")
    return wrong, again


def explain(collector):
    """What stands in the way, before the lab goes."""
    print("firing:", json.dumps(firing(collector), indent=1))
    log = collector.alerts.parent / "log" / "collector.log"
    print("\n".join(log.read_text(errors="replace").splitlines()[-40:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    identity, pick, kills = "kills", random.Random(options.seed), []
    wrong, again = [], 0
    sink, collector = begin(identity)
    try:
        for index in range((options.kills + 1) // 2):
            node = NODES[index % len(NODES)]
            told = turn(identity, sink, collector, node, pick, kills)
            more, some = problems(node, told, kills)
            wrong, again = wrong + more, again + some
            print(f"{len(kills)} kills, {len(sink.taken)} taken, {again} again while an answer was under way"
                  + "".join(f"\n  {text}" for text in more), flush=True)
            if more:
                explain(collector)
    except demo.DemoError as error:
        explain(collector)
        wrong.append(f"FAILED after {len(kills)} kills: {error}")
    finally:
        demo.lab(identity, "down", check=False)
    print("\n".join([*wrong, f"{len(kills)} kills, {len(wrong)} wrong, {again} came again while their answer was under way"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
