# SPDX-License-Identifier: Apache-2.0
"""The control socket: one JSON object a line in, one a line out.

The answer is {"ok": true, …} or {"ok": false, "error": "…"}. The commands:

{"misbehave": {"kind": "slow", "seconds": 3, "count": 2, "path": "members/stats"}}
    or a list of such, or null (bigip/misbehaviour.py)
{"routes": […]}  {"liveRoutes": […]}  {"selfIPs": […]}  {"members": {"POOL": [member, …]}}
{"session": {"member": "10.16.0.10:80", "pool": "POOL", "value": "user-disabled"}}
    the value also user-enabled, forced-offline or user-down; without a pool, that member in every
    pool
{"override": {"member", "pool"?, or "cidr": "10.0.5.0/24"; "fields": {"state", "session",
    "monitorStatus", "sessionStatus", "availability", "enabled", "reason"}, "down" or null}}
{"node": {"node": "10.16.0.10", "value": "user-disabled"}}  bigip/nodes.py
{"denied": {"net/route/stats": 403}}  {"clock": seconds ahead}  {"monitors": "cut" or "normal"}
{"role": "standby"}  {"failover": true}  {"sync": "now"}  {"syncStatus": {"status", …} or null}
{"trafficGroups": {"traffic-group-2": "active"}}  bigip/groups.py
{"virtualAddresses": {"/K8S/10.50.0.10": {"enabled": "no"}}}  bigip/virtual_addresses.py
{"primary": 2}       the blade: connections end, tokens are lost, one 502
{"gtm": …} bigip/gtm.py  {"generator": …} bigip/generator.py  {"syslog": …} bigip/syslog.py
{"state": true}      members, pools and counters
{"peer": …}          what the other unit says (bigip/pair.py)
"""

import json
import os
import socketserver
import threading

from bigip import nodes
from bigip.addresses import ConfigurationError
from bigip.configuration import check_denied
from bigip.faults.restart import Restart
from bigip.generator import Generator
from bigip.groups import overall

LONGEST_LINE = 1 << 24


class ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path, verbs, peer):
        self.path, self.verbs, self.peer = path, verbs, peer
        self.turn = threading.Lock()
        if os.path.exists(path):
            os.unlink(path)
        old = os.umask(0o177)
        try:
            super().__init__(path, LineHandler)
        finally:
            os.umask(old)

    def close(self):
        self.server_close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""

    def reply(self, line):
        try:
            return dict({"ok": True}, **self.obey(json.loads(line)))
        except ConfigurationError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            return {"ok": False, "error": "not understood: %s" % type(error).__name__}

    def obey(self, command):
        """The peer is heard out of turn: both may be telling each other something."""
        if "peer" in command:
            return self.peer(command["peer"]) or {}
        if len(command) != 1 or next(iter(command)) not in self.verbs:
            raise ConfigurationError("one of: %s" % ", ".join(self.verbs))
        verb, value = next(iter(command.items()))
        with self.turn:
            return self.verbs[verb](value) or {}


class Commands:
    """The parts of the emulator, moved by commands."""

    def __init__(self, device, monitors, tokens, counters, misbehaviours, listener):
        self.device, self.monitors, self.tokens = device, monitors, tokens
        self.counters, self.misbehaviours, self.listener = counters, misbehaviours, listener
        self.pair, self.floating = device.pair, None
        self.restart = Restart(device, tokens, listener)
        self.generator = Generator(device, monitors, misbehaviours, self.replace_members)
        misbehaviours.acts = {"token-lost": tokens.forget_all, "token-expired": tokens.expire_all,
                              "failover": self.failover,
                              "drop-connections": listener.drop_connections}
        self.pair.local = {"members": self.local_members, "routes": device.replace_routes,
                           "role": self.settle}

    def verbs(self):
        device = self.device
        return {"misbehave": self.misbehave, "routes": self.routes,
                "liveRoutes": device.replace_live_routes, "selfIPs": device.replace_self_ips,
                "members": self.replace_members, "session": self.session,
                "override": device.override, "node": lambda raw: nodes.tell(device, raw),
                "denied": self.denied, "clock": self.clock, "monitors": self.cut,
                "role": self.role, "failover": self.failover, "sync": self.sync,
                "syncStatus": self.sync_status, "primary": self.primary,
                "trafficGroups": self.traffic_groups,
                "virtualAddresses": device.virtual_addresses.tell,
                "gtm": device.traffic.tell, "generator": self.generator.tell,
                "syslog": device.journal.sender.tell, "state": lambda _: self.state()}

    def misbehave(self, raw):
        faults = self.misbehaviours.replace(raw)
        self.restart.cancel()
        for fault in faults:
            if fault["kind"] == "restart":
                self.restart.begin(fault)

    def routes(self, routes):
        self.device.replace_routes(routes)
        self.pair.changed("routes", routes)

    def replace_members(self, by_pool):
        self.local_members(by_pool)
        self.pair.changed("members", by_pool)

    def local_members(self, by_pool):
        for pool, members in by_pool.items():
            self.device.replace_members(pool, members)
        self.monitors.refresh()

    def session(self, raw):
        self.device.set_session(raw["member"], raw.get("pool"), raw["value"])

    def denied(self, raw):
        self.device.denied = check_denied(raw or {})

    def clock(self, seconds):
        self.device.clock_offset = float(seconds)

    def cut(self, word):
        if word not in ("cut", "normal"):
            raise ConfigurationError("monitors are cut or normal")
        self.monitors.cut = word == "cut"

    def settle(self):
        if self.floating:
            self.floating.settle()

    def role(self, role):
        self.pair.set_role(role)
        self.settle()

    def failover(self, _=None):
        self.pair.failover()
        self.settle()

    def traffic_groups(self, raw):
        self.pair.tell_groups(raw)
        self.settle()

    def sync(self, _):
        if not self.pair.push():
            raise ConfigurationError("the peer does not answer")

    def sync_status(self, raw):
        self.pair.told = dict(raw) if raw else None

    def primary(self, slot):
        if slot not in (self.device.configuration["cluster"] or {}).get("slots", []):
            raise ConfigurationError("no such slot")
        self.device.blade = slot
        self.tokens.forget_all()
        self.misbehaviours.add({"kind": "status", "code": 502, "count": 1})
        self.listener.drop_connections()

    def state(self):
        with self.device.lock:
            members = [member_state(member) for member in self.device.members()]
            pools = {pool.name: pool.status()[0] for pool in self.device.pools}
            groups, peers = self.device.groups.own(), self.device.groups.peers()
            generated = sum(len(pool.members) for pool in self.device.pools if pool.generated)
        return {"members": members, "pools": pools, "counters": self.counters.dump(),
                "tokens": len(self.tokens), "misbehaviours": self.misbehaviours.dump(),
                "role": overall(groups), "peerRole": overall(peers), "trafficGroups": groups,
                "syncPending": self.pair.waiting, "generatedMembers": generated}


def member_state(member):
    standing = member.standing()
    return {"pool": member.pool.name, "member": member.key, "name": member.name,
            "state": standing["state"], "session": standing["session"],
            "availability": standing["availability"], "reason": standing["reason"],
            "transitions": member.transitions}


class LineHandler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            line = self.rfile.readline(LONGEST_LINE)
            if not line.endswith(b"\n"):
                return
            self.wfile.write(json.dumps(self.server.reply(line)).encode() + b"\n")
            self.wfile.flush()
