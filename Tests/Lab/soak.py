#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hours in which nothing breaks and life goes on: agents, BIRD, the collector and a switch restart, pods roll, the
BIG-IP and the API server are slow or fail for a moment, lines come to the syslog port, in an order drawn from a seed.

    Tests/Lab/soak.py [--hours H] [--seed N] [--id ID]

Alerts are held as by default and devices read every 5 s, as at a site: all that is done here is over before it is
worth a word, so exit 0 only if nothing was told at all, every stage is good at the end, and nobody's memory grew.
Needs root and built programs.
"""

import argparse
import collections
import json
import pathlib
import random
import signal
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packaging" / "lab.d"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import bird  # noqa: E402
import cluster  # noqa: E402
import demo  # noqa: E402
import faults  # noqa: E402
import faults_node  # noqa: E402
import kubernetes  # noqa: E402
import ltm  # noqa: E402
import matrix  # noqa: E402
import podpath  # noqa: E402
import switches  # noqa: E402
import tale  # noqa: E402
import units  # noqa: E402
from state import Lab, LabError  # noqa: E402
from topology import COLLECTOR, COLLECTOR_ADDRESS, LTM, NODES  # noqa: E402

EVERY = 5
# Median of resident memory in the last quarter beside that in the first, in the half in which nobody restarts podpath.
# Of memory that is a process's own: of its program's pages more and more are resident without a byte kept.
GROWTH = 1.2
SAMPLE_EVERY = 5
# A session that went down and came back twice within ten minutes flaps, and that is told.
UNFLAPPED = 660
# What may come beyond the hours: raising the lab, the last action, taking it down.
MARGIN = 900
# With graceful restart on, as the faults that need it have it.
GRACEFUL = {"switch-restart-not-honoured"}

FAILING = [
    ("a page of its own restart", [units.once(503, "restarting")]),
    ("mcpd lost", [units.once(500, "mcpd")]),
    ("a gateway's error", [units.once(502, "proxy")]),
    ("a body that is cut", [{"kind": "cut", "fraction": 0.5, "count": 1}]),
    ("a connection that is reset", [{"kind": "reset", "count": 1}]),
    ("half of the members", [{"kind": "partial", "fraction": 0.5, "path": units.MEMBERS, "count": 1}]),
]
LINES = [
    "<133>{time} ltm-1 notice mcpd[6141]: 01070727:5: Pool /K8S/cfgmap_default_web_web member "
    "/K8S/10.16.2.10%0:80 monitor status up. [ /Common/http: up ]  [ was down for 0hr:0min:4sec ]",
    "<133>{time} ltm-1 notice mcpd[6141]: 01070638:5: Pool /K8S/cfgmap_default_api_api member "
    "/K8S/10.16.4.11%0:80 monitor status down. [ /Common/http: down ]  [ was up for 20hrs:3mins:9sec ]",
    "<86>{time} ltm-1 info sshd(pam_audit)[20113]: user=root(root) partition=[All] level=Administrator",
    "<0>no time, no host, no program",
    "\x01\xff<",
]
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.argv[3:]: s.sendto(line.encode("latin-1"), (sys.argv[1], int(sys.argv[2])))
"""


class Soak:
    def __init__(self, identity, hours, seed):
        self.identity, self.seconds = identity, hours * 3600
        self.lab, self.chance = Lab(identity), random.Random(seed)
        self.collector, self.seen = None, 0
        self.began, self.problems, self.last = time.monotonic(), [], {}
        self.memory = Memory(self.lab)

    # Life

    def up(self):
        demo.lab(self.identity, "down", check=False)
        demo.lab(self.identity, "up")
        podpath.configure(self.lab, faults.KINDS, every=f"{EVERY}s", ltm_every=f"{EVERY}s", is_patient=True)
        for node in NODES:
            bird.write(self.lab, node, GRACEFUL)
            end_and_start(self, node)
        for node in NODES:
            faults_node.await_uplinks(self.lab, node)
        demo.lab(self.identity, "podpath", "start", "all")
        # BIRD's configuration is not the site's: to the lab that is a fault.
        self.collector = demo.Collector(demo.status(self.identity))
        demo.wait("every stage good", demo.READY, self.collector.is_well)

    def live(self):
        self.began = time.monotonic()
        self.memory.start()
        deck = []
        while self.age() < self.seconds:
            deck = deck or self.shuffled()
            action = deck.pop(0)
            if self.may(action):
                self.do(action)
        self.memory.stop()
        self.rest()

    def shuffled(self):
        actions = list(ACTIONS)
        self.chance.shuffle(actions)
        return actions

    def age(self):
        return time.monotonic() - self.began

    def is_late(self):
        """In the second half podpath itself is left alone, and its memory measured."""
        return self.age() > self.seconds / 2

    def may(self, action):
        if action in OWN and self.is_late():
            return False
        return action is not restart_switch or self.age() - self.last.get(action, -UNFLAPPED) >= UNFLAPPED

    def do(self, action):
        self.last[action] = self.age()
        self.say(action(self))
        try:
            demo.wait("health afterwards", demo.RESOLVE, self.collector.is_well)
        except demo.DemoError as error:
            self.problem(f"{error}: {self.unwell()}")
        time.sleep(self.chance.uniform(1, 2 * EVERY))
        self.listen()

    def unwell(self):
        return [path for path in self.collector.paths() if path["verdict"] != "ok"] or self.collector.get("/api/v1/sources")

    def rest(self):
        """All as it is at a lab's beginning, and time for what comes late."""
        for node in NODES:
            bird.write(self.lab, node)
            bird.reconfigure(self.lab, node)
        time.sleep(2 * EVERY)
        demo.lab(self.identity, "status", "--wait", "60")
        demo.wait("every stage good at the end", demo.RESOLVE, self.collector.is_well)
        self.listen()

    # Telling

    def say(self, text):
        age = round(self.age())
        print(f"{time.strftime('%H:%M:%S')} {age // 60:4}:{age % 60:02} {text}", flush=True)

    def problem(self, text):
        self.problems.append(text)
        self.say(f"PROBLEM {text}")

    def listen(self):
        for alert in self.collector.transitions()[self.seen:]:
            self.seen += 1
            self.problem(f"told: {tale.line(alert)}")
            print(json.dumps(alert), flush=True)

    def record(self):
        """For the matrix, with the hours that were calm."""
        if self.collector:
            matrix.record("soak", [], self.collector.transitions(), seconds=self.age(), by="soak")

    def grown(self):
        for name, (first, last) in self.memory.quarters(self.began + self.seconds / 2).items():
            text = f"{name}: {first / 1024:.1f} MB in the first quarter, {last / 1024:.1f} MB in the last"
            if last > GROWTH * first:
                self.problem(f"grew: {text}, more than {GROWTH} times")
            else:
                self.say(text)


class Memory:
    """Resident kilobytes that podpath's programs keep, as samples of their lives."""

    def __init__(self, lab):
        self.lab, self.samples, self.ended = lab, collections.defaultdict(list), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join()

    def run(self):
        while not self.ended.wait(SAMPLE_EVERY):
            for name in [COLLECTOR, *(f"agent-{node.name}" for node in NODES)]:
                if (pid := self.lab.pid(name)) and (size := self.resident(pid)):
                    self.samples[name].append((time.monotonic(), pid, size))

    def resident(self, pid):
        try:
            status = pathlib.Path(f"/proc/{self.lab.supervisor}/root/proc/{pid}/status").read_text()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")), None)

    def quarters(self, since):
        """Medians of the first and last quarter of the last life from then on."""
        found = {}
        for name, samples in self.samples.items():
            sizes = [size for at, pid, size in samples if at >= since and pid == samples[-1][1]]
            if len(sizes) >= 8:
                quarter = len(sizes) // 4
                found[name] = statistics.median(sizes[:quarter]), statistics.median(sizes[-quarter:])
        return found


# What is done; each gives its name when it is over, and waits with deadlines alone.


def end_and_start(soak, node):
    soak.lab.stop(bird.process(node))
    bird.start(soak.lab, node)


def roll_agents(soak):
    for node in NODES:
        demo.lab(soak.identity, "podpath", "stop", "agent", node.name)
        time.sleep(soak.chance.uniform(0, 1))
        demo.lab(soak.identity, "podpath", "start", "agent", node.name)
    return "the agents were restarted one by one"


def kill_agent(soak):
    node = soak.chance.choice(NODES)
    demo.lab(soak.identity, "podpath", "kill", "agent", node.name)
    demo.lab(soak.identity, "podpath", "start", "agent", node.name)
    return f"the agent of {node.name} was killed and started"


def restart_collector(soak):
    how = soak.chance.choice(("stop", "kill"))
    demo.lab(soak.identity, "podpath", how, "collector")
    demo.lab(soak.identity, "podpath", "start", "collector")
    return f"the collector was restarted ({how})"


def restart_bird_gracefully(soak):
    node = soak.chance.choice(NODES)
    bird.leave_gracefully(soak.lab, node)
    bird.start(soak.lab, node, "-R")
    faults_node.await_uplinks(soak.lab, node)
    return f"BIRD on {node.name} restarted gracefully"


def restart_bird(soak):
    node = soak.chance.choice(NODES)
    end_and_start(soak, node)
    faults_node.await_uplinks(soak.lab, node)
    return f"BIRD on {node.name} was ended and started"


def restart_switch(soak):
    switches.restart_gracefully(soak.lab)
    for node in NODES:
        faults_node.await_uplinks(soak.lab, node)
    return "bgpd on switch a restarted gracefully"


def roll_pods(soak):
    cluster.roll(soak.lab)
    return "pods rolled through every pool"


def slow_ltm(soak):
    unit, seconds = soak.chance.randrange(len(ltm.UNITS)), soak.chance.uniform(0.1, 0.4)
    units.misbehaving(soak.lab, [{"kind": "slow", "seconds": seconds}], lambda: time.sleep(4 * EVERY), unit)
    return f"unit {unit} of the BIG-IP took {seconds:.2f} s for each answer"


def failing_ltm(soak):
    """In one round of two: two in a row are told."""
    unit, chosen = soak.chance.randrange(len(ltm.UNITS)), soak.chance.sample(FAILING, 3)
    for _, failures in chosen:
        units.misbehaving(soak.lab, failures, lambda: time.sleep(2 * EVERY), unit)
        time.sleep(2 * EVERY)
    return f"unit {unit} of the BIG-IP failed thrice: " + "; ".join(what for what, _ in chosen)


def drop_watches(soak):
    for _ in range(soak.chance.randint(1, 3)):
        kubernetes.ask(soak.lab, {"drop": True})
        time.sleep(soak.chance.uniform(0.2, 2))
    return "the API server dropped its watches"


def forget_history(soak):
    kubernetes.ask(soak.lab, {"compact": True})
    return "the API server forgot its history"


def unwell_server(soak):
    what, misbehaviour = soak.chance.choice(cluster.UNWELL)
    cluster.misbehave(soak.lab, misbehaviour)
    return f"the API server: {what}"


def write_log(soak):
    now = time.strftime("%b %e %H:%M:%S")
    lines = [soak.chance.choice(LINES).replace("{time}", now) for _ in range(30)]
    demo.lab(soak.identity, "exec", LTM, "python3", "-c", SEND, COLLECTOR_ADDRESS, str(ltm.SYSLOG_PORT), *lines)
    return "30 lines came to the syslog port"


OWN = (roll_agents, kill_agent, restart_collector)
ACTIONS = (*OWN, restart_bird_gracefully, restart_bird, restart_switch, roll_pods, slow_ltm, failing_ltm, drop_watches,
           forget_history, unwell_server, write_log)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2, metavar="H")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--id", default="soak", help="the lab's id (soak)")
    return parser.parse_args()


def overdue(*_):
    raise demo.DemoError("it takes longer than its deadline")


def main():
    options = parse()
    soak = Soak(options.id, options.hours, options.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(round(soak.seconds) + MARGIN)
    try:
        soak.up()
        soak.live()
        soak.grown()
    except (demo.DemoError, LabError, OSError) as error:
        soak.problem(str(error))
    finally:
        signal.alarm(0)
        soak.record()
        demo.lab(options.id, "down", check=False)
    print(f"{round(soak.age() / 60)} min with seed {options.seed}: "
          + (f"{len(soak.problems)} problems" if soak.problems else "nothing was told, nothing grew, all is well"))
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
