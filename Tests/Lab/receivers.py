# SPDX-License-Identifier: Apache-2.0
"""What alerts are sent to, beside a lab's collector: stand-ins for chats and hooks (Tests/Emulators/chats.py), two
real Alertmanagers that form a cluster, and a real Matrix homeserver (Synapse). All of them live in the collector's
network namespace and end with the lab; their logs stay in its log directory. The stand-ins' control, the Alertmanagers
and the homeserver are also served on the link to the host, where the test reads what came.

`packaging/setup --receivers` installs what this needs.
"""

import hashlib
import hmac
import json
import os
import pathlib
import secrets
import shutil
import urllib.error
import urllib.parse
import urllib.request

import demo
import namespaces
from state import REPOSITORY, LabError
from topology import COLLECTOR, COLLECTOR_ADDRESS

CHATS = REPOSITORY / "Tests/Emulators/chats.py"
CONTROL_PORT, PROXY_PORT, TLS_PORT, FIRST_DOOR = 9800, 9790, 9791, 9801
ALERTMANAGERS = ((9093, 9094), (9193, 9194))
MATRIX_PORT, MATRIX_TLS_PORT, MATRIX_NAME, MATRIX_USER = 8008, 8448, "lab", "podpath"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
SYNAPSE = CACHE / "podpath/synapse/bin/python"
# An Alertmanager is up in a second, Synapse makes its tables first.
READY = 90
# What an Alertmanager waits for each place behind the first in its cluster, before it tells. With a shorter group
# interval the first would tell the end before the second looks, and that would take the beginning for news.
PEER_TIMEOUT, GROUP_INTERVAL = "1s", "3s"


def missing():
    """What is not installed, in one line; None if all is there."""
    lacking = [name for name, there in (("prometheus-alertmanager", shutil.which("prometheus-alertmanager")),
                                        ("matrix-synapse", SYNAPSE.exists())) if not there]
    return f"{', '.join(lacking)} missing: packaging/setup --receivers" if lacking else None


def ask(url, body=None, method=None, headers=None, limit=10):
    """The decoded answer; an HTTP error is a DemoError with its body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=limit) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise demo.DemoError(f"HTTP {error.code} {error.read()[:200].decode(errors='replace')}") from None


def text(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read().decode()


def answers(url):
    try:
        ask(url, limit=2)
        return True
    except (OSError, ValueError):
        return False
    except demo.DemoError:
        return True


def write(lab, name, text):
    """A file of the lab that its owner alone may read."""
    lab.path(name).write_text(text)
    lab.path(name).chmod(0o600)


def stop(lab, *names):
    """Told to end, and waited for: they take leave of each other, and write what they have."""
    running = {name: pid for name in names if (pid := lab.pid(name))}
    if running:
        lab.run(None, "kill", *map(str, running.values()), check=False)
    demo.wait(f"the end of {', '.join(running)}", READY, lambda: not any(map(lab.pid, running)))


class Chats:
    """The stand-ins: a door of its own for each sink, so that one may be closed while the others are served."""

    def __init__(self, lab, sinks, hosts):
        self.lab, self.sinks, self.hosts = lab, sinks, hosts
        there = namespaces.host_addresses(lab.recall("options")["index"])[1]
        self.control_address = f"{there}:{CONTROL_PORT}"
        self.doors = {name: FIRST_DOOR + number for number, name in enumerate(sinks)}

    def start(self):
        write(self.lab, "chats.json", json.dumps({"sinks": self.sinks, "hosts": self.hosts}))
        listen = [word for port in self.doors.values() for word in ("--listen", f"127.0.0.1:{port}")]
        self.lab.start("chats", COLLECTOR, "python3", "-B", CHATS, *listen, "--config", self.lab.path("chats.json"),
                       "--control", self.control_address, "--proxy", f"127.0.0.1:{PROXY_PORT}",
                       "--tls", f"{COLLECTOR_ADDRESS}:{TLS_PORT}", "--certificate", self.lab.path("collector.crt"),
                       "--key", self.lab.path("collector.key"))
        demo.wait("the stand-ins for chats", READY, lambda: answers(f"http://{self.control_address}/_faults"))

    def door(self, name):
        return f"http://127.0.0.1:{self.doors[name]}"

    def control(self, method, path, body=None):
        return ask(f"http://{self.control_address}{path}", body, method)

    def received(self, name):
        return self.control("GET", "/_received?sink=" + urllib.parse.quote(name))

    def fault(self, *faults):
        self.control("POST", "/_faults", list(faults))

    def heal(self):
        self.control("DELETE", "/_faults")

    def close_doors(self, seconds):
        """For all of them, or until they are opened again."""
        self.fault({"kind": "refuse", "seconds": seconds})


class Alertmanagers:
    """Two that know of each other, and tell one hook of the stand-ins."""

    def __init__(self, lab, hook):
        self.lab, self.hook = lab, hook
        self.there = namespaces.host_addresses(lab.recall("options")["index"])[1]

    def start(self):
        write(self.lab, "alertmanager.yml", f"""route:
  receiver: hook
  group_by: ['...']
  group_wait: 500ms
  group_interval: {GROUP_INTERVAL}
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs: [{{ url: "{self.hook}", send_resolved: true }}]
""")
        for number in range(len(ALERTMANAGERS)):
            self.start_one(number)
        for number in range(len(ALERTMANAGERS)):
            demo.wait(f"Alertmanager {number}", READY, lambda number=number: self.is_ready(number))

    def start_one(self, number):
        port, cluster = ALERTMANAGERS[number]
        peers = [f"--cluster.peer=127.0.0.1:{other}" for _, other in ALERTMANAGERS if other != cluster]
        storage = self.lab.path(f"alertmanager-{number}")
        storage.mkdir(exist_ok=True)
        self.lab.start(f"alertmanager-{number}", COLLECTOR, "prometheus-alertmanager",
                       f"--config.file={self.lab.path('alertmanager.yml')}", f"--storage.path={storage}",
                       f"--web.listen-address=127.0.0.1:{port}", f"--web.listen-address={self.there}:{port}",
                       f"--cluster.listen-address=127.0.0.1:{cluster}",
                       f"--cluster.advertise-address=127.0.0.1:{cluster}", *peers,
                       f"--cluster.peer-timeout={PEER_TIMEOUT}", "--cluster.settle-timeout=5s")

    def url(self, number):
        return f"http://{self.there}:{ALERTMANAGERS[number][0]}/api/v2"

    def is_ready(self, number):
        """It has found the other, and tells."""
        try:
            status = ask(f"{self.url(number)}/status", limit=2)["cluster"]
            return status["status"] == "ready" and len(status.get("peers", [])) == len(ALERTMANAGERS)
        except (OSError, ValueError, KeyError, demo.DemoError):
            return False

    def taken(self):
        """How many alerts the two of them were sent, over or not."""
        lines = [line for port, _ in ALERTMANAGERS for line in text(f"http://{self.there}:{port}/metrics").splitlines()]
        return sum(float(line.split()[-1]) for line in lines if line.startswith("alertmanager_alerts_received_total"))

    def alerts(self, number):
        """Those that are active."""
        return ask(f"{self.url(number)}/alerts?active=true")

    def stop(self):
        stop(self.lab, *(f"alertmanager-{number}" for number in range(len(ALERTMANAGERS))))


class Matrix:
    """A homeserver with one user and one room, read back as another client would."""

    def __init__(self, lab):
        self.lab = lab
        there = namespaces.host_addresses(lab.recall("options")["index"])[1]
        self.address, self.url = there, f"http://{there}:{MATRIX_PORT}"
        self.server = f"https://{COLLECTOR_ADDRESS}:{MATRIX_TLS_PORT}"
        self.token = self.room = None

    def start(self):
        self.configure()
        self.lab.run(COLLECTOR, SYNAPSE, "-m", "synapse.app.homeserver", "--config-path",
                     self.lab.path("synapse.yaml"), "--generate-keys")
        self.start_again()
        self.register()
        self.room = self.api("POST", "/createRoom", {"name": "network", "preset": "private_chat"})["room_id"]

    def start_again(self):
        self.lab.start("synapse", COLLECTOR, SYNAPSE, "-m", "synapse.app.homeserver", "--config-path",
                       self.lab.path("synapse.yaml"))
        demo.wait("the homeserver", READY, lambda: answers(f"{self.url}/_matrix/client/versions"))

    def stop(self):
        stop(self.lab, "synapse")

    def configure(self):
        """Its limits are those it comes with: a message in five seconds, ten at once."""
        self.secret = secrets.token_hex(16)
        self.lab.path("synapse-media").mkdir(exist_ok=True)
        listener = {"type": "http", "x_forwarded": False, "resources": [{"names": ["client"]}]}
        write(self.lab, "synapse.yaml", json.dumps({
            "server_name": MATRIX_NAME, "report_stats": False, "enable_registration": False,
            "listeners": [{**listener, "port": MATRIX_PORT, "bind_addresses": [self.address], "tls": False},
                          {**listener, "port": MATRIX_TLS_PORT, "bind_addresses": [COLLECTOR_ADDRESS], "tls": True}],
            "tls_certificate_path": str(self.lab.path("collector.crt")),
            "tls_private_key_path": str(self.lab.path("collector.key")),
            "database": {"name": "sqlite3", "args": {"database": str(self.lab.path("synapse.sqlite"))}},
            "media_store_path": str(self.lab.path("synapse-media")),
            "signing_key_path": str(self.lab.path("synapse.key")),
            "pid_file": str(self.lab.path("synapse.pid")), "log_config": str(self.log_configuration()),
            "registration_shared_secret": self.secret, "trusted_key_servers": [],
            "suppress_key_server_warning": True, "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
        }))

    def log_configuration(self):
        path = self.lab.path("synapse-log.yaml")
        path.write_text(json.dumps({
            "version": 1, "handlers": {"out": {"class": "logging.StreamHandler"}},
            "root": {"level": "WARNING", "handlers": ["out"]}}))
        return path

    def register(self):
        """By the shared secret, as the administrator's own tool does."""
        place = f"{self.url}/_synapse/admin/v1/register"
        nonce, password = ask(place)["nonce"], secrets.token_hex(16)
        said = "\0".join((nonce, MATRIX_USER, password, "notadmin")).encode()
        mac = hmac.new(self.secret.encode(), said, hashlib.sha1).hexdigest()
        answer = ask(place, {"nonce": nonce, "username": MATRIX_USER, "password": password, "admin": False, "mac": mac})
        self.token = answer["access_token"]

    def api(self, method, path, body=None):
        return ask(f"{self.url}/_matrix/client/v3{path}", body, method, {"Authorization": f"Bearer {self.token}"})

    def messages(self):
        """Contents of the room's messages with their moments in seconds, from the first to the last."""
        found, place = [], f"/rooms/{urllib.parse.quote(self.room)}/messages?dir=f&limit=100"
        following = ""
        while True:
            page = self.api("GET", place + following)
            found += [{"at": event["origin_server_ts"] / 1_000, **event["content"]} for event in page["chunk"]
                      if event["type"] == "m.room.message"]
            if "end" not in page or not page["chunk"]:
                return found
            following = "&from=" + urllib.parse.quote(page["end"])


def logs(lab):
    """Where each of them writes."""
    return {name: lab.path("log", f"{name}.log") for name in ("chats", "alertmanager-0", "alertmanager-1", "synapse")}


def require():
    if complaint := missing():
        raise LabError(complaint)
