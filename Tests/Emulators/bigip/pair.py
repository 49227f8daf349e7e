# SPDX-License-Identifier: Apache-2.0
"""Two units: which is active, and what one was told that the other does not know yet.

The peer is another process, reached through its control socket. Routes are replicated as members
are, which the real thing does for neither without a device group; both stand for `shared
configuration`. A unit that cannot reach its peer says Disconnected and keeps what it owes it.
"""

import json
import socket
import threading

from bigip.addresses import ConfigurationError

PATIENCE = 5
WORDS = {
    "standalone": {"color": "green", "mode": "standalone", "status": "Standalone", "summary": " "},
    "in-sync": {"color": "green", "mode": "high-availability", "status": "In Sync",
                "summary": "All devices in the device group are in sync",
                "details": "/Common/pair (In Sync): All devices in the device group are in sync"},
    "pending": {"color": "yellow", "mode": "high-availability", "status": "Changes Pending",
                "summary": "There are changes pending on this device",
                "details": "/Common/pair (Changes Pending): There is a possible change conflict"},
    "disconnected": {"color": "red", "mode": "high-availability", "status": "Disconnected",
                     "summary": "The peer cannot be reached",
                     "details": "/Common/pair (Disconnected): The peer cannot be reached"},
}


class Pair:
    def __init__(self, device, tokens):
        configuration = device.configuration
        self.device, self.tokens = device, tokens
        self.peer, sync = configuration["peer"], configuration["sync"]
        self.lag = None if sync is None else float(sync.get("lag", 0))
        self.lock, self.sending = threading.Lock(), threading.Lock()
        self.owed, self.told, self.peer_owes, self.unreachable = {}, None, False, False
        self.local = {}

    def set_role(self, role):
        self.device.become(role)
        self.later({"peerRole": role})

    def tell_groups(self, raw):
        self.device.groups.tell(raw)
        self.later({"peerGroups": self.device.groups.told})

    def failover(self):
        """This unit first: two that are active at once are another fault."""
        if self.peer is None:
            raise ConfigurationError("there is no peer to fail over to")
        self.device.become("standby")
        self.tokens.forget_all()
        self.device.groups.peer_said({"peerRole": "active"})
        if not self.ask({"role": "active", "peerRole": "standby"}):
            raise ConfigurationError("the peer does not answer")

    def changed(self, verb, value):
        """Notes what the peer has to learn, and tells it after the lag."""
        if self.peer is None:
            return
        with self.lock:
            if verb == "members":
                self.owed.setdefault(verb, {}).update(value)
            else:
                self.owed[verb] = value
        self.later({"pending": True})
        if self.lag is not None:
            timer = threading.Timer(self.lag, self.push)
            timer.daemon = True
            timer.start()

    def push(self):
        """Everything owed, in one go; what cannot be told is kept unless there is newer."""
        with self.sending:
            with self.lock:
                owed, self.owed = self.owed, {}
            reached = self.ask(dict(owed, pending=False)) if owed else True
            with self.lock:
                self.unreachable = not reached
                if not reached:
                    members = dict(owed.get("members", {}), **self.owed.get("members", {}))
                    self.owed = dict(owed, **self.owed)
                    if members:
                        self.owed["members"] = members
            return reached

    def obey(self, raw):
        """What the peer says."""
        for verb in ("members", "routes"):
            if verb in raw:
                self.local[verb](raw[verb])
        self.device.groups.peer_said(raw)
        if "role" in raw:
            self.device.become(raw["role"])
        self.local["role"]()
        self.peer_owes = raw.get("pending", self.peer_owes)

    def later(self, command):
        if self.peer is not None:
            threading.Thread(target=self.ask, args=(command,), daemon=True).start()

    def ask(self, command):
        """True when the peer obeyed."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(self.peer["control"])
                connection.sendall(json.dumps({"peer": command}).encode() + b"\n")
                return json.loads(connection.makefile().readline()).get("ok") is True
        except (OSError, ValueError):
            return False

    @property
    def waiting(self):
        return bool(self.owed) or self.peer_owes

    def sync_status(self):
        if self.told:
            return dict(WORDS["in-sync"], **self.told)
        if self.peer is None:
            return WORDS["standalone"]
        if self.unreachable:
            return WORDS["disconnected"]
        return WORDS["pending" if self.waiting else "in-sync"]
