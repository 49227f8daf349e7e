#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two collectors of one site, of which one tells people: either is killed at random moments, stopped, restarted in
order, or kept from the API server. What is to be told is told once, whoever lives.

    python3 Tests/Lab/pair.py [--kills 8] [--seed N] [--only WORD …] [--name LAB] [--bin DIRECTORY]

Both are sent all that agents report. The Lease is the emulated API server's; the Alertmanagers are two real ones. An
answer that was under way when a collector died is counted apart, as in kills.py. Exit 0 only if all passed.
"""

import argparse
import http.server
import json
import pathlib
import random
import sys
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging/lab.d"))
sys.dont_write_bytecode = True

import demo  # noqa: E402
import kills  # noqa: E402
import kubernetes  # noqa: E402
import podpath  # noqa: E402
import receivers  # noqa: E402
from state import REPOSITORY, Lab  # noqa: E402

FIRST, SECOND = "collector", podpath.SECOND
PORTS = {FIRST: podpath.PAGE_PORT, SECOND: podpath.SECOND_PAGE_PORT}
NAMESPACE, LEASE = "podpath", "podpath-collector"
LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"
FAULT = "kernel-route-missing"
# A Lease that is not renewed is taken after 15 s and one look more; then what waited is told. No machine is so slow.
TAKEN_OVER = demo.READY
# What was told is written to the Lease at once, by an API server that may be slow; who is killed before cannot have
# shared it. That is rare: see `kills.RARE`.
SHARED = 1
# An Alertmanager is told again so often. What a collector does not know yet since it began it does not repeat for
# two of these: longer than it takes to see.
REPEATED = 15
# Longer than a Lease lasts without its holder.
OUT_COLD = 20
# Whoever was told of nothing for so long will hear nothing more of it: several looks at the Lease.
SETTLED = 6


class Hook(http.server.ThreadingHTTPServer):
    """Takes what Alertmanager sends."""

    daemon_threads = True

    def __init__(self, address):
        super().__init__((address, 0), HookHandler)
        self.taken = []
        self.url = f"http://{address}:{self.server_address[1]}/alerts"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HookHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(min(int(self.headers.get("content-length", "0")), 1 << 20)))
        self.server.taken += [(alert["status"], alert["labels"]) for alert in body["alerts"]]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Pair:
    def __init__(self, options):
        self.identity, self.lab = options.name, Lab(options.name)
        self.programs = pathlib.Path(options.bin or REPOSITORY / ".build/debug").absolute()
        self.pick, self.deaths = random.Random(options.seed), []
        self.kills, self.again = options.kills, 0

    def up(self):
        demo.lab(self.identity, "down", check=False)
        demo.lab(self.identity, "up", "--bin", str(self.programs))
        kills.give_tokens(self.identity)
        status = demo.status(self.identity)
        host = status["page"].split("//")[1].rsplit(".", 1)[0] + ".1"
        self.chat, self.hook = kills.Sink(host), Hook(host)
        self.alertmanagers = receivers.Alertmanagers(self.lab, self.hook.url)
        self.alertmanagers.start()
        self.configure()
        podpath.start(self.lab, [FIRST, SECOND, *podpath.selected("agents", None)], self.programs)
        self.collectors = {name: demo.Collector(status | {"page": podpath.page(self.lab, PORTS[name])})
                           for name in PORTS}
        self.collectors[SECOND].alerts = self.lab.path("alerts-b.jsonl")
        demo.wait("health", demo.READY, self.is_well)

    def configure(self):
        self.lab.path("webhook").write_text(self.chat.url())
        urls = ", ".join(f'"http://127.0.0.1:{port}"' for port, _ in receivers.ALERTMANAGERS)
        path = self.lab.path("collector.yaml")
        lease = f"  lease: {{ namespace: {NAMESPACE}, name: {LEASE}, identity: first }}\n"
        sinks = ("  sinks:\n    - { name: chat, slack: { webhook-file: webhook } }\n"
                 f"    - {{ name: am, alertmanager: {{ urls: [{urls}], every: {REPEATED}s }} }}\n")
        path.write_text(path.read_text().replace("  sinks:\n", lease + sinks, 1))
        podpath.configure_second(self.lab)
        second = self.lab.path(f"{SECOND}.yaml")
        second.write_text(second.read_text().replace("identity: first", "identity: second", 1))

    # What it looks like.

    def lease(self, name):
        """What a collector says of the Lease; None if it says nothing."""
        try:
            sources = self.collectors[name].get("/api/v1/sources")["sources"]
        except (OSError, ValueError, KeyError):
            return None
        return next((source for source in sources if source["type"] == "lease"), None)

    def telling(self):
        return [name for name in PORTS if (self.lease(name) or {}).get("tells")]

    def is_well(self):
        return all(each.is_well() for each in self.collectors.values()) and len(self.telling()) == 1

    def is_quiet(self):
        """Nothing is open anywhere, and both are there."""
        return all(kills.firing(each) == [] for each in self.collectors.values()) and len(self.telling()) == 1

    def heads(self, node):
        return kills.heads(self.chat, node)

    # What is done to it.

    def kill(self, name):
        self.deaths.append(time.monotonic())
        podpath.stop(self.lab, [name], "KILL")

    def start(self, name):
        podpath.start(self.lab, [name], self.programs)

    def signal(self, name, signal):
        self.lab.run(None, "kill", "-s", signal, str(self.lab.pid(name)))

    def fault(self, node):
        demo.lab(self.identity, "fault", FAULT, "--node", node)

    def mend(self, node):
        demo.lab(self.identity, "mend", FAULT, "--node", node)

    def is_told(self, node, before):
        return demo.wait(f"{node} told", TAKEN_OVER, lambda: len(self.heads(node)) > before)

    def is_over(self, node, before):
        return demo.wait(f"{node} over", demo.READY, lambda: any(map(kills.is_resolved, self.heads(node)[before:])))

    def told_once(self, node, before):
        """After all has settled: what was told of it, which is to be its beginning and its end, once each."""
        demo.wait("nothing open", demo.READY, self.is_quiet)
        time.sleep(SETTLED)
        wrong, again = kills.problems(node, self.heads(node)[before:], self.was_shared)
        self.again += again
        if wrong:
            raise demo.DemoError("; ".join(wrong))

    def was_shared(self, began, answered, _):
        """Whether the other must have heard of it before one died."""
        death = next((moment for moment in self.deaths if moment >= began), None)
        return answered is not None and (death is None or death - answered >= SHARED)

    def recover(self):
        """What failed must not fail the next."""
        kubernetes.ask(self.lab, {"faults": {}})
        self.chat.is_closed = False
        demo.lab(self.identity, "mend", "all", check=False)
        for name in PORTS:
            if self.lab.pid(name):
                self.signal(name, "CONT")
            else:
                self.start(name)
        demo.wait("health", demo.READY, self.is_well)


def killed(pair):
    """either is killed at any moment"""
    for index in range((pair.kills + 1) // 2):
        node = kills.NODES[index % len(kills.NODES)]
        before = len(pair.heads(node))
        for half, is_done in ((pair.fault, pair.is_told), (pair.mend, pair.is_over)):
            half(node)
            time.sleep(pair.pick.uniform(0, kills.LATEST))
            victim = pair.pick.choice([FIRST, SECOND])
            pair.kill(victim)
            is_done(node, before)
            pair.start(victim)
            demo.wait("both are back", demo.READY, lambda: all(pair.lease(name) for name in PORTS))
        pair.told_once(node, before)


def handed_over(pair):
    """ended in order, it hands over within seconds"""
    speaker = pair.telling()[0]
    other = next(name for name in PORTS if name != speaker)
    before = len(pair.heads("n2"))
    pair.fault("n2")
    pair.is_told("n2", before)
    podpath.stop(pair.lab, [speaker])
    # Less than a Lease that was not given up would take.
    demo.wait("the other tells", 10, lambda: pair.telling() == [other])
    pair.start(speaker)
    pair.mend("n2")
    pair.is_over("n2", before)
    pair.told_once("n2", before)


def stopped(pair):
    """stopped while something breaks, it tells nothing when it wakes that the other told"""
    speaker = pair.telling()[0]
    before = len(pair.heads("n3"))
    pair.signal(speaker, "STOP")
    pair.fault("n3")
    pair.is_told("n3", before)
    time.sleep(OUT_COLD / 4)
    pair.signal(speaker, "CONT")
    demo.wait("one tells", demo.READY, lambda: len(pair.telling()) == 1)
    pair.mend("n3")
    pair.is_over("n3", before)
    pair.told_once("n3", before)


def kept_apart(pair):
    """while the Lease cannot be had the one that told goes on, and the other keeps silent for a while"""
    before = len(pair.heads("n4"))
    kubernetes.ask(pair.lab, {"faults": {"status": 503, "paths": [LEASE_PATH]}})
    time.sleep(OUT_COLD)
    pair.fault("n4")
    pair.is_told("n4", before)
    failures = [(pair.lease(name) or {}).get("state") for name in PORTS]
    if failures != ["unreadable", "unreadable"]:
        raise demo.DemoError(f"the Lease is {failures}")
    kubernetes.ask(pair.lab, {"faults": {}})
    pair.mend("n4")
    pair.is_over("n4", before)
    pair.told_once("n4", before)


def silenced(pair):
    """what an operator says to the one that stands by counts for the one that tells"""
    speaker = pair.telling()[0]
    other = next(name for name in PORTS if name != speaker)
    before = len(pair.heads("n5"))
    port = PORTS[other]
    pair.lab.run("collector", str(pair.programs / "podpath-collector"), "silence", "add", "--node", "n5", "--for", "1h",
                 "--comment", "work", "--author", "kim", "--url", f"http://127.0.0.1:{port}")
    demo.wait("it is known to both", demo.READY,
              lambda: all(each.get("/api/v1/silences")["silences"] for each in pair.collectors.values()))
    pair.fault("n5")
    demo.wait("both see it", demo.READY, lambda: all(kills.firing(each) for each in pair.collectors.values()))
    time.sleep(SETTLED)
    pair.mend("n5")
    demo.wait("nothing open", demo.READY, pair.is_quiet)
    time.sleep(SETTLED)
    if told := pair.heads("n5")[before:]:
        raise demo.DemoError(f"told all the same: {told}")


def untold(pair):
    """what it could not tell is told, though it was killed and is back at once, and the other had it too"""
    speaker = pair.telling()[0]
    before = len(pair.heads("n2"))
    pair.chat.is_closed = True
    pair.fault("n2")
    demo.wait("both see it", demo.READY, lambda: all(kills.firing(each) for each in pair.collectors.values()))
    pair.kill(speaker)
    pair.start(speaker)
    demo.wait("one tells", demo.READY, lambda: len(pair.telling()) == 1)
    time.sleep(SETTLED)
    pair.chat.is_closed = False
    pair.is_told("n2", before)
    pair.chat.is_closed = True
    pair.mend("n2")
    demo.wait("nothing open", demo.READY, pair.is_quiet)
    pair.kill(speaker)
    pair.start(speaker)
    time.sleep(SETTLED)
    pair.chat.is_closed = False
    pair.is_over("n2", before)
    pair.told_once("n2", before)


def alertmanager(pair):
    """Alertmanagers are told by both, and tell once"""
    pair.hook.taken.clear()

    def of(status):
        return [labels for state, labels in pair.hook.taken if state == status and labels.get("node") == "n6"]

    pair.fault("n6")
    demo.wait("it is told", demo.READY, lambda: of("firing"))
    pair.kill(FIRST)
    time.sleep(OUT_COLD / 2)
    pair.start(FIRST)
    pair.mend("n6")
    demo.wait("its end is told", 90, lambda: of("resolved"))
    demo.wait("nothing open", demo.READY, pair.is_quiet)
    time.sleep(SETTLED)
    if (len(of("firing")), len(of("resolved"))) != (1, 1):
        raise demo.DemoError(f"{pair.hook.taken}")


CASES = [killed, handed_over, stopped, kept_apart, silenced, untold, alertmanager]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--name", default="pair")
    parser.add_argument("--bin")
    options = parser.parse_args()
    if lacking := receivers.missing():
        print(f"pair: {lacking}", file=sys.stderr)
        return 2
    pair, failed = Pair(options), []
    wanted = [case for case in CASES if not options.only or any(word in case.__doc__ for word in options.only)]
    try:
        pair.up()
        for case in wanted:
            began = time.monotonic()
            try:
                case(pair)
                print(f"passed {case.__doc__} ({time.monotonic() - began:.0f} s)", flush=True)
            except (demo.DemoError, OSError, ValueError, KeyError) as error:
                failed.append(case.__doc__)
                print(f"FAILED {case.__doc__}: {error}", flush=True)
                explain(pair)
                pair.recover()
    except Exception:
        traceback.print_exc()
        failed.append("the lab")
        explain(pair)
    finally:
        demo.lab(options.name, "down", check=False)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} passed, {len(pair.deaths)} kills, "
          f"{pair.again} came again while their answer was under way")
    if pair.again * kills.RARE > max(kills.RARE, len(pair.deaths)):
        print(f"FAILED: {pair.again} came again at {len(pair.deaths)} kills")
        return 1
    return 1 if failed or not wanted else 0


def explain(pair):
    """What stands in the way, before the lab goes."""
    for name in PORTS:
        log = pair.lab.path("log", f"{name}.log")
        if log.exists():
            print(f"--- {name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]))
    print("told:", *(f"{entry[0]:.2f} {entry[2]}" for entry in getattr(pair, "chat", None).taken[-12:]), sep="\n  ")


if __name__ == "__main__":
    sys.exit(main())
