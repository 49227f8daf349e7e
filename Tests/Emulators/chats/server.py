# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 and HTTPS: requests are read within bounds, faults met, and answers written."""

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chats.request import Answer, ConfigurationError, Request, json_answer

# Above every vendor's limit, so that theirs is met first.
LARGEST_BODY = 4 << 20
IDLE_SECONDS = 120
LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Password</form></body></html>"


class Dropped(Exception):
    """The connection ends here, without an answer."""


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def log_message(self, *_):
        """Requests bear secrets in their path: nothing is written of them."""

    def do_POST(self):
        try:
            body = self.body()
            answer = self.control(body) if self.path.startswith("/_") else self.message(body)
            self.write(answer)
        except (Dropped, OSError):
            self.close_connection = True

    do_GET = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_POST

    # Reading.

    def body(self):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self.chunks()
        length = self.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
            self.write(json_answer(413, {"error": "too large"}))
            raise Dropped
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Dropped
        return body

    def chunks(self):
        body = b""
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                raise Dropped from None
            if not 0 <= size <= LARGEST_BODY - len(body):
                raise Dropped
            body += self.rfile.read(size)
            self.rfile.readline(64)
            if size == 0:
                return body

    def asked(self, body):
        parts = urlsplit(self.path)
        return Request(self.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
                       {name.lower(): value for name, value in self.headers.items()}, body, time.time())

    # Answering.

    def message(self, body):
        hall, faults, request = self.server.hall, self.server.faults, self.asked(body)
        vendor, sink = hall.find(request)
        hall.count(sink)
        fault = faults.take(sink.name) if sink else None
        if fault is None:
            return hall.receive(request, vendor, sink)
        healed = faults.healed
        answer = hall.receive(request, vendor, sink) if fault["taken"] else None
        if answer is None:
            hall.refuse(request, vendor, sink, f"fault: {fault['kind']}")
        return self.spoiled(fault, answer, sink, healed)

    def spoiled(self, fault, answer, sink, healed):
        """What is answered in place of the right answer."""
        kind = fault["kind"]
        if kind in ("hang", "slow"):
            healed.wait(fault["seconds"])
        if kind in ("hang", "close"):
            raise Dropped
        if kind == "reset":
            self.reset()
        if kind == "status":
            return Answer(fault["code"], str(fault.get("body", "")).encode(), dict(fault.get("headers", {})))
        if kind == "code":
            return sink.failed(fault["code"], fault.get("message", "failed on request"))
        if kind == "login":
            return Answer(200, LOGIN, {"Content-Type": "text/html"})
        if kind == "cut":
            self.cut(answer or json_answer(200, {"errcode": 0, "errmsg": "ok"}), fault["fraction"])
        return answer or json_answer(200, {})

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise Dropped

    def cut(self, answer, fraction):
        """The head says how long the body is, and part of it comes."""
        body = answer.body or b" " * 64
        self.write(Answer(answer.status, body, answer.headers), body[:int(len(body) * fraction)])
        raise Dropped

    def write(self, answer, body=None):
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != 204:
            self.wfile.write(answer.body if body is None else body)
        self.wfile.flush()

    # Being told.

    def control(self, body):
        parts = urlsplit(self.path)
        verb = self.server.verbs.get((self.command, parts.path))
        if verb is None:
            return json_answer(404, {"error": f"one of {[' '.join(each) for each in self.server.verbs]}"})
        try:
            said = json.loads(body) if body else None
            return json_answer(200, verb(said, dict(parse_qsl(parts.query))) or {})
        except (ConfigurationError, ValueError, TypeError, AttributeError, KeyError) as error:
            return json_answer(400, {"error": f"{type(error).__name__}: {error}"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler, context=None, **shared):
        self.context, self.lock = context, threading.Lock()
        # Open connections, and the thread of each.
        self.connections = {}
        vars(self).update(shared)
        super().__init__(address, handler)

    def server_bind(self):
        """Without the base class's reverse name lookup, which may hang in a namespace."""
        socketserver.TCPServer.server_bind(self)

    def finish_request(self, request, client_address):
        """The handshake is made in the connection's own thread: no client delays another."""
        request.settimeout(IDLE_SECONDS)
        if self.context is None:
            return self.serve(request, client_address)
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            self.serve(wrapped, client_address)
            say_goodbye(wrapped)

    def serve(self, connection, client_address):
        with self.lock:
            self.connections[connection] = threading.get_ident()
        try:
            self.RequestHandlerClass(connection, client_address, self)
        finally:
            with self.lock:
                self.connections.pop(connection, None)

    def drop_connections(self):
        """All but the one that asks for it, which has its answer yet to come."""
        with self.lock:
            others = [each for each, thread in self.connections.items() if thread != threading.get_ident()]
        for each in others:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""


def say_goodbye(wrapped):
    """Sends TLS's close_notify, and does not wait for the client's."""
    with contextlib.suppress(OSError, ValueError):
        wrapped.settimeout(0)
        wrapped.unwrap()


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class Door:
    """An address that is served, closed for a while, and served again."""

    def __init__(self, address, make):
        self.address, self.make = address, make
        self.lock, self.server, self.turn = threading.Lock(), None, 0
        self.open()

    def open(self):
        self.server = self.make(self.address)
        self.address = self.server.server_address[:2]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self, seconds):
        """A later closing takes the place of this one."""
        with self.lock:
            self.turn += 1
            server, self.server = self.server, None
            if server is not None:
                server.shutdown()
                server.server_close()
                server.drop_connections()
            timer = threading.Timer(seconds, self.reopen, (self.turn,))
            timer.daemon = True
            timer.start()

    def reopen(self, turn):
        with self.lock:
            if turn == self.turn and self.server is None:
                self.open()
