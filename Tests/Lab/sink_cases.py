# SPDX-License-Identifier: Apache-2.0
"""The cases of sinks.py. A group is one thing that happens, and one case for each sink that is looked at afterwards."""

import collections
import json
import re
import time
import urllib.parse
from dataclasses import dataclass
from typing import Callable

import demo
import receivers
import sink_table

NODE, OTHER_NODE = "n3", "n4"
FIRST, ROOT = "not-exported", "kernel-route-missing"
# One cause at many nodes would be one incident.
STORM = ((ROOT, "n1"), (FIRST, "n2"), ("bird-route-missing", "n3"), ("bird-config-drift", "n4"), (ROOT, "n5"),
         (FIRST, "n6"))
# The kind of a sink that takes nothing, which the others are told; and what counts what waits for one.
DEAD, WAITING = "sink-failing", "podpath_sink_waiting"
# How long what was told may be on its way, on a slow machine; and after an outage, where a back-off of up to 72 s, a
# bucket of twelve a minute, and what a homeserver asks for stand between.
ARRIVES, ARRIVES_LATE = 60, 200
# What may come twice comes with the retry after next; an Alertmanager's group interval and its peer's place are less.
AFTERWARDS = 8
# One try, and one more for an answer that may have been misread, for each of the transitions.
TRIES = 2


@dataclass
class Group:
    names: list
    # Name of a case to what is wrong; nothing if all is well.
    problems: Callable


def groups(bench):
    common = [sink for sink in bench.site.sinks if not sink.is_special]
    for made in (real, notify_test, once, killed, outage, storm, permanent, dead, only, ways, secrets):
        yield from made(bench, common)


def per_sink(bench, sinks, title, happens, look, *, rests=False, limit=ARRIVES):
    """`happens()` gives what was begun; `look(sink, told, that)` what is wrong with a sink, and is asked until nothing
    is. A group that breaks sinks rests afterwards."""
    names = {sink.name: f"{sink.name}: {title}" for sink in sinks}

    def problems():
        since = {sink.name: len(sink.read(bench.site)) for sink in sinks}
        expected = happens()

        def see(sink):
            return look(sink, sink.read(bench.site)[since[sink.name]:], expected)

        found = settled({names[sink.name]: lambda sink=sink: see(sink) for sink in sinks}, limit)
        if rests:
            rest(bench)
        return found
    return Group(list(names.values()), problems) if sinks else Group([], dict)


def settled(looks, limit):
    """Looks until nothing is wrong any more, then once again after a while: what comes too much comes late."""
    deadline, waiting = time.monotonic() + limit, dict(looks)
    while waiting and time.monotonic() < deadline:
        waiting = {name: look for name, look in waiting.items() if look()}
        time.sleep(0.5)
    time.sleep(AFTERWARDS)
    return {name: look() for name, look in looks.items()}


def transitions(bench, seen):
    """What left the collector by the file, the one sink that cannot fail here: (transition, kind, node)."""
    return [(alert["transition"], alert["kind"], alert["subject"].get("node"))
            for alert in bench.collector.transitions()[seen:] if alert["kind"] != DEAD]


def is_network_well(bench):
    """Whatever becomes of sinks."""
    try:
        return (all(path["verdict"] == "ok" for path in bench.collector.paths())
                and all(incident["kind"] == DEAD for incident in bench.collector.firing()))
    except (OSError, ValueError, KeyError):
        return False


def rest(bench):
    """Nothing is open and nothing waits, so that what comes afterwards is the next case's. A collector that begins
    anew tries at once what another has been putting off."""
    bench.site.chats.heal()
    bench.kill()
    bench.start()
    demo.wait("everything delivered", demo.READY + ARRIVES_LATE, lambda: is_idle(bench))
    time.sleep(AFTERWARDS)


def is_idle(bench):
    """Twice, for what is resolved has yet to be delivered."""
    return all(bench.collector.is_well() and waiting(bench) == 0 for _ in range(2))


def waiting(bench):
    return sum(float(line.split()[-1]) for line in page(bench, "/metrics").splitlines() if line.startswith(WAITING))


def page(bench, path):
    return receivers.text(bench.collector.url + path)


# What happens


STANDS = 2


def tale(bench, between=lambda _: None):
    """Opened, changed, resolved, of one node; `between(step)` is called after each has left the collector."""
    seen = len(bench.collector.transitions())
    steps = ((lambda: bench.fault(FIRST, NODE), ("opened", FIRST, NODE)),
             (lambda: bench.fault(ROOT, NODE), ("changed", ROOT, NODE)),
             (lambda: (bench.mend(FIRST, NODE), bench.mend(ROOT, NODE)), None))
    for number, (act, told) in enumerate(steps):
        act()
        demo.wait(f"{told or 'the end'}", demo.ALERT + demo.RESOLVE,
                  lambda told=told: is_told(transitions(bench, seen), told))
        # An Alertmanager, which waits half a second for more of a group, tells nothing of what is over by then.
        time.sleep(STANDS)
        between(number)
    demo.wait("a healthy network", demo.RESOLVE, lambda: is_network_well(bench))
    return transitions(bench, seen)


def is_told(told, wanted):
    return wanted in told if wanted else bool(told) and told[-1][0] == "resolved"


# What is looked at


def in_order(sink, told, expected):
    """What the file was told this sink was told too, each once and in that order, and nothing else."""
    told = of_network(told)
    problems = notes(told)
    if sink.name == "am":
        return problems + as_alerts(told, expected)
    heard = [each.transition for each in told]
    wanted = [each[0] for each in expected]
    if heard != wanted:
        problems.append(f"told {heard}, the file {wanted}")
    problems += [f"{each.transition} does not speak of {NODE}" for each in told if not each.speaks_of(NODE)]
    is_chinese = "language: zh" in sink.options
    problems += [f"in another language: {each.text[:80]!r}" for each in told
                 if bool(re.search("[\u4e00-\u9fff]", each.text)) != is_chinese]
    if sink.name == "pd" and len({each.body.get("dedup_key") for each in told}) > 1:
        problems.append("several keys for one incident")
    return problems


def of_network(told):
    """Without what was told of other sinks alone."""
    return [each for each in told if not each.speaks_of(DEAD) or each.speaks_of(NODE)]


def notes(told):
    return [f"{note}: {each.text[:80]}" for each in told for note in each.notes]


def as_alerts(told, expected):
    """Of each set of labels one beginning and one end; the kinds are those that were told."""
    by_label = collections.defaultdict(list)
    for each in told:
        by_label[json.dumps(each.body["labels"], sort_keys=True)].append(each.transition)
    problems = [f"{labels} was told {heard}" for labels, heard in by_label.items() if heard != ["opened", "resolved"]]
    kinds = {kind for _, kind, _ in expected}
    unnamed = {kind for kind in kinds if not any(each.speaks_of(kind) for each in told)}
    return problems + [f"{kind} was never an alert" for kind in sorted(unnamed)]


def in_digest(sink, told, expected):
    """Of each that was told anywhere the last word is its end; messages may stand for several."""
    if sink.name == "am":
        return as_alerts(of_network(told), expected)
    problems = notes(told)
    for node in sorted({node for _, _, node in expected}):
        about = [each for each in told if each.speaks_of(node)]
        heard = [each.transition for each in about]
        if not about:
            problems.append(f"nothing was told of {node}")
        elif not is_end(about[-1]):
            problems.append(f"{node}: the last is {about[-1].text[:100]!r}")
        elif len(heard) > len([1 for _, _, each in expected if each == node]):
            problems.append(f"{node}: told {heard}")
    return problems


def is_end(told):
    return told.transition == "resolved" or re.search(sink_table.WORDS[0][1], told.text)


# The cases


def real(bench, _):
    """The receivers themselves, without podpath: what they do not do they could not prove either."""
    names = ["am: two Alertmanagers tell once", "matrix: the room keeps what is said"]

    def problems():
        return {names[0]: pair(bench), names[1]: room(bench)}
    return [Group(names, problems)]


def pair(bench):
    site, read = bench.site, sink_table.read_alertmanager
    seen = len(read(site))
    alert = [{"labels": {"alertname": "probe", "node": "n0"}, "annotations": {"summary": "by hand"}}]
    for number in range(2):
        receivers.ask(site.alertmanagers.url(number) + "/alerts", alert)
    demo.wait("the Alertmanagers' word", demo.READY, lambda: read(site)[seen:])
    time.sleep(AFTERWARDS)
    past = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    for number in range(2):
        receivers.ask(site.alertmanagers.url(number) + "/alerts", [{**alert[0], "endsAt": past}])
    demo.wait("its end", demo.READY, lambda: read(site)[-1].transition == "resolved")
    time.sleep(AFTERWARDS)
    heard = [each.transition for each in read(site)[seen:]]
    return [] if heard == ["opened", "resolved"] else [f"told {heard}"]


def room(bench):
    matrix = bench.site.matrix
    place = f"/rooms/{urllib.parse.quote(matrix.room)}/send/m.room.message/by-hand"
    for _ in range(2):
        matrix.api("PUT", place, {"msgtype": "m.notice", "body": "by hand"})
    said = [each["body"] for each in matrix.messages() if each["body"] == "by hand"]
    return [] if len(said) == 1 else [f"one transaction's message stands {len(said)} times in the room"]


def once(bench, common):
    yield per_sink(bench, common, "opened, changed and resolved, once and in order", lambda: tale(bench), in_order)


def killed(bench, common):
    """When each sink had what was told: nothing may come again. And then with something on the way."""
    def restart(step):
        time.sleep(AFTERWARDS)
        bench.kill()
        bench.start()

    yield per_sink(bench, common, "the same over a collector that is killed", lambda: tale(bench, restart), in_order)
    stood_in = [sink for sink in common if sink.stand_in]

    def late():
        seen = len(bench.collector.transitions())
        bench.site.chats.fault({"kind": "status", "code": 503, "for": 600})
        bench.fault(FIRST, NODE)
        demo.wait("opened", demo.ALERT, lambda: is_told(transitions(bench, seen), ("opened", FIRST, NODE)))
        time.sleep(1)
        bench.kill()
        bench.site.chats.heal()
        bench.start()
        time.sleep(AFTERWARDS)
        bench.mend(FIRST, NODE)
        demo.wait("the end", demo.RESOLVE, lambda: is_told(transitions(bench, seen), None))
        return transitions(bench, seen)

    yield per_sink(bench, stood_in, "what waited for it when the collector was killed", late, in_order, rests=True)


def outage(bench, common):
    """Nobody is there while all of it happens."""
    def gone():
        site, began = bench.site, time.monotonic()
        site.chats.close_doors(3_600)
        site.alertmanagers.stop()
        site.matrix.stop()
        try:
            expected = tale(bench)
            time.sleep(max(0, began + bench.options.outage - time.monotonic()))
        finally:
            site.chats.close_doors(0)
            for number in range(len(receivers.ALERTMANAGERS)):
                site.alertmanagers.start_one(number)
            site.matrix.start_again()
        return expected

    def look(sink, told, expected):
        # An alert that began and ended while nobody was there may never be told by an Alertmanager: only what stands
        # counts there, and in the end nothing does.
        if sink.name == "am":
            return [f"still active: {each['labels']}" for number in range(2)
                    for each in bench.site.alertmanagers.alerts(number) if each["labels"]["kind"] != DEAD]
        return in_digest(sink, told, expected)

    title = f"gone for {bench.options.outage:.0f} s"
    yield per_sink(bench, common, title, gone, look, rests=True, limit=ARRIVES_LATE)


def too_fast(bench, sink):
    """By the stand-in's own word, or by what the homeserver answered."""
    if sink.stand_in:
        reasons = [each["reason"] for each in bench.site.chats.received(sink.name)["refused"]]
        return [reason for reason in reasons if "too fast" in reason]
    return [line for line in bench.log().splitlines() if f"sink {sink.name}:" in line and "M_LIMIT_EXCEEDED" in line]


def open_nodes(bench):
    return {incident["subject"].get("node") for incident in bench.collector.firing()}


def are_ended(told):
    """As many ends as beginnings of each node, whatever their incidents were called in between."""
    def count(what, node):
        return len([1 for transition, _, each in told if (transition, each) == (what, node)])
    return all(count("opened", node) == count("resolved", node) > 0 for _, node in STORM)


def storm(bench, common):
    """More at once than a robot may be sent; each node's word arrives, and the robot's limit is never met."""
    robots = [sink for sink in common if sink.name in ("ding", "wecom", "feishu", "matrix")]

    def happens():
        seen = len(bench.collector.transitions())
        for _ in range(2):
            for kind, node in STORM:
                bench.fault(kind, node)
            demo.wait("all open", demo.RESOLVE, lambda: {node for _, node in STORM} <= open_nodes(bench))
            for kind, node in STORM:
                bench.mend(kind, node)
            demo.wait("calm", demo.RESOLVE, lambda: is_network_well(bench))
        # What is over by the API may still be on its way to the file.
        demo.wait("every end told", demo.RESOLVE, lambda: are_ended(transitions(bench, seen)))
        return transitions(bench, seen)

    def look(sink, told, expected):
        return in_digest(sink, told, expected) + too_fast(bench, sink)

    title = "a storm becomes digests, and no limit is met"
    yield per_sink(bench, robots, title, happens, look, rests=True, limit=ARRIVES_LATE)


def permanent(bench, common):
    """What will never be taken is not sent again and again."""
    stood_in = [sink for sink in common if sink.stand_in]
    names = {sink.name: f"{sink.name}: what is refused for good is not tried for ever" for sink in stood_in}

    def problems():
        chats = bench.site.chats
        before = {sink.name: chats.received(sink.name)["asked"] for sink in stood_in}
        chats.fault(*({**sink.permanent, "sink": sink.name, "for": 3_000} for sink in stood_in))
        count = len(tale(bench))
        # The first retries of what is retried come within seconds.
        time.sleep(30)
        tried = {sink.name: chats.received(sink.name)["asked"] - before[sink.name] for sink in stood_in}
        # Each transition, and one word of the others that cannot be told.
        most = TRIES * count + len(stood_in)
        rest(bench)
        return {names[name]: [] if 0 < number <= most else [f"asked {number} times for {count} transitions"]
                for name, number in tried.items()}
    yield Group(list(names.values()), problems)


def dead(bench, common):
    """A sink that takes nothing is told of by those that do."""
    victims = [sink for sink in common if sink.name == "slack"]
    others = [sink for sink in common if sink.name not in ("slack", "am")] if victims else []

    def happens():
        bench.site.chats.fault({**victims[0].permanent, "sink": "slack", "for": 3_000})
        tale(bench)

    def look(_, told, __):
        return [] if any(each.speaks_of("slack") for each in told) else ["it was told nothing of slack"]

    title = "is told of a sink that is dead"
    yield per_sink(bench, others, title, happens, look, rests=True, limit=ARRIVES_LATE)


def only(bench, _):
    """`only:` of a node, a severity and a cluster together."""
    some = [sink for sink in bench.site.sinks if sink.name == "some"]

    def happens():
        for node in (NODE, OTHER_NODE):
            bench.fault(ROOT, node)
        demo.wait("both told", demo.ALERT, lambda: len(bench.collector.firing()) == 2)
        for node in (NODE, OTHER_NODE):
            bench.mend(ROOT, node)
        demo.wait("health", demo.RESOLVE, bench.collector.is_well)

    def look(_, told, __):
        heard = [(each.transition, each.body["subject"].get("node")) for each in told]
        return [] if heard == [("opened", OTHER_NODE), ("resolved", OTHER_NODE)] else [f"told {heard}"]

    yield per_sink(bench, some, "is told of one node alone", happens, look)


def ways(bench, _):
    """Through a proxy, in a tunnel of it, and over TLS that only the lab's authority vouches for."""
    sinks = [sink for sink in bench.site.sinks if sink.name in ("far", "tunnel", "private")]
    targets = {"far": "chat.example:80", "tunnel": f"{receivers.COLLECTOR}:443"}

    def look(sink, told, expected):
        passed = [each["target"] for each in bench.site.chats.control("GET", "/_passed")["passed"]]
        missing = sink.name in targets and targets[sink.name] not in passed
        return in_order(sink, told, expected) + (["the proxy saw nothing of it"] if missing else [])

    yield per_sink(bench, sinks, "by its own way", lambda: tale(bench), look)


def notify_test(bench, common):
    """Exit 0 when it was taken, 1 when it was not, and no secret in either's words."""
    names = {sink.name: f"{sink.name}: notify-test" for sink in common}

    def problems():
        return {names[sink.name]: notified(bench, sink) for sink in common}
    yield Group(list(names.values()), problems)


def notified(bench, sink):
    """PagerDuty hears of a test's beginning and of its end. Of an Alertmanager what both instances took is counted, and
    of what was over before they hear from the collector at any time."""
    def taken():
        return bench.site.alertmanagers.taken() if sink.name == "am" else len(sink.read(bench.site))

    seen, instances = taken(), {"am": len(receivers.ALERTMANAGERS), "pd": 2}.get(sink.name, 1)
    problems = notify(bench, sink, 0)
    came = taken() - seen
    if not problems and (came < instances or sink.name != "am" and came > instances):
        problems.append(f"{came:.0f} messages arrived")
    if sink.stand_in:
        bench.site.chats.fault({**sink.permanent, "sink": sink.name})
        problems += notify(bench, sink, 1)
        bench.site.chats.heal()
    return problems


def notify(bench, sink, code):
    done = bench.run("notify-test", sink.name, "--config", bench.lab.path("collector.yaml"))
    problems = leaks(bench, done.stdout + done.stderr)
    if done.returncode != code:
        problems.append(f"exit {done.returncode}, not {code}: {(done.stderr or done.stdout).strip()[:200]}")
    return problems


def secrets(bench, _):
    """After all of the above: whatever was written or can be asked for."""
    name = "no secret in the log, the API or the metrics"

    def problems():
        paths = "/metrics", "/api/v1/sources", "/api/v1/incidents?state=firing,pending,resolved"
        return {name: leaks(bench, bench.log(), "the log") + [
            problem for path in paths for problem in leaks(bench, page(bench, path), path)]}
    yield Group([name], problems)


def leaks(bench, text, where="what it printed"):
    return [f"a secret stands in {where}" for secret in bench.site.secrets()
            if secret in text or urllib.parse.quote(secret, safe="") in text]
