# SPDX-License-Identifier: Apache-2.0
"""What operators say, and what they ask of the past: by the command line, as they do."""

import datetime
import json
import pathlib
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import demo
from state import REPOSITORY

KIND, NODE, PREFIX = "kernel-route-missing", "n3", "10.16.2.0/24"
SILENT_FOR = 4
# What the page sends with all it writes.
MARK = {"x-podpath-page": "1"}


def command(collector, *words, expect=(0,)):
    """A command of the collector's program; what it prints."""
    program = REPOSITORY / ".build/debug/podpath-collector"
    done = subprocess.run([program, *words, "--url", collector.url], capture_output=True, text=True, timeout=30)
    if done.returncode not in expect:
        raise demo.DemoError(f"{' '.join(words)}: exit {done.returncode} {done.stderr.strip()}")
    return done.stdout


def told(collector, seen):
    return [f"{alert['transition']} {alert['kind']}" for alert in collector.transitions()[seen:]]


def silence(identity, collector):
    """Nothing of what is silenced is told, until the silence ends."""
    seen = len(collector.transitions())
    added = json.loads(command(collector, "silence", "add", "--node", NODE, "--for", "10m",
                               "--comment", "a new disk", "--author", "ann", "--json"))
    demo.lab(identity, "fault", KIND, "--node", NODE)
    problems = []
    demo.wait("the incident", demo.READY, collector.firing)
    time.sleep(SILENT_FOR)
    if told(collector, seen):
        problems.append(f"told in spite of the silence: {told(collector, seen)}")
    if added["id"] not in collector.firing()[0].get("silences", []):
        problems.append("the incident does not say that it is silenced")
    command(collector, "silence", "expire", added["id"])
    demo.wait("told", demo.READY, lambda: told(collector, seen) == [f"opened {KIND}"])
    command(collector, "silence", "ack", collector.firing()[0]["id"], "--for", "1h", "--comment", "seen")
    demo.lab(identity, "mend", KIND, "--node", NODE)
    demo.wait("resolved", demo.READY, lambda: told(collector, seen) == [f"opened {KIND}", f"resolved {KIND}"])
    if added["id"] in command(collector, "silence", "list"):
        problems.append("an expired silence is listed as if it were in force")
    return problems


def past(identity, collector):
    """The way as it was, after it has been mended."""
    before = moment()
    time.sleep(2)
    demo.lab(identity, "fault", KIND, "--node", NODE)
    demo.wait("told", demo.READY, collector.firing)
    time.sleep(2)
    broken = moment()
    demo.lab(identity, "mend", KIND, "--node", NODE)
    demo.wait("health", demo.RESOLVE, collector.is_well)
    # Moments are asked for in whole seconds, and changes are written within one or two.
    time.sleep(3)
    problems = []
    for at, verdict, code in [(before, "ok", 0), (broken, KIND, 1), (moment(), "ok", 0)]:
        document = json.loads(command(collector, "trace", PREFIX, "--at", at, "--json", expect=(code,)))
        if [path["verdict"] for path in document["paths"]] != [verdict]:
            problems.append(f"at {at}: {document['paths']}")
    return problems


def moment():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def backup(_, collector):
    """One file that holds the incidents, written while the collector writes."""
    configuration = collector.alerts.parent / "collector.yaml"
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "copy.sqlite"
        subprocess.run([REPOSITORY / ".build/debug/podpath-collector", "backup", "--config", configuration,
                        "--to", copy], check=True, timeout=60)
        count = sqlite3.connect(copy).execute("SELECT count(*) FROM path").fetchone()[0]
    return [] if count >= 6 else [f"{count} ways in the copy"]


def refusals(_, collector):
    """Another site's page may write nothing, and what is not understood changes nothing."""
    body = {"match": {"node": NODE}, "author": "eve", "comment": "c", "endsAt": "2999-01-01T00:00:00Z"}
    plain = {"content-type": "application/json"}
    attempts = [
        (403, plain | {"origin": "https://elsewhere.example"}, body),
        (403, plain | {"sec-fetch-site": "cross-site"}, body),
        # Of the page itself, but without its mark; with it, but by a name that somebody made to lead here.
        (403, plain | {"origin": collector.url, "sec-fetch-site": "same-origin"}, body),
        (403, plain | MARK | {"origin": "https://elsewhere.example"}, body),
        (403, plain | MARK | {"origin": "http://elsewhere.example:10480", "host": "elsewhere.example:10480"}, body),
        (403, plain | MARK | {"origin": collector.url, "sec-fetch-site": "cross-site"}, body),
        (415, MARK | {"origin": collector.url, "content-type": "text/plain"}, body),
        (400, plain | MARK | {"origin": collector.url, "sec-fetch-site": "same-origin"}, body),
        (415, {"content-type": "text/plain"}, body),
        (400, plain, body), (400, plain, {}), (400, plain, body | {"match": {"nod": "n3"}}),
    ]
    problems = [f"{status} is {answer}: {headers} {content}" for status, headers, content in attempts
                if (answer := post(collector, headers, content)) != status]
    known = [each for each in collector.get("/api/v1/silences")["silences"] if each["author"] == "eve"]
    return problems + [f"taken: {each}" for each in known]


def post(collector, headers, content):
    request = urllib.request.Request(collector.url + "/api/v1/silences", json.dumps(content).encode(), headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def cases(identity, collector):
    return [
        ("operators: what is silenced is told when the silence ends", lambda: silence(identity, collector)),
        ("operators: the way as it was", lambda: past(identity, collector)),
        ("operators: a backup", lambda: backup(identity, collector)),
        ("operators: nobody else writes", lambda: refusals(identity, collector)),
    ]
