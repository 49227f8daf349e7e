# SPDX-License-Identifier: Apache-2.0
"""HTTPS: one thread a connection, keep-alive, bounded requests.

Logs at most one line a request, never a header, a query or a body.
"""

import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bigip.counters import without_token
from bigip.faults.damage import damaged
from bigip.faults.delivery import Delivery
from bigip.rest import errors
from bigip.rest.router import Request

LARGEST_BODY = 65536
LONGEST_DISCARD = 1 << 20
IDLE_SECONDS = 120
FIXED = (("Pragma", "no-cache"), ("Cache-Control", "no-store"), ("X-Frame-Options", "SAMEORIGIN"))


def parse_listen(text):
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port)


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, context, router, counters, misbehaviours, verbose):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.context, self.router, self.verbose = context, router, verbose
        self.counters, self.misbehaviours = counters, misbehaviours
        self.open, self.turn = set(), threading.RLock()
        super().__init__(address, Handler)

    def server_bind(self):
        """Without the base class's reverse name lookup, which may hang in a namespace."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def finish_request(self, request, client_address):
        """The handshake is made in the connection's own thread: no client delays another."""
        request.settimeout(IDLE_SECONDS)
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            self.counters.connected()
            handler = self.RequestHandlerClass(wrapped, client_address, self)
            if not handler.abrupt:
                say_goodbye(wrapped)

    def drop_connections(self):
        """Ends them below TLS, through descriptors of its own: their threads read on and see it."""
        with self.turn:
            for handler in self.open:
                # Before the end: who sees it may ask again at once, while that thread still works in vain.
                handler.leave("dropped")
                try:
                    with socket.socket(fileno=os.dup(handler.connection.fileno())) as own:
                        own.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def handle_error(self, request, client_address):
        if self.verbose:
            print("bigip: connection ended: %s" % sys.exc_info()[0].__name__, file=sys.stderr,
                  flush=True)


def say_goodbye(wrapped):
    """Sends TLS's close_notify, as Apache does, and does not wait for the client's."""
    wrapped.settimeout(0)
    try:
        wrapped.unwrap()
    except OSError:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Jetty(9.2.22.v20170606)", ""
    disable_nagle_algorithm = True
    abrupt, left = False, True

    def setup(self):
        super().setup()
        with self.server.turn:
            self.server.open.add(self)

    def finish(self):
        with self.server.turn:
            self.server.open.discard(self)
        super().finish()

    def log_message(self, *_):
        """Nothing by itself: see `served`."""

    def serve(self):
        path = without_token(self.path.partition("?")[0])
        with self.server.turn:
            self.server.counters.enter(path)
            self.left = False
        try:
            self.served(path, self.exchange())
        finally:
            self.leave("none")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve

    def leave(self, status):
        with self.server.turn:
            left, self.left = self.left, True
        if not left:
            self.server.counters.leave(status)

    def served(self, path, status):
        if self.server.verbose:
            print("bigip: %s %s %s" % (self.command, path, status), file=sys.stderr, flush=True)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(timestamp or self.server.router.device.now())

    def exchange(self):
        """Reads the body, meets the faults asked for, answers; gives back the status sent."""
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return self.send(errors.html(413, "413 Request Entity Too Large",
                                         "The request is too large."))
        faults = self.server.misbehaviours.take(self.path)
        for kind in ("slow", "late-error"):
            if kind in faults:
                time.sleep(faults[kind]["seconds"])
        if "reset" in faults:
            return self.reset()
        answer = self.broken(faults) or damaged(self.healthy(body, faults), faults)
        if answer.event:
            self.server.counters.count(answer.event)
        return self.send(answer, faults)

    def read_body(self):
        """None when the length is not stated or above the bound."""
        if "Transfer-Encoding" in self.headers:
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            return None
        if int(length) > LARGEST_BODY:
            return self.discard(int(length))
        return self.rfile.read(int(length))

    def discard(self, length):
        """Reads on for a while, that the client may finish sending and read its refusal."""
        for _ in range(min(length, LONGEST_DISCARD) // LARGEST_BODY):
            self.rfile.read(LARGEST_BODY)
        self.rfile.read(min(length, LONGEST_DISCARD) % LARGEST_BODY)

    def broken(self, faults):
        path, peer = self.path.partition("?")[0], self.client_address[0]
        fault = faults.get("status") or faults.get("late-error")
        if fault:
            return errors.faithful(fault["code"], fault.get("variant"), self.command, path, peer)
        if "garbage" in faults:
            return errors.html(200, "BIG-IP\u00ae", "Please log in.")
        return None

    def healthy(self, body, faults):
        request = Request(self.command, self.path, self.headers, body, self.client_address[0])
        request.flags = faults
        answer = self.server.router.answer(request)
        return emptied(answer) if "empty" in faults and answer.status == 200 else answer

    def reset(self):
        self.close_connection = self.abrupt = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.leave("reset")
        return "reset"

    def send(self, answer, faults=None):
        self.leave(answer.status)
        delivery = Delivery(answer.body, faults or {})
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if delivery.content_length is not None:
            self.send_header("Content-Length", str(delivery.content_length))
        if "chunked" in delivery.faults:
            self.send_header("Transfer-Encoding", "chunked")
        for name, value in FIXED + tuple(answer.headers.items()):
            self.send_header(name, value)
        self.close_connection = self.close_connection or delivery.ends
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            delivery.send(self.wfile)
        return answer.status


def emptied(answer):
    body = json.loads(answer.body)
    for key in ("items", "entries"):
        body.pop(key, None)
    return errors.Answer(200, body)
