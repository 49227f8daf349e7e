# SPDX-License-Identifier: Apache-2.0
"""One lane of the suite: a process with a lab of its own, which does the cases that it is given."""

import contextlib
import functools
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass

import api
import attacks
import cluster
import combinations
import demo
import identities
import matrix
import operators
import page
import politeness
import restarts
import switches
import typed
import units
from state import NOT_MADE, Lab

# Long enough for every poll, and for the monitors, to meet what is broken or mended; a demonstration waits longer.
demo.AFTERWARDS = 3.5

MODULES = (units, switches, cluster, restarts, operators, combinations, attacks, identities, api, page)
RAISED = "every stage of every pod CIDR becomes good"
# Words of the cases that take longest, half a minute and more: begun first, none is waited for at the end.
LONG = ("restarts for a minute", "uplinks down", "gone for 75 s", "failover in the middle", "switch-gone", "alone", "bgpd-hung")


@dataclass
class Result:
    name: str
    took: float
    problems: list
    # Whether the lane can do another.
    goes_on: bool = True


# A fault that must be over before two reads saw it: how long it lasts depends on what else the machine does.
TIMED = ("switch-route-flapping",)


# What there is to do. A case must not need one that came before: it may have been another lane's.


@functools.cache
def listed_faults():
    """What each fault is to be named, by its own name."""
    return {event["fault"]: event["kind"] for event in map(json.loads, demo.lab("suite", "list", "--json").splitlines())}


def fault(identity, collector, kind):
    story = typed.Story(identity)
    seen, is_made = len(collector.transitions()), True
    try:
        return demo.break_and_mend(story, identity, collector, kind) + story.problems
    except demo.DemoError as error:
        is_made = NOT_MADE not in str(error)
        raise
    finally:
        if is_made:
            matrix.record(f"fault {kind}", [listed_faults()[kind]], collector.transitions()[seen:])


def kinds(options):
    return options.only or ([] if options.cases else list(listed_faults()))


def faults(identity, collector, chosen_kinds):
    for kind in chosen_kinds:
        yield f"fault {kind}", lambda kind=kind: fault(identity, collector, kind)


def cases(identity, collector, options):
    """Done by any lane beside the others."""
    yield from faults(identity, collector, [kind for kind in kinds(options) if kind not in TIMED])
    for module in MODULES:
        yield from chosen(module.cases(identity, collector), options)


def quiet(identity, collector, options):
    """Done when no other lab is up. They count what podpath asks for within seconds, and hear whether it says
    anything though nothing is broken: a machine that is busy with other labs would have it ask less than it
    does, and might be the reason for what it says."""
    yield from faults(identity, collector, [kind for kind in kinds(options) if kind in TIMED])
    for module in (politeness, switches, cluster):
        yield from chosen(module.quiet(identity, collector), options)
    yield from chosen([(f"a calm of {options.calm} s says nothing", lambda: calm(collector, options.calm))], options)


def closing(identity, collector, options):
    """Done by every lane at its end: they look back upon all that its lab went through."""
    return chosen(units.closing(identity, collector), options)


def chosen(offered, options):
    if options.only and not options.cases:
        return []
    return [case for case in offered if any(word in case[0] for word in options.cases or [""])]


def names(options):
    """The cases for any lane, long ones first, and the quiet ones; for their names alone no lab is needed."""
    nowhere = "suite", demo.Collector({"page": "", "state": ""}), options
    known = [name for name, _ in cases(*nowhere)]
    known.sort(key=lambda name: next((place for place, word in enumerate(LONG) if word in name), len(LONG)))
    return known, [name for name, _ in quiet(*nowhere)]


def calm(collector, seconds):
    """Nothing is broken, so nothing may be said."""
    seen = len(collector.transitions())
    began = time.monotonic()
    try:
        while time.monotonic() < began + seconds:
            time.sleep(1)
            if not collector.is_well():
                return [f"not well in calm: {[p for p in collector.paths() if p['verdict'] != 'ok']}"]
        return [f"said in calm: {a['transition']} {a['summary']}" for a in collector.transitions()[seen:]]
    finally:
        matrix.record("calm", [], collector.transitions()[seen:], seconds=time.monotonic() - began)


# Doing it


class Lane:
    def __init__(self, identity, options):
        self.identity, self.options, self.collector = identity, options, None

    def up(self):
        """Without a collector until it is well."""
        self.collector = None
        demo.lab(self.identity, "down", check=False)
        demo.lab(self.identity, "up")
        demo.lab(self.identity, "podpath", "start", "all")
        collector = demo.Collector(demo.status(self.identity))
        demo.wait("health", demo.READY, collector.is_well)
        self.collector = collector

    def down(self):
        """A word only if it does not go: nothing may be left."""
        if not Lab(self.identity).directory.is_dir():
            return None
        result = self.do("the lab is taken down", lambda: demo.lab(self.identity, "down") and [])
        return result if result.problems else None

    def do(self, name, action):
        began = time.monotonic()
        try:
            problems = action() or []
        except demo.DemoError as error:
            problems = [str(error)]
        except Exception:  # a broken case must not hide the others
            problems = [traceback.format_exc()]
        took = time.monotonic() - began
        if problems and self.collector:
            problems += self.recover()
        return Result(name, took, problems, goes_on=self.collector is not None)

    def recover(self):
        """What failed must not fail the next: all is mended, and if that is not enough the lab is another."""
        demo.lab(self.identity, "mend", "all", check=False)
        demo.lab(self.identity, "podpath", "start", "all", check=False)
        told = []
        try:
            demo.wait("a healthy lab", demo.RESOLVE, self.collector.is_well)
        except demo.DemoError as error:
            told = [f"afterwards: {error}; the lab is raised anew"]
        try:
            if told:
                self.up()
        except demo.DemoError as error:
            told.append(f"and it is not raised: {error}")
        return told

    def known(self):
        """Of the lab as it is now: name to action."""
        place = self.identity, self.collector, self.options
        return {**dict(cases(*place)), **dict(quiet(*place))}

    def run(self, pipe):
        """Tells each result, and takes a name for it, until there is none."""
        pipe.send(self.do(RAISED, self.up))
        while self.collector and (name := pipe.recv()):
            pipe.send(self.do(name, self.known()[name]))
        for name, action in closing(self.identity, self.collector, self.options) if self.collector else []:
            pipe.send(self.do(name, action))


def work(identity, pipe, options):
    """The lane's process. The terminal's signals go to the suite, which ends its lanes."""
    os.setsid()
    signal.signal(signal.SIGTERM, end)
    lane = Lane(identity, options)
    try:
        # Without the suite there is nobody to work for.
        with contextlib.suppress(EOFError, OSError):
            lane.run(pipe)
    finally:
        # The lab's end is not cut short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lane.collector = None
        if not options.keep and (complaint := lane.down()):
            with contextlib.suppress(OSError):
                pipe.send(complaint)


def end(*_):
    sys.exit(143)
