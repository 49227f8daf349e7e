# SPDX-License-Identifier: Apache-2.0
"""What one case breaks and mends, and which roots it hears of: each as often as it began to be one, and nothing else.

A root is a kind and its whole subject, so that one more or less of either is noticed. An incident goes from its
opening to its end; its root may move while it stands.
"""

import collections
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
        self.seen = len(collector.transitions())
        # What stands now, and how often each root began to: so often it is told.
        self.now, self.times = [], collections.Counter()

    # Doing

    def breaks(self, name, node=None):
        """The root that this fault is when it comes alone."""
        words = ["--node", node] if node else []
        event = json.loads(self.command("fault", name, *words, "--json"))
        return root(event["kind"], **event["subject"])

    def mends(self, name):
        self.command("mend", name)

    def program(self, action, *what):
        self.command("podpath", action, *what)

    def command(self, *words):
        return demo.lab(self.identity, *words)

    # Hearing

    def alerts(self):
        return self.collector.transitions()[self.seen:]

    def told(self):
        """All that was told of each incident; one that was over and begins again is another, though of that name."""
        incidents, open_now = [], {}
        for alert in self.alerts():
            if alert["id"] not in open_now:
                incidents.append([])
                open_now[alert["id"]] = incidents[-1]
            open_now[alert["id"]].append(alert)
            if alert["transition"] == "resolved":
                del open_now[alert["id"]]
        return incidents

    def standing(self):
        return sorted(roots(alerts)[-1] for alerts in self.told() if alerts[-1]["transition"] != "resolved")

    def stands(self, *wanted, seconds=None, within=demo.RESOLVE):
        """These and no others, as soon as it may be, and still so after some seconds."""
        wanted = sorted(wanted)
        self.times.update(each for each in wanted if each not in self.now)
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
        """All is mended: it resolves, and each root was told as often as it began."""
        self.stands()
        demo.wait("health", demo.RESOLVE, self.collector.is_well)
        time.sleep(demo.AFTERWARDS)
        return self.wrong()

    def wrong(self):
        told = collections.Counter(each for alerts in self.told() for each in self.counted(roots(alerts)))
        problems = [f"told {told[each]} times, not {self.times[each]}: {words([each])}"
                    for each in sorted(told | self.times) if told[each] != self.times[each]]
        return [*problems, "all that was told:" + self.history()] if problems else []

    def counted(self, found):
        """What grew into its cause, as when a switch is first unreadable, then gone, is not what it was at first."""
        return [each for each in found[:-1] if each in self.times] + found[-1:]

    def ends_as_one(self):
        """One incident of which the root moved: nothing was called over while something was broken."""
        self.stands()
        if len(self.told()) != 1:
            raise demo.DemoError(f"{len(self.told())} incidents, not one" + self.history())

    def history(self):
        return "".join(f"\n  {line(alert)}" for alert in self.alerts())

    def record(self, name):
        """For the matrix: the kinds that were to be named, and what was told."""
        matrix.record(name, [kind for kind, _ in self.times], self.alerts())


def root(kind, **subject):
    """In a form that can be compared: the kind, and the subject's parts in order."""
    return kind, tuple(sorted((key, value) for key, value in subject.items() if value))


def roots(alerts):
    """Of one incident, in the order in which they were told."""
    found = []
    for alert in alerts:
        each = root(alert["kind"], **alert["subject"])
        if alert["transition"] != "resolved" and each not in found[-1:]:
            found.append(each)
    return found


def words(found):
    return "; ".join(" ".join([kind, *(f"{key}={value}" for key, value in subject)]) for kind, subject in found) or "nothing"


def line(alert):
    at = alert["resolvedAt"] if alert["transition"] == "resolved" else alert["firedAt"]
    subject = " ".join(f"{key}={value}" for key, value in alert["subject"].items() if value)
    return f"{at} {alert['transition']} {alert['severity']} {alert['kind']} {subject}: {alert['summary']}"
