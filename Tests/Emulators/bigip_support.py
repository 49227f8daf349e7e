# SPDX-License-Identifier: Apache-2.0
"""What the tests of the BIG-IP emulator share: the real program, its client, real little pods."""

import atexit
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "never-print-this-7f3a"
LONG_ENOUGH = 60
SCRATCH = tempfile.mkdtemp(prefix="bigip-certificate-")
SHARED = os.path.join(SCRATCH, "c.pem"), os.path.join(SCRATCH, "k.pem")
atexit.register(shutil.rmtree, SCRATCH, True)
POOL = "/mgmt/tm/ltm/pool/~K8S~cfgmap_default_web_web"


def until(question):
    """Polls until the question is answered with something true."""
    end = time.monotonic() + LONG_ENOUGH
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("still not so after %d s" % LONG_ENOUGH)
        time.sleep(0.02)


def flat(entries):
    """Fields without value, description or nestedStats."""
    return {name: list(field.values())[0] for name, field in entries.items()}


class Pod:
    """A real little HTTP server that answers the health check."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nserver is ok\n")

        def log_message(self, *_):
            pass

    def __init__(self, port=0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def text(self):
        return "127.0.0.1:%d" % self.port

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Emulator:
    """The program under test, its control socket, and a client."""

    def __init__(self, configuration, *options, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="bigip-")
        self.certificate, self.key = self.path("c.pem"), self.path("k.pem")
        self.make_certificate()
        with open(self.path("config.json"), "w") as file:
            json.dump(configuration, file)
        self.log = open(self.path("log"), "w")
        self.process = subprocess.Popen(self.command() + list(options), stdout=self.log,
                                        stderr=self.log)
        self.port = until(self.listening)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(self.path("control"))
        self.replies = self.control.makefile("rb")
        self.token = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_certificate(self):
        """One for all units of a test run, for openssl takes its time."""
        if not os.path.exists(SHARED[0]):
            self.openssl(*SHARED)
        shutil.copy(SHARED[0], self.certificate)
        shutil.copy(SHARED[1], self.key)

    @staticmethod
    def openssl(certificate, key):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=ltm-1.lab", "-addext",
                        "subjectAltName=IP:127.0.0.1,DNS:ltm-1.lab",
                        "-keyout", key, "-out", certificate], check=True,
                       capture_output=True)

    def command(self):
        return [sys.executable, os.path.join(HERE, "bigip.py"), "--listen", "127.0.0.1:0",
                "--certificate", self.certificate,
                "--key", self.key, "--config", self.path("config.json"), "--control",
                self.path("control")]

    def printed(self):
        with open(self.path("log")) as file:
            return file.read()

    def listening(self):
        match = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.printed())
        if self.process.poll() is not None:
            raise AssertionError("the emulator ended: " + self.printed())
        return int(match.group(1)) if match else None

    def enter(self):
        """Logs in; every request from now on carries the token."""
        status, answer = self.login()
        assert status == 200, status
        self.token = answer["token"]["token"]
        return self

    def read(self, path):
        """(status, body as bytes) of a GET below /mgmt/tm."""
        status, _, body = self.ask("GET", "/mgmt/tm/" + path)
        return status, body

    def items(self, path):
        return self.get("/mgmt/tm/" + path).get("items", [])

    def entries(self, path):
        """[(key, selfLink, fields flattened)]"""
        body = self.get("/mgmt/tm/" + path)
        return [(key, outer["nestedStats"].get("selfLink"), flat(outer["nestedStats"]["entries"]))
                for key, outer in body.get("entries", {}).items()]

    def fields(self, path):
        return [each for _, _, each in self.entries(path)]

    def tell(self, **command):
        self.control.sendall(json.dumps(command).encode() + b"\n")
        return json.loads(self.replies.readline())

    def connection(self):
        context = ssl.create_default_context(cafile=self.certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context,
                                           timeout=LONG_ENOUGH)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """(status, content type, body as bytes)"""
        own = connection or self.connection()
        if headers is None:
            headers = {"X-F5-Auth-Token": self.token} if self.token else {}
        try:
            own.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = own.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read()
        finally:
            if connection is None:
                own.close()

    def get(self, path):
        status, _, body = self.ask("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def login(self, password=PASSWORD):
        body = {"username": "podpath", "password": password, "loginProviderName": "tmos"}
        status, _, text = self.ask("POST", "/mgmt/shared/authn/login", body, {})
        return status, json.loads(text)

    def stop(self):
        self.replies.close()
        self.control.close()
        self.process.terminate()
        self.process.wait(LONG_ENOUGH)
        self.log.close()
        shutil.rmtree(self.folder)


def configuration(members, **more):
    result = {
        "hostname": "ltm-1.lab", "username": "podpath", "password": PASSWORD, "partition": "K8S",
        "monitor": {"interval": 0.05, "timeout": 0.5, "send": "GET /health.html HTTP/1.0\r\n\r\n",
                    "recv": "server is ok"},
        "selfIPs": [{"name": "uplink-a", "address": "10.3.1.10/24", "vlan": "/Common/a"}],
        "routes": [{"name": "pods", "network": "10.16.0.0/16", "gw": "10.3.1.254"}],
        "pools": [{"name": "cfgmap_default_web_web", "members": members}]
        + [{"name": "spare-%d" % number, "members": []} for number in range(6)]
        + [{"name": "old", "partition": "Common", "monitored": False, "members": members[:1]}],
        "virtuals": [{"name": "default_web", "destination": "10.50.0.10:80",
                      "pool": "cfgmap_default_web_web"}],
    }
    return dict(result, **more)


class EmulatorCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pods = [Pod(), Pod()]
        cls.unit = Emulator(configuration([pod.text for pod in cls.pods]), "--verbose")

    @classmethod
    def tearDownClass(cls):
        cls.unit.stop()
        for pod in cls.pods:
            pod.stop()

    def setUp(self):
        self.unit.tell(misbehave=None)
        self.unit.token = None
        status, answer = self.unit.login()
        self.assertEqual(status, 200)
        self.unit.token = answer["token"]["token"]

    def tearDown(self):
        self.unit.tell(misbehave={"kind": "token-lost"})

    def member(self, number=0):
        return "%s/members/~K8S~127.0.0.1%%250:%d" % (POOL, self.pods[number].port)

    def stats(self, path=POOL + "/members/stats"):
        """The entries below nestedStats, by port or name, flattened."""
        result = {}
        for outer in self.unit.get(path)["entries"].values():
            flat = {name: list(field.values())[0] for name,
                    field in outer["nestedStats"]["entries"].items()}
            result[flat.get("port", flat.get("tmName"))] = flat
        return result

    def wait_for(self, pod, state):
        return until(lambda: self.unit.get(self.member(self.pods.index(pod)))["state"] == state)


class UnitCase(unittest.TestCase):
    """A unit of its own for each class: `settings` is what differs from the usual configuration."""

    settings = {}
    members = []

    @classmethod
    def setUpClass(cls):
        cls.unit = Emulator(configuration(cls.members, **cls.settings))
        cls.unit.enter()

    @classmethod
    def tearDownClass(cls):
        cls.unit.stop()

    def tell(self, **command):
        answer = self.unit.tell(**command)
        self.assertTrue(answer["ok"], answer)
        return answer
