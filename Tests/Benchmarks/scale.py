#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a whole site costs the collector: its nodes and pods at an API server, its pools at a BIG-IP, both emulated,
every pool as Kubernetes wants it. From the start until all is known, at rest, and when a pool is no longer so.

    Tests/Benchmarks/scale.py [--nodes 15000 --pools 1500] [--answer-ms 0]

A pool has a virtual server, a ConfigMap, a Service and a slice of a hundred pods, which are its members; each node
has as many pods as any other. Beside it: the same unit asked the same by a client that does not look at the answers,
and a site with nothing in it. No agents and no switches.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from cluster import KUBECONFIG, ask, node
from process import ROOT, Program, bench_arguments, table

EMULATORS = ROOT / "Tests/Emulators"
sys.path.insert(0, str(EMULATORS))
from bigip.generated import Layout  # noqa: E402: it is found only now

HTTP, API, UNIT = 10480, 16443, 18443
PASSWORD = "bench-only"
# A slice holds a hundred endpoints.
MEMBERS = 100
SUPERNET, PREFIX = "10.0.0.0/8", 24
# As old as the reference site's API server.
MINOR = 19
PERIOD = 60
# An API server tells about once a minute that nothing has changed.
BOOKMARK = 60
LONGEST_START, LONGEST_ROUND, LONGEST_DOUBT = 1_800, 1_800, 900
CONFIGURATION = f"""
cluster: bench
pod-cidrs: [{SUPERNET}]
http: {{ listen: 127.0.0.1:{HTTP} }}
nodes: {{ from: kubernetes }}
kubernetes: {{ kubeconfig: kubeconfig }}
load-balancers:
  - name: ltm
    bigip:
      units: ["https://127.0.0.1:{UNIT}"]
      username: podpath
      password-file: password
      ca: tls.crt
      partitions: [K8S]
      every: {PERIOD}s
    pods-via: static
"""


def pool_name(number):
    """As the controller names it: cfgmap_<namespace>_<ConfigMap>_<service>."""
    return f"cfgmap_team-{number}_web_web"


def virtual_address(number):
    return f"172.20.{number >> 8}.{number & 255}"


# What the API server has


def cilium_node(index):
    like = node(index)
    return {"kind": "CiliumNode", "metadata": {"name": like["metadata"]["name"]},
            "spec": {"addresses": [{"type": "InternalIP", "ip": like["status"]["addresses"][0]["address"]}],
                     "ipam": {"podCIDRs": like["spec"]["podCIDRs"]}}}


def service(number):
    return {"kind": "Service", "metadata": {"name": "web", "namespace": f"team-{number}"},
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 80}]}}


def config_map(number):
    definition = {"virtualServer": {
        "frontend": {"partition": "K8S", "mode": "http", "balance": "round-robin",
                     "virtualAddress": {"bindAddr": virtual_address(number), "port": 80}},
        "backend": {"serviceName": "web", "servicePort": 80}}}
    return {"kind": "ConfigMap",
            "metadata": {"name": "web", "namespace": f"team-{number}", "labels": {"f5type": "virtual-server"}},
            "data": {"schema": "f5schemadb://bigip-virtual-server_v0.1.7.json", "data": json.dumps(definition)}}


def endpoint_slice(number, layout):
    pods = range(number * MEMBERS, (number + 1) * MEMBERS)
    endpoints = [{"addresses": [layout.address(pod)], "conditions": {"ready": True},
                  "nodeName": f"node-{pod % layout.nodes}"} for pod in pods]
    return {"kind": "EndpointSlice",
            "metadata": {"name": "web-1", "namespace": f"team-{number}",
                         "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 80}], "endpoints": endpoints}


# What the BIG-IP has


def generated(nodes, pools):
    """The emulator's own words for members that are where the slices' pods are."""
    return {"pools": pools, "membersPerPool": MEMBERS, "supernet": SUPERNET, "prefix": PREFIX, "nodes": nodes,
            "name": "cfgmap_team-%d_web_web"}


def unit(nodes, pools):
    configuration = {
        "hostname": "ltm.bench", "username": "podpath", "password": PASSWORD,
        "selfIPs": [{"name": "uplink", "address": "172.30.1.10/24", "vlan": "/Common/a"}],
        "routes": [{"name": "pods", "network": SUPERNET, "gw": "172.30.1.254"}],
        "virtuals": [{"name": f"team-{each}_web", "destination": f"{virtual_address(each)}:80",
                      "pool": pool_name(each)} for each in range(pools)]}
    return configuration | ({"generated": generated(nodes, pools)} if pools else {})


def members_path(number):
    return f"/mgmt/tm/ltm/pool/~K8S~{pool_name(number)}/members/stats"


class BareClient:
    """Asks as the collector does, and does not look at the answers."""

    def __init__(self, certificate):
        context = ssl.create_default_context(cafile=certificate)
        self.connection = http.client.HTTPSConnection("127.0.0.1", UNIT, context=context, timeout=60)
        body = json.dumps({"username": "podpath", "password": PASSWORD, "loginProviderName": "tmos"})
        self.headers = {}
        answer = json.loads(self.ask("POST", "/mgmt/shared/authn/login", body))
        self.headers = {"X-F5-Auth-Token": answer["token"]["token"]}

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        return self.connection.getresponse().read()

    def first_round(self, pools):
        """Seconds and bytes of all lists in pages of fifty, and of all members."""
        began, size = time.monotonic(), 0
        for place in ("ltm/pool", "ltm/pool/stats", "ltm/virtual", "ltm/virtual/stats"):
            for start in range(0, pools, 50):
                size += len(self.ask("GET", f"/mgmt/tm/{place}?$top=50&$skip={start}"))
        for number in range(pools):
            size += len(self.ask("GET", members_path(number)))
        return time.monotonic() - began, size


class Site:
    """Both emulators, and a folder with what they and the collector need."""

    def __init__(self, folder, nodes, pools, answer_ms=0):
        self.folder, self.nodes, self.pools = folder, nodes, pools
        self.answer_ms = answer_ms
        self.api, self.ltm = folder / "api.sock", folder / "ltm.sock"

    def start(self, programs):
        self.write_files()
        listen = ["--certificate", self.folder / "tls.crt", "--key", self.folder / "tls.key"]
        api = programs.enter_context(ended(
            "python3", "-B", EMULATORS / "kubernetes.py", "--listen", f"127.0.0.1:{API}", *listen,
            "--token-file", self.folder / "token", "--control", self.api, "--minor", MINOR))
        ltm = programs.enter_context(ended(
            "python3", "-B", EMULATORS / "bigip.py", "--listen", f"127.0.0.1:{UNIT}", *listen,
            "--config", self.folder / "ltm.json", "--control", self.ltm, stderr=subprocess.STDOUT))
        for program in (api, ltm):
            program.wait_for("listening on")
        self.fill()
        self.bare = BareClient(self.folder / "tls.crt").first_round(self.pools)
        if self.answer_ms:
            ask(self.ltm, {"misbehave": {"kind": "slow", "seconds": self.answer_ms / 1_000, "path": "/mgmt/tm"}})
        self.requests = counters_of(self.ltm)

    def write_files(self):
        (self.folder / "token").write_text("bench\n")
        (self.folder / "password").write_text(PASSWORD + "\n")
        (self.folder / "kubeconfig").write_text(KUBECONFIG.format(api=API).replace("api.crt", "tls.crt"))
        (self.folder / "collector.yaml").write_text(CONFIGURATION)
        (self.folder / "ltm.json").write_text(json.dumps(unit(self.nodes, self.pools)))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.folder / "tls.key", "-out", self.folder / "tls.crt"],
                       check=True, capture_output=True)

    def fill(self):
        ask(self.api, {"offer": ["ciliumnodes"]})
        ask(self.api, {"bookmark": BOOKMARK})
        self.put(self.nodes, node, cilium_node)
        if self.pools:
            layout = Layout(generated(self.nodes, self.pools))
            self.put(self.pools, service, config_map, lambda number: endpoint_slice(number, layout))

    def put(self, count, *makers):
        for start in range(0, count, 250):
            numbers = range(start, min(start + 250, count))
            ask(self.api, {"put": [make(number) for number in numbers for make in makers]})

    def asked(self):
        """Requests since the bare client left, by path."""
        return counters_of(self.ltm) - self.requests


class Counters:
    """Requests by path, as the BIG-IP emulator counted them."""

    WORDS = (("members/stats", "members"), ("ltm/pool/stats", "counts of pools"), ("ltm/pool", "pools"),
             ("ltm/virtual", "virtual servers"))

    def __init__(self, paths):
        self.paths = paths

    def __sub__(self, other):
        return Counters({path: count - other.paths.get(path, 0) for path, count in self.paths.items()})

    def __getitem__(self, path):
        return self.paths.get(path, 0)

    @property
    def total(self):
        return sum(self.paths.values())

    @property
    def round_requests(self):
        """Only a round asks for the unit's role: when it begins and when it ends."""
        return self["/mgmt/tm/cm/device"]

    def by_kind(self):
        kinds = dict.fromkeys([word for _, word in self.WORDS] + ["other"], 0)
        for path, count in self.paths.items():
            kinds[next((word for part, word in self.WORDS if part in path), "other")] += count
        return kinds


def counters_of(control):
    return Counters(ask(control, {"state": True})["counters"]["paths"])


@contextlib.contextmanager
def ended(*command, **options):
    program = Program(*command, **options)
    try:
        yield program
    finally:
        program.kill()


class Collector:
    def __init__(self, site, program):
        self.site, self.program = site, program
        self.began = time.monotonic()

    @property
    def age(self):
        return time.monotonic() - self.began

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}{path}", timeout=120) as answer:
                return answer.read()
        except OSError:
            return None

    def sources(self):
        """Those that there are here, by type: no agents are expected to report."""
        body = self.get("/api/v1/sources")
        found = json.loads(body)["sources"] if body else []
        return {each["type"]: each for each in found if each["type"] != "agents"}

    def incidents(self, kind, pool):
        body = self.get("/api/v1/incidents?state=pending,firing")
        found = json.loads(body)["incidents"] if body else []
        return [each for each in found if each["kind"] == kind and each["subject"].get("pool") == pool]

    def metrics(self):
        lines = [line.rsplit(" ", 1) for line in self.get("/metrics").decode().splitlines() if line[0] != "#"]
        return {name: float(value) for name, value in lines}

    def until(self, question, patience, words, pause=0.5):
        """Seconds until the question is answered with something true."""
        began = time.monotonic()
        while not question():
            if self.program.process.poll() is not None:
                raise SystemExit(f"the collector ended with {self.program.process.returncode}")
            if time.monotonic() > began + patience:
                raise SystemExit(f"after {patience} s still not so: {words}; {self.sources()}")
            time.sleep(pause)
        return time.monotonic() - began

    def until_started(self):
        """When each source was `ok`, the CPU time until all were, and when /readyz said so."""
        moments = {}

        def is_started():
            for kind, source in self.sources().items():
                if source["state"] == "ok":
                    moments.setdefault(kind, self.age)
            if "spent" not in moments and moments.keys() >= {"kubernetes", "nodes", "load-balancer"}:
                moments["spent"] = self.processor_time()
            if "ready" not in moments and self.get("/readyz"):
                moments["ready"] = self.age
            return moments.keys() >= {"spent", "ready"}

        self.until(is_started, LONGEST_START, "every source is ok and the collector ready")
        return moments

    def until_round(self, number):
        """The end of the unit's round of that number, the first being 1."""
        self.until(lambda: self.site.asked().round_requests >= 2 * number, LONGEST_ROUND + number * PERIOD,
                   f"round {number} is over")
        error = self.sources()["load-balancer"].get("lastError")
        if error:
            raise SystemExit(f"round {number} failed: {error}")

    def next_round(self):
        self.until_round(self.site.asked().round_requests // 2 + 1)

    def processor_time(self):
        """Of threads that have ended, too."""
        fields = pathlib.Path(f"/proc/{self.program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        """Resident now, and at most."""
        text = pathlib.Path(f"/proc/{self.program.pid}/status").read_text()
        values = dict(line.split(":", 1) for line in text.splitlines())
        return [int(values[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")]


# What is measured


def at_rest(collector, rounds=2):
    """Of whole cycles in which nothing changes; a cycle is a round and the pause after it."""
    began, spent, asked = time.monotonic(), collector.processor_time(), collector.site.asked()
    before = collector.metrics()
    for _ in range(rounds):
        collector.next_round()
    took = time.monotonic() - began
    source, metrics = collector.sources()["load-balancer"], collector.metrics()
    judged = {part: metrics[name] - before[name]
              for part in ("count", "sum") for name in [f"podpath_judge_duration_seconds_{part}"]}
    return {"cycle": took / rounds, "cpu": (collector.processor_time() - spent) * 60 / took,
            "round": source["lastDurationSeconds"], "asked": collector.site.asked() - asked, "rounds": rounds,
            "judgements": judged["count"] * 60 / took, "judge": judged["sum"] / max(1, judged["count"])}


def changed(collector, number, members, kind):
    """A pool is given other members just after a round, which is the worst moment: seconds until the pool was read,
    until it was again, because it was in doubt, and until it is an incident of the kind, pending and firing."""
    pool, path = pool_name(number), members_path(number)
    collector.next_round()
    reads, began, moments = collector.site.asked()[path], time.monotonic(), {}
    ask(collector.site.ltm, {"members": {pool: members}})

    def note(what, is_so):
        if what not in moments and is_so:
            moments[what] = time.monotonic() - began

    def is_firing():
        news = collector.site.asked()[path] - reads
        note("read", news >= 1)
        note("again", news >= 2)
        found = collector.incidents(kind, f"/K8S/{pool}")
        note("pending", found)
        note("firing", any(each["state"] == "firing" for each in found))
        return "firing" in moments

    collector.until(is_firing, LONGEST_DOUBT, f"{pool} is {kind}")
    return moments | {"reads": collector.site.asked()[path] - reads}


def all_but_one(site, number):
    layout = Layout(generated(site.nodes, site.pools))
    return [f"{layout.address(pod)}:80" for pod in range(number * MEMBERS + 1, (number + 1) * MEMBERS)]


def measure_empty(options):
    """What the collector takes without a site."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as programs:
        collector = started(options, Site(pathlib.Path(place), 0, 0), programs)
        moments = collector.until_started()
        collector.until_round(1)
        return moments, collector.memory_mb()


def started(options, site, programs):
    site.start(programs)
    log = programs.enter_context(open(options.log, "a"))
    command = [options.bin / "podpath-collector", "serve", "--config", site.folder / "collector.yaml"]
    return Collector(site, programs.enter_context(ended(*command, stderr=log)))


def measure(options):
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as programs:
        site = Site(pathlib.Path(place), options.nodes, options.pools, options.answer_ms)
        collector = started(options, site, programs)
        found = {"bare": site.bare, "moments": collector.until_started()}
        collector.until_round(1)
        found["first"] = site.asked(), collector.sources()["load-balancer"]["lastDurationSeconds"]
        show_start(found, options)
        collector.until_round(3)
        found["memory"] = collector.memory_mb()
        return found | measure_rest(collector, found)


def measure_rest(collector, found):
    show_memory(found["memory"])
    found["rest"] = at_rest(collector)
    show_rest(found["rest"], collector.site.pools)
    site = collector.site
    show_change("A pool emptied", changed(collector, site.pools // 2, [], "ltm-pool-emptied"))
    rest = all_but_one(site, site.pools // 3)
    show_change("A member removed", changed(collector, site.pools // 3, rest, "ltm-member-missing"))
    show_incidents(collector)
    show_search(collector)
    return found


# What is printed


def show_start(found, options):
    moments, (asked, took) = found["moments"], found["first"]
    seconds, size = found["bare"]
    table(f"A site of {options.nodes:,} nodes, {options.pools:,} pools of {MEMBERS}: from the start",
          ["", "s"],
          [["API server ok", f"{moments['kubernetes']:.1f}"], ["nodes ok", f"{moments['nodes']:.1f}"],
           ["load balancer ok", f"{moments['load-balancer']:.1f}"],
           ["CPU time until all are ok", f"{moments['spent']:.1f}"], ["/readyz 200", f"{moments['ready']:.1f}"],
           [f"the unit's first round, {asked.total:,} requests", f"{took:.1f}"],
           [f"the lists and members alone by a bare client, {size / 1e6:.0f} MB", f"{seconds:.1f}"]])


def show_memory(memory):
    print(f"\nAfter the third round: {memory[0]:.0f} MB resident, {memory[1]:.0f} at most", flush=True)


def show_rest(rest, pools):
    each = {kind: count / rest["rounds"] for kind, count in rest["asked"].by_kind().items()}
    total = sum(each.values())
    table("At rest, nothing changes", ["", "each"],
          [["cycle: a round and the pause after it, s", f"{rest['cycle']:.1f}"],
           ["the round, s", f"{rest['round']:.1f}"],
           ["collector, CPU s per 60 s", f"{rest['cpu']:.2f}"],
           ["judgements per 60 s", f"{rest['judgements']:.1f}"], ["the last judgement, s", f"{rest['judge']:.2f}"],
           ["requests a round", f"{total:.0f}"], *[[f"  {kind}", f"{count:.0f}"] for kind, count in each.items()],
           ["requests a second", f"{total / rest['cycle']:.2f}"],
           ["until every pool was read again, min", f"{pools / each['members'] * rest['cycle'] / 60:.1f}"]])


def show_change(what, moments):
    again = moments.get("again")
    table(f"{what} just after a round", ["", "s"],
          [["its pool is read", f"{moments['read']:.1f}"],
           ["and again, for it is in doubt", "not" if again is None else f"{again:.1f}"],
           ["an incident, pending or firing", f"{moments['pending']:.1f}"],
           [f"firing, of {moments['reads']} reads", f"{moments['firing']:.1f}"]])


def show_incidents(collector):
    body = collector.get("/api/v1/incidents?state=firing")
    kinds = {}
    for each in json.loads(body)["incidents"]:
        kinds[each["kind"]] = kinds.get(each["kind"], 0) + 1
    print(f"\nFiring at the end, {len(body) / 1e6:.1f} MB as JSON: {kinds}", flush=True)


def show_search(collector):
    """As `trace POOL` and the page ask."""
    began = time.monotonic()
    body = collector.get(f"/api/v1/paths?limit=10&q={pool_name(1)}")
    found = f"{len(json.loads(body)['paths'])} found" if body else "no answer"
    print(f"\nThe ways behind a pool, at most 10 asked for: {found} after {time.monotonic() - began:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=15_000)
    parser.add_argument("--pools", type=int, default=1_500)
    parser.add_argument("--answer-ms", type=int, default=0, help="how long the unit thinks about each answer")
    parser.add_argument("--log", default=os.devnull, help="where the collector's own words go")
    options = bench_arguments(parser)
    moments, memory = measure_empty(options)
    print(f"An empty site: ready after {moments['ready']:.1f} s, {memory[0]:.0f} MB resident", flush=True)
    measure(options)


if __name__ == "__main__":
    main()
