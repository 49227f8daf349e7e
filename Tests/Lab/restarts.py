# SPDX-License-Identifier: Apache-2.0
"""Things that end and come back, in several orders: afterwards what is believed is what is true,
and nothing false was said meanwhile."""

import time

import demo

# What may truly be said while something is down: kinds by what was restarted.
TRUE_MEANWHILE = {
    "agent": {"agent-silent"},
    "collector": set(),
    "bird": {"bird-unreachable", "session-down", "switch-route-missing", "ltm-cidr-down"},
    # A read in which a session changed is thrown away; on a busy machine that befalls several in a row.
    "bgpd": {"session-down", "source-unreadable"},
}


def agent(identity):
    demo.lab(identity, "podpath", "kill", "agent", "n2")
    time.sleep(1)
    demo.lab(identity, "podpath", "start", "agent", "n2")


def agents_gently(identity):
    demo.lab(identity, "podpath", "stop", "agents")
    time.sleep(1)
    demo.lab(identity, "podpath", "start", "agents")


def collector(identity):
    demo.lab(identity, "podpath", "kill", "collector")
    demo.lab(identity, "podpath", "start", "collector")


def bird(identity):
    demo.lab(identity, "fault", "bird-restart")


def bgpd(identity):
    demo.lab(identity, "fault", "bgpd-restart")


def story(identity, running, actions, allowed):
    """Does the actions, waits for health, and gives what was said that was not true."""
    seen = len(running.transitions())
    for action in actions:
        action(identity)
        time.sleep(0.5)
    demo.wait("a healthy lab after restarts", demo.RESOLVE, running.is_well)
    time.sleep(demo.AFTERWARDS)
    return [
        f"said: {alert['transition']} {alert['kind']} {alert['summary']}"
        for alert in running.transitions()[seen:]
        if alert["kind"] not in allowed
    ]


def cases(identity, running):
    orders = [
        ("an agent killed and started again", [agent], TRUE_MEANWHILE["agent"]),
        ("agents stopped gently and started again say nothing", [agents_gently], set()),
        ("the collector killed and started again says nothing", [collector], set()),
        ("BIRD restarted", [bird], TRUE_MEANWHILE["bird"]),
        ("a switch's bgpd restarted", [bgpd], TRUE_MEANWHILE["bgpd"]),
        ("everything restarted, one way", [agent, collector, bird, bgpd], set().union(*TRUE_MEANWHILE.values())),
        ("everything restarted, the other way", [bgpd, bird, collector, agent], set().union(*TRUE_MEANWHILE.values())),
    ]
    return [
        (name, lambda actions=actions, allowed=allowed: story(identity, running, actions, allowed))
        for name, actions, allowed in orders
    ]
