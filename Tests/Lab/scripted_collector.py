# SPDX-License-Identifier: Apache-2.0
"""A collector that does as a test tells it: real TLS, the format read by report_format.py."""
import pathlib
import socket
import ssl
import subprocess
import threading
import time

import report_format


class Authority:
    """Certificates made by the openssl command for one run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt")

    def make(self, file, names, days=30):
        self.run(
            f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={file} "
            f"-addext subjectAltName={names} -keyout {file}.key -out {file}.csr"
        )
        self.run(
            f"x509 -req -in {file}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} "
            f"-copy_extensions copy -out {file}.crt"
        )
        return self.path(f"{file}.crt"), self.path(f"{file}.key")

    def path(self, name):
        return self.folder / name

    def run(self, arguments):
        subprocess.run(["openssl", *arguments.split()], cwd=self.folder, check=True, capture_output=True)


class Connection:
    """One agent's connection: its frames with the time they came, and the belief they make."""

    def __init__(self, stream):
        self.stream = stream
        self.resumed = stream.session_reused
        # None where a token stands for a certificate.
        self.serial = (stream.getpeercert() or {}).get("serialNumber")
        self.frames = []
        self.belief = report_format.Belief()
        self.has_ended = False


class Collector:
    """Listens on a port of 127.0.0.1. `reads`, `answers` and `refusal` may be changed at any moment."""

    def __init__(self, authority, port, takes_tokens=False):
        self.port, self.takes_tokens, self.refusal = port, takes_tokens, None
        self.reads = threading.Event()
        self.reads.set()
        self.answers = True
        self.connections = []
        self.changed = threading.Condition()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.make(f"collector-{port}", "IP:127.0.0.1,DNS:localhost"))
        self.context.load_verify_locations(authority.path("ca.crt"))
        self.context.verify_mode = ssl.CERT_OPTIONAL if takes_tokens else ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", port), backlog=16)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def last(self):
        return self.connections[-1]

    def accept(self):
        while True:
            plain, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(30)
            connection = Connection(self.context.wrap_socket(plain, server_side=True))
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            self.receive(connection)
        except OSError:
            plain.close()

    def receive(self, connection):
        frames = report_format.Frames()
        try:
            while data := self.next(connection):
                for frame in frames.add(data):
                    self.take(connection, frame)
        finally:
            with self.changed:
                connection.has_ended = True
                self.changed.notify_all()
            connection.stream.close()

    def next(self, connection):
        self.reads.wait()
        return connection.stream.recv(65_536)

    def take(self, connection, frame):
        with self.changed:
            connection.frames.append((time.monotonic(), frame))
            follows = frame["frame"] in ("hello", "goodbye", "token") or connection.belief.take(frame)
            self.changed.notify_all()
            is_first = len([1 for _, each in connection.frames if each["frame"] == "token"]) == 1
        if self.answers:
            connection.stream.sendall(self.reply(frame, follows, is_first))

    def reply(self, frame, follows, is_first):
        """Where tokens are taken the welcome is the first one's answer."""
        if frame["frame"] == "token" and self.refusal:
            return report_format.refused(self.refusal)
        if frame["frame"] == "token" and not is_first or frame["frame"] == "hello" and self.takes_tokens:
            return b""
        if frame["frame"] in ("hello", "token"):
            return report_format.reply(report_format.WELCOME, 1)
        if frame["frame"] == "goodbye":
            return b""
        if not follows:
            return report_format.reply(report_format.RESYNC)
        return report_format.reply(report_format.ACKNOWLEDGE, frame["generation"])

    def wait(self, what, holds, patience=15):
        """Until `holds()`; the moment it did. The patience only ends a test that has failed."""
        end = time.monotonic() + patience
        with self.changed:
            while not holds():
                if not self.changed.wait(timeout=max(0.0, end - time.monotonic())):
                    raise AssertionError(f"waited {patience} s in vain for {what}")
        return time.monotonic()

    def wait_for_facts(self, what, holds, patience=15):
        """Until the newest connection's belief `holds`."""
        return self.wait(what, lambda: self.connections and holds(self.last.belief), patience)
