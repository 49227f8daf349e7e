# SPDX-License-Identifier: Apache-2.0
"""A forward proxy: CONNECT, and http URLs in full. It keeps what passed, and nothing of what was said inside.

Names that exist only here are led to where they are told to: `hosts`, HOST:PORT to ADDRESS:PORT.
"""

import collections
import contextlib
import select
import socket
import threading
import time
from urllib.parse import urlsplit

from chats.faults import PROXY
from chats.request import text_answer
from chats.server import IDLE_SECONDS, Connection, Dropped

CONNECT_SECONDS = 10
PIECE = 65_536
# Of no use to the next, or meant for the proxy itself.
HOP = ("connection", "proxy-connection", "proxy-authorization", "keep-alive", "transfer-encoding", "content-length")


class Passed:
    """What went through, in order: method, target, when, and what became of it."""

    def __init__(self, hosts):
        self.hosts, self.lock = dict(hosts), threading.Lock()
        self.kept = collections.deque(maxlen=10_000)

    def keep(self, method, target, outcome):
        with self.lock:
            self.kept.append({"method": method, "target": target, "at": time.time(), "outcome": outcome})

    def told(self):
        with self.lock:
            return {"passed": list(self.kept)}

    def connect(self, host, port):
        led = self.hosts.get(f"{host}:{port}", f"{host}:{port}")
        address, _, number = led.rpartition(":")
        return socket.create_connection((address.strip("[]"), int(number)), CONNECT_SECONDS)


class ProxyConnection(Connection):
    """Faults for `proxy` are met before anything is passed on."""

    def do_CONNECT(self):
        host, _, port = self.path.rpartition(":")
        self.close_connection = True
        try:
            if fault := self.server.faults.take(PROXY):
                self.server.passed.keep("CONNECT", self.path, fault["kind"])
                return self.write(self.spoiled(fault, None, None, self.server.faults.healed))
            with self.server.passed.connect(host.strip("[]"), int(port)) as there:
                self.server.passed.keep("CONNECT", self.path, "connected")
                self.send_response(200, "Connection established")
                self.end_headers()
                self.wfile.flush()
                with contextlib.suppress(OSError):
                    tunnel(self.connection, there)
        except Dropped:
            pass
        except (OSError, ValueError):
            self.server.passed.keep("CONNECT", self.path, "unreachable")
            self.write(text_answer(502, "unreachable"))

    def message(self, body):
        """A URL in full; what is asked of the proxy itself it does not have."""
        parts = urlsplit(self.path)
        target = f"{parts.hostname}:{parts.port or 80}"
        if parts.scheme != "http" or not parts.hostname:
            self.server.passed.keep(self.command, "", "not absolute")
            return text_answer(400, "not a proxy's request")
        if fault := self.server.faults.take(PROXY):
            self.server.passed.keep(self.command, target, fault["kind"])
            return self.spoiled(fault, None, None, self.server.faults.healed)
        self.close_connection = True
        try:
            return self.forwarded(parts, body, target)
        except OSError:
            self.server.passed.keep(self.command, target, "unreachable")
            return text_answer(502, "unreachable")

    def forwarded(self, parts, body, target):
        with self.server.passed.connect(parts.hostname, parts.port or 80) as there:
            self.server.passed.keep(self.command, target, "forwarded")
            line = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in HOP]
            head = [f"{self.command} {line or '/'} HTTP/1.1", *kept, f"Content-Length: {len(body)}"]
            there.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1") + body)
            there.settimeout(IDLE_SECONDS)
            # The answer is passed on as it is, to its end.
            while piece := there.recv(PIECE):
                self.wfile.write(piece)
        raise Dropped


def tunnel(here, there):
    """Until both ends are done, or nothing was said for a while."""
    open_ends = {here: there, there: here}
    while open_ends:
        readable, _, _ = select.select(list(open_ends), [], [], IDLE_SECONDS)
        if not readable:
            return
        for end in readable:
            other = here if end is there else there
            piece = end.recv(PIECE)
            if piece:
                other.sendall(piece)
            else:
                open_ends.pop(end)
                other.shutdown(socket.SHUT_WR)
