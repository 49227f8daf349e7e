#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Emulators of what alerts are sent to: the robots of DingTalk, WeCom and Feishu (Lark), the incoming webhooks of
Slack, Mattermost and Teams, PagerDuty's events, a webhook of somebody's own, and a forward proxy before them. Each
refuses what its vendor refuses, in the vendor's words. Standard library only; it prints no secret.

    chats.py --listen ADDRESS:PORT … --config FILE [--control ADDRESS:PORT] [--proxy ADDRESS:PORT]
             [--tls ADDRESS:PORT --certificate C --key K]

Once it listens it prints `chats: listening on ADDRESS:PORT, …`, `control`, `proxy` and `tls` likewise; port 0 picks
one. FILE is JSON:

    {"sinks": {"ding": {"vendor": "dingtalk", "token": …, "secret"?: …, "keyword"?: …},
               "wecom": {"vendor": "wecom", "key": …},
               "feishu": {"vendor": "feishu", "hook": …, "secret"?: …, "keyword"?: …},
               "slack": {"vendor": "slack", "hook": "T0/B0/x"},
               "mm": {"vendor": "mattermost", "hook": …},
               "teams": {"vendor": "teams", "workflow": "0a1b…", "sig": …},
               "pd": {"vendor": "pagerduty", "key": 32 characters},
               "hook": {"vendor": "webhook", "path": …, "token"?: …}},
     "hosts": {"chat.example:443": "127.0.0.1:8443"}}                  where the proxy finds names that do not exist

A sink may have "limits", such as {"windows": [[20, 60]], "block": 600}: at most 20 requests in 60 s, and who goes
beyond is shut out for 600 s; the others are in each vendor's file. On every address, and on the control's alone while
the others are closed:

    GET  /_received[?sink=NAME]   {"accepted": […], "refused": […], "asked": requests, by sink}, in order, with time,
                                  decoded body, `text` (what people read), `mentions` (`all` among them) and
                                  `warnings` (what the vendor takes and does not show as meant)
    DELETE /_received             forgets them
    GET | POST | DELETE /_faults  the queue (chats/faults.py): shown, added to, emptied
    POST /_limits                 {"ding": {"block": 2}}
    GET  /_passed                 what went through the proxy
"""

import argparse
import json
import pathlib
import signal
import sys

from chats.faults import Faults
from chats.hall import Hall
from chats.proxy import Passed, ProxyConnection
from chats.request import ConfigurationError
from chats.server import Connection, Door, Server, tls_context

ENDS = signal.SIGTERM, signal.SIGINT


def arguments():
    parser = argparse.ArgumentParser(description="chats, hooks and a proxy, for tests of alerts")
    parser.add_argument("--listen", action="append", required=True, help="repeatable; each may be closed by itself")
    parser.add_argument("--config", required=True)
    for name in ("--control", "--proxy", "--tls", "--certificate", "--key"):
        parser.add_argument(name)
    return parser.parse_args()


def address(text):
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise ConfigurationError(f"{text}: ADDRESS:PORT")
    return host.strip("[]"), int(port)


class Program:
    def __init__(self, options):
        configuration = json.loads(pathlib.Path(options.config).read_text())
        if unknown := set(configuration) - {"sinks", "hosts"}:
            raise ConfigurationError(f"unknown {sorted(unknown)}")
        self.hall, self.doors = Hall(configuration.get("sinks", {})), {}
        self.faults = Faults(self.hall.sinks, self.refuse)
        self.passed = Passed(configuration.get("hosts", {}))
        self.verbs = {
            ("GET", "/_received"): lambda _, query: self.hall.told(query.get("sink")),
            ("DELETE", "/_received"): lambda *_: self.hall.forget(),
            ("GET", "/_faults"): lambda *_: {"faults": self.faults.waiting()},
            ("POST", "/_faults"): lambda said, _: self.faults.add(said),
            ("DELETE", "/_faults"): lambda *_: self.faults.heal(),
            ("POST", "/_limits"): lambda said, _: self.hall.limit(said),
            ("GET", "/_passed"): lambda *_: self.passed.told(),
        }
        self.open(options)

    def open(self, options):
        context = tls_context(options.certificate, options.key) if options.tls else None
        wanted = {"listening": options.listen, "control": [options.control], "proxy": [options.proxy],
                  "tls": [options.tls]}
        for role, texts in wanted.items():
            handler = ProxyConnection if role == "proxy" else Connection
            secured = context if role == "tls" else None
            self.doors[role] = [self.door(text, handler, secured) for text in texts if text]

    def door(self, text, handler, context):
        return Door(address(text), lambda where: Server(
            where, handler, context, hall=self.hall, faults=self.faults, verbs=self.verbs, passed=self.passed))

    def refuse(self, seconds, port):
        """Never the control's own door, and without a port not the proxy's."""
        doors = [door for role in ("listening", "tls") for door in self.doors[role]]
        if port is not None:
            doors = [door for door in doors + self.doors["proxy"] if door.address[1] == port]
            if not doors:
                raise ConfigurationError(f"nobody listens on port {port}")
        for door in doors:
            door.close(seconds)

    def tell(self):
        for role, doors in self.doors.items():
            if doors:
                named = ", ".join("%s:%d" % door.address for door in doors)
                print(f"chats: {role} on {named}", flush=True)


def main():
    """The signals are held back in every thread and waited for in this one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        Program(arguments()).tell()
    except (ConfigurationError, OSError, ValueError) as error:
        print(f"chats: {error}", file=sys.stderr)
        return 2
    signal.sigwait(ENDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
