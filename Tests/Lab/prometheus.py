#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics, alert rules and dashboard, as a real Prometheus takes them.

    python3 Tests/Lab/prometheus.py [--id ID] [--keep]

promtool checks the rules and runs their test; a Prometheus on 127.0.0.1 scrapes the collector of a lab, each second, and
evaluates the shipped rules. They are changed in one way: a minute in a `for` or a range becomes a second, and so does
that of Grafana's `$__rate_interval`. Then things break, alerts fire, and end when it is mended; the collector is
killed, and that is seen. Each query of the dashboard must have an answer at some moment of it.
"""

import argparse
import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging/lab.d"))

import attacks
import demo
from state import REPOSITORY

RULES = REPOSITORY / "packaging/prometheus"
DASHBOARD = REPOSITORY / "packaging/grafana/podpath.json"
# Prometheus asks each second, and what is to fire or end has been asked for several times then.
PATIENCE = 60
# As bad a name as a configuration can hold: YAML's quoting is JSON's.
SINK = 'a "b" \\n\\ {c="d"} # ü\n5'
# What Grafana ships with, of what a dashboard can be made of.
PANELS = {"stat", "timeseries", "table", "state-timeline", "row"}
# Queries that have no answer here, by the metric that they ask for, and why.
NO_ANSWER = {"podpath_journal_": "the lab's collector keeps no journal"}

DEAD_MAN = ("PodpathDeadMan", "none")
# What is broken, and what must fire then: alert, severity, and a label.
FAULTS = [("kernel-route-missing", "n3"), ("switch-unreadable", None), ("agent-silent", None)]
EXPECTED = {
    ("PodpathIncident", "critical", "kind", "kernel-route-missing"),
    ("PodpathIncident", "warning", "kind", "source-unreadable"),
    ("PodpathIncident", "warning", "kind", "agent-silent"),
    ("PodpathSourceDown", "warning", "source", "b"),
    ("PodpathAgentsMissing", "warning", "job", "podpath"),
    ("PodpathSinkFailing", "critical", "sink", SINK),
}


def fetch(url, **headers):
    # All of it is on this machine: no proxy stands between.
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return answer.headers.get("content-type"), answer.read().decode()


def promtool(*words, text=None):
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, timeout=60)
    return [] if done.returncode == 0 else [f"promtool {words[0]} {words[1]}: {(done.stdout + done.stderr).strip()}"]


def minutes_as_seconds(text):
    text, count = re.subn(r"(for: |\[)(\d+)m(?=\]|$)", r"\1\2s", text, flags=re.MULTILINE)
    if count == 0:
        raise demo.DemoError("nothing in the rules takes a minute: they are not what this test knows")
    return text


class Prometheus:
    """A real one, with a folder of its own that goes with it."""

    def __init__(self, target):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="podpath-prometheus-"))
        rules = minutes_as_seconds((RULES / "podpath.rules.yml").read_text())
        (self.folder / "rules.yml").write_text(rules)
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "podpath", "static_configs": [{"targets": [target]}]}],
        }))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}"], stdout=log, stderr=log)

    def get(self, path, **query):
        try:
            return json.loads(fetch(f"{self.url}{path}?{urllib.parse.urlencode(query)}")[1])["data"]
        except urllib.error.HTTPError as error:
            # It says so until it has read what it keeps.
            if error.code == 503:
                return None
            raise demo.DemoError(f"{query}: {error.read().decode()}") from error
        except (OSError, ValueError) as error:
            if self.process.poll() is None:
                return None
            raise demo.DemoError(f"Prometheus ended: {(self.folder / 'log').read_text()[-2000:]}") from error

    def query(self, expression):
        return (self.get("/api/v1/query", query=expression) or {"result": []})["result"]

    def alerts(self):
        """The labels of what fires."""
        alerts = (self.get("/api/v1/alerts") or {"alerts": []})["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    def names(self):
        return {(labels["alertname"], labels["severity"]) for labels in self.alerts()}

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


# The dashboard


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions(collector):
    """Each query as Grafana would send it, with the panel's title."""
    values = {"job": "podpath", "instance": collector, "__rate_interval": "10s"}
    for panel in panels():
        for target in panel.get("targets", []):
            text = re.sub(r"\$(\w+)", lambda name: values[name[1]], target["expr"])
            yield panel["title"], text


def shape():
    """What Grafana would show wrongly, or not at all, without a word."""
    dashboard, taken, problems = json.loads(DASHBOARD.read_text()), {}, []
    for panel in dashboard["panels"]:
        title, place = panel["title"], panel["gridPos"]
        if panel["type"] not in PANELS:
            problems.append(f"{title}: {panel['type']} is no panel of Grafana's own")
        sources = [panel] * (panel["type"] != "row") + panel.get("targets", [])
        if any(each["datasource"]["uid"] != "${datasource}" for each in sources):
            problems.append(f"{title}: it does not ask the data source that was chosen")
        for cell in [(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])]:
            if cell[0] >= 24 or taken.setdefault(cell, title) != title:
                problems.append(f"{title}: it lies upon {taken.get(cell)}, or past the edge")
                break
    identities = [panel["id"] for panel in dashboard["panels"]]
    return problems + ["two panels have one id"] * (len(set(identities)) != len(identities))


class Answers:
    """Which queries have had an answer; those that never have one are what a person would find empty."""

    def __init__(self, collector):
        self.missing = dict.fromkeys(expressions(collector))

    def look(self, prometheus):
        for title, text in list(self.missing):
            if prometheus.query(text):
                del self.missing[title, text]

    def problems(self):
        unanswered = [(title, text) for title, text in self.missing if not any(name in text for name in NO_ANSWER)]
        known = [name for name in NO_ANSWER if not any(name in text for _, text in self.missing)]
        return ([f"{title}: no answer to {text}" for title, text in unanswered]
                + [f"{name} has an answer, though {NO_ANSWER[name]}" for name in known])


# The steps


def before(_):
    return (promtool("check", "rules", RULES / "podpath.rules.yml") + promtool("check", "config", RULES / "prometheus.yml")
            + promtool("test", "rules", RULES / "podpath.rules.test.yml") + shape())


def metrics(lab):
    """promtool has nothing to say against them, and both formats hold the same."""
    plain, text = fetch(lab.collector.url + "/metrics")
    asked, other = fetch(lab.collector.url + "/metrics", accept="application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    problems = promtool("check", "metrics", text=text)
    if (plain, asked) != ("text/plain; version=0.0.4; charset=utf-8",
                          "application/openmetrics-text; version=1.0.0; charset=utf-8"):
        problems.append(f"content types: {plain}, {asked}")
    if names(text) != names(other) or not other.endswith("# EOF\n"):
        problems.append(f"the formats differ: {names(text) ^ names(other)}")
    if prefixes := re.findall(r'"[^"]*\b\d+\.\d+\.\d+\.\d+/\d+[^"]*"', text):
        problems.append(f"series of prefixes: {prefixes[:3]}")
    return problems


def names(text):
    return {line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")}


def scraped(lab):
    """By OpenMetrics, since Prometheus asks for that; nothing but the dead man fires."""
    demo.wait("the first scrape", PATIENCE, lambda: lab.prometheus.query("podpath_build_info"))
    target = lab.prometheus.get("/api/v1/targets")["activeTargets"][0]
    calm(lab)
    lab.answers.look(lab.prometheus)
    sinks = {each["metric"]["sink"] for each in lab.prometheus.query("podpath_sink_waiting")}
    problems = [f"scrape: {target['lastError']}"] if target["lastError"] else []
    return problems + [f"sinks are {sinks}"] * (SINK not in sinks)


def calm(lab):
    try:
        demo.wait("only the dead man fires", PATIENCE, lambda: lab.prometheus.names() == {DEAD_MAN})
    except demo.DemoError as error:
        raise demo.DemoError(f"{error}: {lab.prometheus.alerts()}") from error


def faults(lab):
    """Everything at once: what fires, with its severity."""
    for kind, node in FAULTS:
        demo.lab(lab.identity, "fault", kind, *(["--node", node] if node else []))
    # Somebody is refused, too: otherwise nothing counts that.
    demo.lab(lab.identity, "exec", "collector", "python3", "-c", attacks.GARBAGE)
    missing = set(EXPECTED)

    def seen():
        missing.difference_update(
            (labels["alertname"], labels["severity"], name, value)
            for labels in lab.prometheus.alerts() for name, value in labels.items())
        lab.answers.look(lab.prometheus)
        return not missing

    try:
        demo.wait("the alerts", PATIENCE, seen)
    except demo.DemoError as error:
        return [f"{error}: {missing}; what fires: {lab.prometheus.alerts()}"]
    return [f"{DEAD_MAN} does not fire"] * (DEAD_MAN not in lab.prometheus.names())


def mended(lab):
    """All but what the sink cannot tell is over."""
    lab.way_out.touch()
    demo.lab(lab.identity, "mend", "all")
    demo.wait("health", demo.RESOLVE, lab.collector.is_well)
    still = {DEAD_MAN, ("PodpathSinkFailing", "critical")}
    demo.wait("the alerts' end", PATIENCE, lambda: lab.prometheus.names() <= still)
    lab.answers.look(lab.prometheus)
    return []


def killed(lab):
    """The collector is gone and comes back; the sink then takes what waited, and nothing is left."""
    demo.lab(lab.identity, "podpath", "kill", "collector")
    demo.wait("PodpathDown", PATIENCE, lambda: ("PodpathDown", "critical") in lab.prometheus.names())
    problems = [f"{DEAD_MAN} does not fire"] * (DEAD_MAN not in lab.prometheus.names())
    demo.lab(lab.identity, "podpath", "start", "collector")
    demo.wait("health", demo.RESOLVE, lab.collector.is_well)
    calm(lab)
    return problems


def dashboard(lab):
    lab.answers.look(lab.prometheus)
    return lab.answers.problems()


# Doing them


class Lab:
    def __init__(self, identity):
        self.identity = identity
        demo.lab(identity, "down", check=False)
        demo.lab(identity, "up")
        status = demo.status(identity)
        folder = pathlib.Path(status["state"])
        self.way_out = folder / "way-out"
        add_sink(folder / "collector.yaml", self.way_out)
        demo.lab(identity, "podpath", "start", "all")
        self.collector = demo.Collector(status)
        demo.wait("health", demo.READY, self.collector.is_well)
        target = self.collector.url.removeprefix("http://")
        self.answers = Answers(target)
        self.prometheus = Prometheus(target)


def add_sink(configuration, way_out):
    """One that takes nothing as long as there is no such file."""
    sink = {"name": SINK, "command": {"run": ["sh", "-c", 'cat >/dev/null; test -e "$0"', str(way_out)]}}
    text = configuration.read_text()
    configuration.write_text(text.replace("  sinks:\n", f"  sinks:\n    - {json.dumps(sink)}\n", 1))


STEPS = [
    ("rules, their test and the dashboard's shape", before),
    ("promtool check metrics, both formats", metrics),
    ("Prometheus scrapes, and only the dead man fires", scraped),
    ("what is broken fires", faults),
    ("what is mended ends", mended),
    ("a collector that is killed is missed", killed),
    ("every query of the dashboard is answered", dashboard),
]


def run(options):
    failed, lab = 0, None
    with contextlib.ExitStack() as stack:
        if not options.keep:
            stack.callback(demo.lab, options.id, "down", check=False)
        for name, step in STEPS:
            began = time.monotonic()
            try:
                if step is not before and lab is None:
                    lab = Lab(options.id)
                    stack.callback(lab.prometheus.close)
                problems = step(lab)
            except demo.DemoError as error:
                problems = [str(error)]
            print(f"{'FAILED' if problems else 'passed'} {name} ({time.monotonic() - began:.0f} s)", flush=True)
            for problem in problems:
                print(f"       {problem}", flush=True)
            failed += bool(problems)
            if lab is None and step is not before:
                break
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--id", default="prometheus", help="the lab's id")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    options = parser.parse_args()
    for program in ("promtool", "prometheus"):
        if shutil.which(program) is None:
            print(f"FAILED: {program} is missing; packaging/setup installs it")
            return 1
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
