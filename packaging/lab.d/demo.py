# SPDX-License-Identifier: Apache-2.0
"""The demonstration: build, raise the lab, show every pod CIDR good, break one thing, read the
alert, mend, read the resolve, take the lab down.

It knows the lab by its command and podpath by its alerts and its API alone, as a person would.
Exit 0 only if the right kind was named for the right subject, nothing else fired, and it resolved.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAB = ROOT / "packaging" / "lab"
DEFAULT_FAULT = "kernel-route-missing"

# How long each thing may take before the demonstration gives up; all generous for a slow machine.
READY = 240
# The longest hold is a monitor's time-out and a read; a lost hold timer takes 9 s.
ALERT = 180
RESOLVE = 240
# What is looked at after the alert and after the resolve, for anything that should not be there.
AFTERWARDS = 6


class DemoError(Exception):
    """Why the demonstration cannot go on, in one line."""


class Story:
    """Tells what happens, to people or to programs."""

    def __init__(self, as_json):
        self.as_json = as_json

    def tell(self, event, text="", **details):
        if self.as_json:
            now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
            line = {"at": now.replace("+00:00", "Z"), "event": event, **details}
            if text:
                line["text"] = text
            print(json.dumps(line), flush=True)
        elif text:
            print(text, flush=True)


def lab(identity, *words, check=True):
    """Runs a lab command and gives what it printed."""
    command = [LAB, "--id", identity, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            printed, complaint = process.communicate()
        except BaseException:
            # Told to end, not killed: a lab that is half raised is taken down by who raises it.
            process.terminate()
            raise
    if check and process.returncode != 0:
        reason = (complaint or printed).strip().splitlines()
        raise DemoError(f"lab {' '.join(words)}: {reason[-1] if reason else process.returncode}")
    return printed


def status(identity):
    """Where the lab is, and how it is: just raised, or with a unit that is new, it need not be well yet."""
    return json.loads(lab(identity, "status", "--json", check=False))


def build(story):
    for product in ("podpath-agent", "podpath-collector"):
        story.tell("build", f"building {product} (the first time takes some minutes)", product=product)
        command = ["swift", "build", "--product", product]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        follow(story, process)


def follow(story, process):
    """Shows the build's progress: every tenth step to people, one event in ten seconds to programs."""
    last, told, lines = "", 0.0, []
    for line in process.stdout:
        line = line.strip()
        lines = (lines + [line])[-20:]
        if line.startswith("[") and line != last:
            last = line
            if story.as_json and time.monotonic() - told > 10:
                told = time.monotonic()
                story.tell("progress", line)
            elif not story.as_json and sys.stdout.isatty():
                print(f"\r\033[K  {line[:100]}", end="", flush=True)
    if not story.as_json and sys.stdout.isatty():
        print("\r\033[K", end="")
    if process.wait() != 0:
        raise DemoError("the build failed:\n" + "\n".join(lines))


class Collector:
    """The running collector, asked over its API."""

    def __init__(self, status):
        self.url = status["page"].rstrip("/")
        self.alerts = pathlib.Path(status["state"]) / "alerts.jsonl"

    def get(self, path):
        # The lab is on this machine: no proxy stands between.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def paths(self):
        return self.get("/api/v1/paths")["paths"]

    def firing(self):
        return self.get("/api/v1/incidents?state=firing")["incidents"]

    def is_well(self):
        try:
            paths = self.paths()
            sources = self.get("/api/v1/sources")["sources"]
            incidents = self.get("/api/v1/incidents?state=pending,firing")["incidents"]
        except (OSError, ValueError, KeyError):
            return False
        return (
            len(paths) == 6
            and all(path["verdict"] == "ok" for path in paths)
            and all(source["state"] == "ok" for source in sources)
            and not incidents
            and not self.untold()
        )

    def untold(self):
        """Incidents that the collector calls resolved and whose resolve has not left it yet: whoever looks at
        the alerts from now on must not take it for theirs."""
        last = {alert["id"]: alert["transition"] for alert in self.transitions()}
        opened = {identity for identity, transition in last.items() if transition != "resolved"}
        # Of those that another collector told before it was killed nothing more will come.
        resolved = self.get("/api/v1/incidents?state=resolved")["incidents"] if opened else []
        return opened & {incident["id"] for incident in resolved}

    def transitions(self):
        """Every alert that left the collector, in order."""
        with contextlib.suppress(OSError):
            return [json.loads(line) for line in self.alerts.read_text().splitlines() if line]
        return []


def wait(what, limit, condition):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise DemoError(f"{what}: not within {limit} s")


def show(story, collector):
    for path in collector.paths():
        marks = " ".join(f"{stage['stage']}:{stage['state']}" for stage in path["stages"])
        story.tell("path", f"  {path['prefix']:15} {path['node']:3} {path['verdict']:27} {marks}", path=path)


def matches(alert, expected):
    """The right kind for the right subject: every part that is expected, and of that value."""
    subject = alert["subject"]
    return alert["kind"] == expected["kind"] and all(
        subject.get(key) == value for key, value in expected["subject"].items()
    )


def break_and_mend(story, identity, collector, fault):
    seen = len(collector.transitions())
    story.tell("fault", f"breaking: {fault}", kind=fault)
    expected = json.loads(lab(identity, "fault", fault, "--json"))
    broken = time.time()
    opened = wait(
        f"an alert for {fault}", ALERT, lambda: opened_alert(collector, seen, expected["kind"])
    )
    story.tell("alert", f"  {opened['severity'].upper()} {opened['summary']}", incident=opened,
               secondsAfterFault=seconds_after(opened["firedAt"], broken))
    time.sleep(AFTERWARDS)
    story.tell("mend", f"mending: {fault}")
    lab(identity, "mend", fault)
    resolved = wait("the resolve", RESOLVE, lambda: resolved_alert(collector, seen, opened["id"]))
    story.tell("resolved", f"  RESOLVED {resolved['summary']}", incident=resolved)
    wait("a healthy lab after mending", RESOLVE, collector.is_well)
    time.sleep(AFTERWARDS)
    return verdict(opened, expected, collector.transitions()[seen:])


def seconds_after(moment, since):
    then = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    return round(then - since, 3)


def opened_alert(collector, seen, kind):
    # What is opened may grow into its cause, as when a switch is first unreadable, then gone.
    fresh = [alert for alert in collector.transitions()[seen:] if alert["transition"] in ("opened", "changed")]
    return next((alert for alert in fresh if alert["kind"] == kind), None) or (
        # A wrong kind is an answer too: there is nothing more to wait for.
        fresh[0] if len(fresh) > 1 else None
    )


def resolved_alert(collector, seen, identity):
    return next(
        (
            alert
            for alert in collector.transitions()[seen:]
            if alert["transition"] == "resolved" and alert["id"] == identity
        ),
        None,
    )


def verdict(opened, expected, transitions):
    """What is wrong with how it went; nothing if all is well."""
    problems = []
    if not matches(opened, expected):
        problems.append(f"named {opened['kind']} {opened['subject']}, expected {expected}")
    for alert in transitions:
        if alert["id"] != opened["id"]:
            problems.append(f"{alert['transition']} {alert['kind']} {alert['subject']} fired too")
    return problems


def run(story, options):
    build(story)
    story.tell("lab", "raising the lab: six nodes, two switches, a load balancer")
    lab(options.id, "down", check=False)
    lab(options.id, "up")
    lab(options.id, "podpath", "start", "all")
    collector = Collector(status(options.id))
    wait("every stage of every pod CIDR good", READY, collector.is_well)
    story.tell("healthy", "every pod CIDR reaches the load balancer:")
    show(story, collector)
    problems = break_and_mend(story, options.id, collector, options.fault)
    show(story, collector)
    if options.keep:
        story.tell("kept", f"the lab is up: {collector.url}/   packaging/lab --id {options.id} down", url=collector.url)
    return problems


def parse():
    parser = argparse.ArgumentParser(prog="packaging/demo", description="podpath at work, on this machine.")
    parser.add_argument("--keep", action="store_true", help="leave the lab running, with the page's address")
    parser.add_argument("--fault", default=DEFAULT_FAULT, metavar="KIND", help=f"what to break ({DEFAULT_FAULT})")
    parser.add_argument("--list", action="store_true", help="list the faults")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--id", default="demo", help="the lab's id (demo)")
    return parser.parse_args()


def main():
    options = parse()
    if options.list:
        return subprocess.run([LAB, "list"]).returncode
    known = [line.split()[0] for line in lab(options.id, "list").splitlines() if line.strip()]
    if options.fault not in known:
        print(f"podpath: no fault {options.fault!r}; see packaging/demo --list", file=sys.stderr)
        return 2
    story = Story(options.json)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        problems = run(story, options)
    except DemoError as error:
        problems = [str(error)]
    except KeyboardInterrupt:
        problems = ["interrupted"]
    finally:
        if not options.keep:
            lab(options.id, "down", check=False)
    for problem in problems:
        story.tell("problem", f"PROBLEM: {problem}", reason=problem)
    ok = not problems
    story.tell("result", "ok" if ok else "not ok", ok=ok, fault=options.fault, problems=problems)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
