#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The collector is killed at random moments, while something begins to fire, is told, or ends.

    python3 Tests/Lab/kills.py [--kills 200] [--seed N]

Afterwards each alert must have been delivered, in order, and no incident lost or reopened; none may have come twice
to a sink whose answer stood in the collector's store when it died. An answer that was under way, or waited for a disk,
it cannot have kept: what comes again then is counted apart, and must be rare.
"""

import argparse
import contextlib
import http.server
import json
import pathlib
import random
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging/lab.d"))

import demo
import ltm
from state import Lab

NODES = ("n1", "n2", "n3", "n4", "n5", "n6")
FAULT = "kernel-route-missing"
# Of so many kills one may come while an answer is under way.
RARE = 4
# What a message begins with for what happened to its incident.
CHANGES = {"CRITICAL:": "opened", "RESOLVED": "resolved"}
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
    status = demo.status(identity)
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


def kill(identity, node, after, kills):
    """What its store holds of the node's alerts is read when it does nothing any more."""
    time.sleep(after)
    lab = Lab(identity)
    lab.run(None, "kill", "-s", "STOP", str(lab.pid("collector")), check=False)
    kills.append((time.monotonic(), recorded(lab, node)))
    demo.lab(identity, "podpath", "kill", "collector")
    demo.lab(identity, "podpath", "start", "collector")


def recorded(lab, node):
    """How often each change of the node's incident was delivered, as the store has it; a file that cannot be read
    proves nothing."""
    question = """SELECT change, count(*) FROM delivery WHERE sink = 'chat' AND outcome = 'delivered' AND incident IN
                  (SELECT id FROM incident WHERE kind = ? AND instr(CAST(body AS TEXT), ?)) GROUP BY change"""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{lab.path('podpath.sqlite')}?mode=ro", uri=True)) as store:
            return dict(store.execute(question, (FAULT, f'"{node}"')))
    except sqlite3.OperationalError:
        return {}


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
    before, earlier = len(heads(sink, node)), recorded(Lab(identity), node)
    demo.lab(identity, "fault", FAULT, "--node", node)
    kill(identity, node, pick.uniform(0, LATEST), kills)
    demo.wait(f"{node} told", demo.READY, lambda: len(heads(sink, node)) > before)
    demo.lab(identity, "mend", FAULT, "--node", node)
    kill(identity, node, pick.uniform(0, LATEST), kills)
    # Absence is proved to a new collector by an agent that has come back and a grace for those that have not.
    demo.wait(f"{node} over", demo.READY, lambda: any(map(is_resolved, heads(sink, node)[before:])))
    demo.wait("nothing open", demo.READY, lambda: firing(collector) == [])
    demo.wait("both answers kept", demo.READY, lambda: all(
        recorded(Lab(identity), node).get(change, 0) > earlier.get(change, 0) for change in CHANGES.values()))
    return heads(sink, node)[before:], earlier


def by_store(kills, before):
    """An answer was kept if the store of the collector that died next had more of such answers than before."""
    def was_kept(began, _, change):
        records = next((records for moment, records in kills if moment >= began), None)
        return records is None or records.get(change, 0) > before.get(change, 0)
    return was_kept


def problems(node, told, was_kept):
    """What came that may not; and how often something came again whose answer was under way. `was_kept` tells of what
    was taken then, answered then, and was such a change, whether a collector that died must have kept that."""
    wrong, again = [], 0
    for index, (_, _, text) in enumerate(told):
        kind = text.split()[0]
        earlier = [entry for entry in told[:index] if entry[2].split()[0] == kind]
        if not earlier:
            continue
        if was_kept(*earlier[-1][:2], CHANGES.get(kind)):
            wrong.append(f"{node}: twice, though the answer was kept: {text}")
        else:
            again += 1
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
            told, earlier = turn(identity, sink, collector, node, pick, kills)
            more, some = problems(node, told, by_store(kills, earlier))
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
    if again * RARE > len(kills):
        wrong.append(f"FAILED: {again} came again at {len(kills)} kills, not at one of {RARE}: answers are kept too late")
    print("\n".join([*wrong, f"{len(kills)} kills, {len(wrong)} wrong, {again} came again while their answer was under way"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
