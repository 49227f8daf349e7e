# SPDX-License-Identifier: Apache-2.0
"""How the collector has behaved towards the BIG-IP so far, as the emulator counted it."""

import json
import socket


def asked(running):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(str(running.alerts.parent / "ltm" / "control.sock"))
        control.sendall(b'{"state":true}\n')
        return json.loads(control.makefile().readline())["counters"]


def one_at_a_time(running):
    counters = asked(running)
    problems = []
    if counters["requests"] < 50:
        problems.append(f"only {counters['requests']} requests: this proves nothing")
    for name, most in (("maxInFlight", 1), ("logins", 1), ("basic", 0), ("writes", 0), ("refusedLogins", 0)):
        if counters[name] > most:
            problems.append(f"{name} is {counters[name]}, at most {most} is polite")
    return problems


def cases(identity, running):
    return [("the BIG-IP saw one request at a time, one login, no write", lambda: one_at_a_time(running))]
