# SPDX-License-Identifier: Apache-2.0
"""The control socket: one JSON object a line in, one a line out.

The answer is {"ok": true, …} or {"ok": false, "error": "…"}. The commands:

{"misbehave": {"kind": "slow", "seconds": 3, "count": 2, "path": "members/stats"}}
    or a list of such, or null (bigip/misbehaviour.py)
{"routes": […]}  {"selfIPs": […]}  {"members": {"POOL": ["10.16.0.10:80"]}}
{"session": {"member": "10.16.0.10:80", "pool": "POOL", "value": "user-disabled"}}
    the value also user-enabled or forced-offline; without a pool, that member in every pool
{"state": true}  members, pools and counters
"""

import json
import os
import socketserver
import threading

from bigip.configuration import ConfigurationError

LONGEST_LINE = 1 << 22


class ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path, device, monitors, tokens, counters, misbehaviours):
        self.path, self.device, self.monitors = path, device, monitors
        self.tokens, self.counters, self.misbehaviours = tokens, counters, misbehaviours
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
            command = json.loads(line)
            with self.turn:
                return dict({"ok": True}, **self.obey(command))
        except ConfigurationError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": "not understood: %s" % type(error).__name__}

    def obey(self, command):
        verbs = {"misbehave": self.misbehave, "routes": self.device.replace_routes,
                 "selfIPs": self.device.replace_self_ips,
                 "members": self.replace_members, "session": self.session,
                 "state": lambda _: self.state()}
        if len(command) != 1 or next(iter(command)) not in verbs:
            raise ConfigurationError("one of: %s" % ", ".join(verbs))
        verb, value = next(iter(command.items()))
        return verbs[verb](value) or {}

    def misbehave(self, raw):
        if "token-lost" in self.misbehaviours.replace(raw):
            self.tokens.forget_all()

    def replace_members(self, by_pool):
        for pool, members in by_pool.items():
            self.device.replace_members(pool, members)
        self.monitors.refresh()

    def session(self, raw):
        self.device.set_session(raw["member"], raw.get("pool"), raw["value"])

    def state(self):
        with self.device.lock:
            members = [member_state(member) for member in self.device.members()]
            pools = {pool.name: pool.status()[0] for pool in self.device.pools}
        return {"members": members, "pools": pools, "counters": self.counters.dump(),
                "tokens": len(self.tokens),
                "misbehaviours": self.misbehaviours.dump()}


def member_state(member):
    return {"pool": member.pool.name, "member": member.key, "name": member.name,
            "state": member.config_state,
            "session": member.config_session, "availability": member.availability,
            "reason": member.status_reason,
            "transitions": member.transitions}


class LineHandler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            line = self.rfile.readline(LONGEST_LINE)
            if not line.endswith(b"\n"):
                return
            self.wfile.write(json.dumps(self.server.reply(line)).encode() + b"\n")
            self.wfile.flush()
