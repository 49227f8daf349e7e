# SPDX-License-Identifier: Apache-2.0
"""What one case breaks and mends, and which incidents it hears of: each root and nothing else, one incident for each
from its beginning to its end.

An incident is a kind and its whole subject, so that one more or less of either is noticed.
"""

import json
import time

import demo
import matrix
from state import Lab


class Tale:
    """A case: what it does, and what stands of what is told after each step."""

    def __init__(self, identity, collector):
        self.identity, self.collector = identity, collector
        self.lab = Lab(identity)
        self.seen = self.begun = len(collector.transitions())
        self.expected, self.now = [], []
        # How often each began to stand: so often it is told.
        self.times = {}

    # Doing

    def breaks(self, name, node=None):
        """The incident that this fault is when it comes alone."""
        words = ["--node", node] if node else []
        return incident_of(self.command("fault", name, *words, "--json"))

    def mends(self, name):
        self.command("mend", name)

    def program(self, action, *what):
        self.command("podpath", action, *what)

    def command(self, *words):
        return demo.lab(self.identity, *words)

    def forgets(self):
        """Another collector begins: of what the one before it told, nothing more comes."""
        self.now, self.times, self.seen = [], {}, len(self.collector.transitions())

    # Hearing

    def told(self):
        """Identity to all that was told of each incident of this collector's."""
        by_identity = {}
        for alert in self.collector.transitions()[self.seen:]:
            by_identity.setdefault(alert["id"], []).append(alert)
        return by_identity

    def standing(self):
        return sorted(name_of(alerts) for alerts in self.told().values() if alerts[-1]["transition"] != "resolved")

    def stands(self, *incidents, seconds=None, within=demo.RESOLVE):
        """These and no others, as soon as it may be, and still so after some seconds."""
        wanted = sorted(incidents)
        self.expected += [each for each in wanted if each not in self.expected]
        self.times.update({each: self.times.get(each, 0) + 1 for each in wanted if each not in self.now})
        self.now = wanted
        try:
            demo.wait("", within, lambda: self.standing() == wanted)
        except demo.DemoError:
            raise demo.DemoError(f"after {within} s stands {words(self.standing())}, expected {words(wanted)}"
                                 + self.history()) from None
        self.stays(demo.AFTERWARDS if seconds is None else seconds)

    def stays(self, seconds):
        """What is told of meanwhile and over again is found at the end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.2)
            if self.standing() != self.now:
                raise demo.DemoError(f"stands {words(self.standing())}, expected {words(self.now)}" + self.history())

    def ends(self):
        """All is mended: it resolves, each incident was one of those expected, and none was told twice."""
        self.stands()
        demo.wait("health", demo.RESOLVE, self.collector.is_well)
        time.sleep(demo.AFTERWARDS)
        return self.wrong()

    def wrong(self):
        """What was told and was not to be, or more often than it began."""
        names = [name_of(alerts) for alerts in self.told().values()]
        problems = [f"told {names.count(each)} times, not {self.times.get(each, 0)}: {words([each])}"
                    for each in sorted(set(names)) if names.count(each) != self.times.get(each, 0)]
        return [*problems, "all that was told:" + self.history()] if problems else []

    def history(self):
        return "".join(f"\n  {line(alert)}" for alert in self.collector.transitions()[self.begun:])

    def record(self, name):
        """For the matrix: the kinds that were to be named, and what was told."""
        matrix.record(name, [kind for kind, _ in self.expected], self.collector.transitions()[self.begun:])


def incident(kind, **subject):
    """In a form that can be compared: the kind, and the subject's parts in order."""
    return kind, tuple(sorted(subject.items()))


def incident_of(printed):
    event = json.loads(printed.splitlines()[0])
    return incident(event["kind"], **event["subject"])


def name_of(alerts):
    """As what it was known last: what is opened may grow into its cause."""
    last = [alert for alert in alerts if alert["transition"] != "resolved"] or alerts
    return incident(last[-1]["kind"], **{key: value for key, value in last[-1]["subject"].items() if value})


def words(incidents):
    return "; ".join(" ".join([kind, *(f"{key}={value}" for key, value in subject)])
                     for kind, subject in incidents) or "nothing"


def line(alert):
    at = alert["resolvedAt"] if alert["transition"] == "resolved" else alert["firedAt"]
    subject = " ".join(f"{key}={value}" for key, value in alert["subject"].items() if value)
    return f"{at} {alert['transition']} {alert['severity']} {alert['kind']} {subject}: {alert['summary']}"
