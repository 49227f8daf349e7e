#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page with very many nodes, in headless Chromium: when it can be used, how it scrolls, what a change costs.

    Tests/Benchmarks/page.py [--nodes 15000] [--serve PORT]

The files of the page are those that the collector embeds; the API is made up here, so that it is the page that is
measured. With --serve it only serves, for a look. Needs chromium. Prints one JSON object.
"""

import argparse
import gzip
import http.server
import json
import pathlib
import statistics
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASSETS = ROOT / "Collector/Sinks/Web/Assets"
sys.path[:0] = [str(ROOT / "packaging/lab.d"), str(ROOT / "Tests/Lab")]
sys.dont_write_bytecode = True

import page  # noqa: E402

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
NODES_A_RACK = 40
FRAMES = 120
CHANGES = 20
KIND = "kernel-route-missing"


def moment(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


class Site:
    """So many nodes on pairs of switches; every five hundredth is broken."""

    def __init__(self, nodes):
        self.nodes, self.sequence = nodes, 1
        self.racks = (nodes + NODES_A_RACK - 1) // NODES_A_RACK
        self.changed, self.bodies = {}, {}

    def places(self, rack):
        two = ["uplink0", "uplink1"]
        switches = [f"leaf-{rack:03}-{side}" for side in "ab"]
        return ([["intent", None], ["kernel", None], ["bird", None]] + [[s, at] for at in two for s in ("export", "session")]
                + [["switch", at] for at in switches] + [[s, "ltm-1"] for s in ("ltm-route", "member", "virtual-server", "gtm")])

    def state(self, number):
        """A look: the letter of each place, and the verdict."""
        if self.changed.get(number, number % 500 == 499):
            return "omouououoowoo", KIND
        return "o" * 13, "ok"

    @staticmethod
    def prefix(number):
        return f"10.{number >> 8 & 255}.{number & 255}.0/24"

    def matrix(self, query):
        shapes = [[{"stage": s} | ({"at": at} if at else {}) for s, at in self.places(rack)] for rack in range(self.racks)]
        patterns, known, prefixes, nodes, looks = [], {}, [], [], []
        for number in range(self.nodes):
            node = f"worker-{number:05}"
            if query and query not in node and query not in self.prefix(number):
                continue
            key = (number // NODES_A_RACK, *self.state(number))
            if key not in known:
                known[key] = len(patterns)
                patterns.append({"shape": key[0], "states": key[1], "verdict": key[2]})
            prefixes.append(self.prefix(number))
            nodes.append(node)
            looks.append(known[key])
        return {"sequence": self.sequence, "at": moment(), "total": self.nodes, "shapes": shapes, "patterns": patterns,
                "prefixes": prefixes, "nodes": nodes, "looks": looks}

    def path(self, number):
        words = {"o": "ok", "m": "missing", "u": "unknown", "w": "wrong"}
        letters, verdict = self.state(number)
        stages = [{"stage": s, "state": words[letter], "ageSeconds": 1.5, "found": "as it must be"} | ({"at": at} if at else {})
                  for (s, at), letter in zip(self.places(number // NODES_A_RACK), letters)]
        return {"prefix": self.prefix(number), "node": f"worker-{number:05}", "stages": stages, "verdict": verdict}

    def incidents(self):
        some = range(499, self.nodes, 500)
        return [{"id": f"{KIND}-{n}", "kind": KIND, "severity": "critical", "state": "firing", "cluster": "bench", "stage": "kernel",
                 "subject": {"node": f"worker-{n:05}", "prefix": self.prefix(n)}, "since": moment(-600 - n % 900), "detectedAt": moment(-600 - n % 900),
                 "firedAt": moment(-599 - n % 900), "summary": f"{self.prefix(n)} of worker-{n:05} is lost: the kernel has no route for it",
                 "evidence": [{"source": f"agent worker-{n:05}", "fact": f"kernel route {self.prefix(n)}", "value": "absent", "ageSeconds": 2}],
                 "impact": {"prefixes": [self.prefix(n)], "nodes": [f"worker-{n:05}"], "poolMembers": 4, "pools": ["/K8S/web"],
                            "virtualServers": ["/K8S/web"], "wideIPs": [], "capacity": []},
                 "verify": [{"on": f"worker-{n:05}", "command": f"ip -4 route show table all {self.prefix(n)}"}],
                 "events": [{"at": moment(-599 - n % 900), "text": f"opened: {self.prefix(n)} is lost"}]} for n in some]

    def sources(self):
        names = [("agents", "agents")] + [(f"leaf-{rack:03}-{side}", "switch") for rack in range(self.racks) for side in "ab"] + [("ltm-1", "load-balancer")]
        return [{"name": name, "type": kind, "state": "ok", "ageSeconds": 3.0} for name, kind in names]

    def body(self, path, query):
        """What takes long to make up is made once a change: it is not what is measured."""
        key = (self.sequence, path, query)
        if path != "/api/v1/matrix" or key not in self.bodies:
            document = self.answer(path, urllib.parse.parse_qs(query))
            self.bodies = {key: json.dumps(document, separators=(",", ":")).encode()}
        return self.bodies[key]

    def answer(self, path, query):
        if path == "/api/v1/matrix":
            return self.matrix(query.get("q", [""])[0])
        if path == "/api/v1/incidents":
            return {"incidents": self.incidents()}
        if path == "/api/v1/timeline":
            return {"incidents": self.incidents(), "isCut": False}
        if path == "/api/v1/sources":
            return {"cluster": "bench", "version": "0", "sources": self.sources()}
        if path == "/api/v1/silences":
            return {"silences": [], "mayWrite": False}
        if path == "/api/v1/paths":
            wanted = query.get("prefix", [""])[0]
            return {"paths": [self.path(n) for n in range(self.nodes) if self.prefix(n) == wanted]}
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/api/v1/events":
            return self.events()
        file = ASSETS / ("page.html" if path == "/" else pathlib.PurePath(path).name)
        if path == "/" or path.startswith("/assets/"):
            return self.send(file.read_bytes(), TYPES[file.suffix])
        body = self.server.site.body(path, query)
        return self.send(body, "application/json", 404 if body == b"null" else 200)

    def send(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"retry: 2000\n\n")
        self.wfile.flush()
        self.server.listeners.append(self.wfile)
        self.server.ends.wait()
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, nodes, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.site, self.listeners, self.ends = Site(nodes), [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def change(self, number, is_broken):
        self.site.changed[number] = is_broken
        self.site.sequence += 1
        body = f"id: {self.site.sequence}\nevent: path\ndata: {json.dumps(self.site.path(number))}\n\n".encode()
        for listener in self.listeners:
            listener.write(body)
            listener.flush()


SCROLL = """new Promise((done) => {
  const grid = document.getElementById("matrix"), frames = [], began = performance.now();
  let last = began;
  const step = (now) => {
    frames.push(now - last); last = now; grid.scrollTop += %d;
    frames.length < %d ? requestAnimationFrame(step) : done(JSON.stringify(frames.slice(2)));
  };
  requestAnimationFrame(step);
})"""


def value(browser, expression):
    return browser.call("Runtime.evaluate", expression=expression, awaitPromise=True)["result"].get("value")


def until(browser, condition, patience=30):
    deadline = time.monotonic() + patience
    while not value(browser, condition):
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {patience} s: {condition}")
        time.sleep(0.02)


READY = "document.querySelectorAll('#matrix-body .cell').length > 0 && document.getElementById('answer').className !== 'unknown'"


def metrics(browser):
    return {each["name"]: each["value"] for each in browser.call("Performance.getMetrics")["metrics"]}


def frames(browser, pixels):
    """Wall time between frames, and what the main thread itself spent on one: that holds on a busy machine too."""
    before = metrics(browser)
    times = sorted(json.loads(value(browser, SCROLL % (pixels, FRAMES))))
    after = metrics(browser)
    spent = {name: round((after[name] - before[name]) * 1000 / FRAMES, 2) for name in ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")}
    return {"median_ms": round(statistics.median(times), 1), "p95_ms": round(times[int(len(times) * .95)], 1), "max_ms": round(times[-1], 1),
            "over_33_ms": sum(each > 33.4 for each in times), "frames": len(times), "cpu_ms_a_frame": spent}


def measure(server):
    server.site.body("/api/v1/matrix", "")
    browser = page.Browser()
    try:
        # Noted in the page itself: what asks from outside asks too late.
        browser.open("about:blank")
        browser.call("Page.enable")
        browser.call("Performance.enable", timeDomain="threadTicks")
        watch = ("addEventListener('DOMContentLoaded', () => { const look = () => { if (%s) globalThis.readyAt = performance.now(); "
                 "else requestAnimationFrame(look); }; look(); });" % READY)
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=watch)
        browser.call("Page.navigate", url=server.url + "/#open=*")
        until(browser, "globalThis.readyAt > 0")
        result = {"nodes": server.site.nodes, "interactive_ms": round(value(browser, "globalThis.readyAt")),
                  "first_paint_ms": round(value(browser, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")),
                  "cpu_until_then_ms": round(metrics(browser)["TaskDuration"] * 1000),
                  "elements": value(browser, "document.querySelectorAll('*').length")}
        body = server.site.body("/api/v1/matrix", "")
        result["matrix_bytes"], result["matrix_gzip_bytes"] = len(body), len(gzip.compress(body))
        time.sleep(1.5)
        result["scroll_slow"], result["scroll_fast"] = frames(browser, 60), frames(browser, 2000)
        result["change_ms"] = changes(browser, server)
        result["heap_megabytes"] = round(value(browser, "performance.memory.usedJSHeapSize") / 1e6, 1)
        result["errors"] = browser.errors
        return result
    finally:
        browser.close()


def changes(browser, server):
    """From the event on the wire until the row says it, as seen from here."""
    value(browser, "document.getElementById('matrix').scrollTop = 0")
    # The rows that are broken come first, so the newest comes into sight as the first of its kind in order.
    times = []
    for turn in range(CHANGES):
        began = time.monotonic()
        server.change(0, turn % 2 == 0)
        shown = "document.getElementById('matrix-body').textContent.includes('worker-00000' + %s)" % json.dumps(KIND if turn % 2 == 0 else "")
        if turn % 2 == 0:
            until(browser, shown)
            times.append((time.monotonic() - began) * 1000)
        else:
            until(browser, "!document.getElementById('matrix-body').textContent.includes('worker-00000" + KIND + "')")
    return round(statistics.median(times), 1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--nodes", type=int, default=15_000)
    arguments.add_argument("--serve", type=int)
    options = arguments.parse_args()
    server = Server(options.nodes, options.serve or 0)
    if options.serve:
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(measure(server), indent=2))


if __name__ == "__main__":
    main()
