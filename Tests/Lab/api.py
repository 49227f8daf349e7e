# SPDX-License-Identifier: Apache-2.0
"""The API as it describes itself, held to that by schemathesis, and as a web configuration file guards it."""

import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time

import demo
from state import REPOSITORY

KIND, NODE, PREFIX = "kernel-route-missing", "n3", "10.16.2.0/24"
PROGRAM = REPOSITORY / ".build/debug/podpath-collector"
SCHEMATHESIS = REPOSITORY / ".venv/bin/schemathesis"
# Each operation is tried so often, with values inside its bounds and outside; more finds little and takes minutes.
EXAMPLES = 20
# Of `secret`: made by libcrypt with a salt that anybody may know.
HASH = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


def described(identity, collector):
    """Every operation does what /api/v1/openapi.json says, while something is broken."""
    if not SCHEMATHESIS.exists():
        return ["schemathesis is missing: packaging/setup --checkers installs it"]
    before = {each["id"] for each in collector.get("/api/v1/silences")["silences"]}
    demo.lab(identity, "fault", KIND, "--node", NODE)
    try:
        demo.wait("the incident", demo.READY, collector.firing)
        problems = check(collector.url)
    finally:
        demo.lab(identity, "mend", KIND, "--node", NODE)
        for each in collector.get("/api/v1/silences")["silences"]:
            if each["id"] not in before and each["state"] != "expired":
                ask(collector.url + f"/api/v1/silences/{each['id']}", "--request", "DELETE")
    demo.wait("health", demo.RESOLVE, collector.is_well)
    return problems


def check(url, *options):
    """What schemathesis complains of."""
    # Events go on for ever. One worker: CPython 3.11 does not bear what two do at once (SystemError in ast.parse).
    command = [SCHEMATHESIS, "run", f"{url}/api/v1/openapi.json", "--exclude-path", "/api/v1/events",
               "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
               "--seed", "1", "--generation-database", "none", "--request-timeout", "10", "--no-color",
               "--no-shrink", "--continue-on-failure", *options]
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder, "schemathesis.toml")
        settings.write_text(SETTINGS)
        done = subprocess.run([command[0], "--config-file", settings, *command[1:]], cwd=folder, text=True,
                              capture_output=True, timeout=300)
    tested = re.search(r"(\d+) generated", done.stdout)
    if done.returncode == 0 and tested and int(tested.group(1)) > 100:
        return []
    return [f"schemathesis: exit {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-1000:]}"]


CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "positive_data_acceptance", "missing_required_header",
          "unsupported_method", "allow_header_conformance", "ignored_auth")
# What is well formed may still be no silence: it ends in the past, or is of two things.
SETTINGS = "\n".join(["[checks]", *(f"{name}.enabled = true" for name in CHECKS)]) + """
[[operations]]
include-method = "POST"
checks.positive_data_acceptance.enabled = false
"""


def tagged(_, collector):
    """Who has an answer already is not sent it again, and is when it has changed."""
    problems = []
    for path in ("/api/v1/incidents?state=firing", "/api/v1/paths?limit=2", "/api/v1/silences", "/api/v1/openapi.json"):
        head, _ = ask(collector.url + path, "--head")
        tag = re.search(r"(?im)^etag: (\S+)", head)
        if not tag or " 200 " not in head.splitlines()[0]:
            problems.append(f"{path}: no tag in {head}")
            continue
        _, status = ask(collector.url + path, "--header", f"If-None-Match: {tag.group(1)}")
        if status != 304:
            problems.append(f"{path}: {status} to who has it")
        _, status = ask(collector.url + path, "--header", 'If-None-Match: "x"')
        if status != 200:
            problems.append(f"{path}: {status} to who has another")
    return problems


def paged(_, collector):
    """Page by page as all at once."""
    whole = [each["prefix"] for each in collector.get("/api/v1/paths")["paths"]]
    found, token = [], ""
    while token is not None:
        page = collector.get(f"/api/v1/paths?limit=2{token}")
        found += [each["prefix"] for each in page["paths"]]
        token = f"&next={page['next']}" if "next" in page else None
    return [] if found == whole and len(whole) >= 6 else [f"{found} is not {whole}"]


def refused(_, collector):
    """What is wrong with a request is told as JSON, in a sentence."""
    attempts = [
        (400, "/api/v1/incidents?stat=firing", (), "no such parameter: stat"),
        (400, "/api/v1/paths?limit=0", (), "limit is a number"),
        (404, "/api/v1/nothing", (), "openapi.json"),
        (404, "/api/v1/incidents/none", (), "no such incident"),
        (405, "/api/v1/incidents", ("--request", "POST"), "only GET, HEAD here"),
        (405, "/", ("--request", "DELETE"), "only GET, HEAD here"),
    ]
    problems = []
    for status, path, options, words in attempts:
        body, answer = ask(collector.url + path, *options)
        try:
            reason = json.loads(body)["error"]
        except (ValueError, KeyError):
            reason = f"no JSON: {body}"
        if answer != status or words not in reason:
            problems.append(f"{path}: {answer} {reason}")
    return problems


def left(_, collector):
    """Who asks for events and goes takes no place: there are 256 for those who listen."""
    host = collector.url.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=20)
    for _ in range(300):
        connection.request("HEAD", "/api/v1/events")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            return [f"HEAD is answered with {answer.status}"]
    connection.request("GET", "/api/v1/events")
    with connection.getresponse() as answer:
        first = answer.readline()
    return [] if answer.status == 200 and first.startswith(b"retry:") else [f"{answer.status} {first}"]


def ask(url, *options):
    """What curl is answered, and the status."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--write-out", "\n%{http_code}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return body + done.stderr, int(status or 0)


# A collector of its own, without a lab: what guards it is the same.


class Guarded:
    """A collector on a free port of this host, whose web configuration may be written anew."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.folder / "collector.yaml").write_text(
            f"pod-cidrs: [10.16.0.0/16]\nnodes: {{ from: file, file: nodes.yaml }}\n"
            f"http: {{ listen: 127.0.0.1:{self.port}, web-config-file: web.yml }}\n")
        (self.folder / "nodes.yaml").write_text("nodes: [{ name: n1, pod-cidrs: [10.16.0.0/24] }]\n")

    def write(self, text):
        (self.folder / "web.new").write_text(text)
        (self.folder / "web.new").rename(self.folder / "web.yml")

    @contextlib.contextmanager
    def running(self):
        with (self.folder / "log").open("w") as log, subprocess.Popen(
                [PROGRAM, "serve", "--config", self.folder / "collector.yaml"], stdout=log, stderr=log) as process:
            try:
                demo.wait("the port", 60, self.answers)
                yield
            finally:
                process.terminate()

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def command(self, *words, url, **environment):
        """What a command prints, and its exit code."""
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60,
                              env={"PATH": "/usr/bin:/bin", "PODPATH_URL": url, **environment})
        return done.stdout + done.stderr, done.returncode


def certificates(folder):
    """An authority, a server's certificate and a client's, and a client's of nobody."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    for name in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2",
                "-copy_extensions", "copy", "-out", f"{name}.crt")


def wanted(problems, what, found, expected):
    if found != expected:
        problems.append(f"{what}: {found}, not {expected}")


def passwords(*_):
    """Nobody is answered without a name and its password; the file counts when it is written, and not if it is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        guarded, problems = Guarded(folder), []
        url = f"http://127.0.0.1:{guarded.port}"
        guarded.write(f"basic_auth_users:\n  ann: {HASH}\nhttp_server_config:\n  headers:\n    X-Frame-Options: DENY\n")
        with guarded.running():
            for path in ("/", "/api/v1/sources", "/metrics", "/healthz", "/readyz", "/nothing"):
                wanted(problems, f"nobody at {path}", ask(url + path)[1], 401)
            wanted(problems, "a wrong password", ask(url + "/healthz", "--user", "ann:wrong")[1], 401)
            wanted(problems, "a wrong name", ask(url + "/healthz", "--user", "bob:secret")[1], 401)
            wanted(problems, "name and password", ask(url + "/healthz", "--user", "ann:secret")[1], 200)
            head, _ = ask(url + "/healthz", "--head")
            if "x-frame-options: deny" not in head.lower() or "www-authenticate: basic" not in head.lower():
                problems.append(f"headers are missing: {head}")
            text, code = guarded.command("status", url=url)
            if code != 2 or "--user-file" not in text:
                problems.append(f"status without a password: {code} {text}")
            (guarded.folder / "user").write_text("ann:secret\n")
            text, code = guarded.command("status", "--user-file", str(guarded.folder / "user"), url=url)
            if "1 pod CIDR" not in text:
                problems.append(f"status with a password: {code} {text}")
            guarded.write("basic_auth_users:\n  ann: secret\n")
            time.sleep(6)  # looked at every two seconds, and read when it lay there unchanged
            wanted(problems, "after a mistake in the file", ask(url + "/healthz", "--user", "ann:secret")[1], 200)
            guarded.write("basic_auth_users: {}\n")
            demo.wait("the file to count", 20, lambda: ask(url + "/healthz")[1] == 200)
            log = (guarded.folder / "log").read_text()
            if "bcrypt" not in log or "secret" in log:
                problems.append(f"the log: {log}")
        return problems


def clients(*_):
    """TLS with a client's certificate: others get no word; what the files hold later counts for who comes later."""
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        guarded, problems = Guarded(folder), []
        url, ca = f"https://127.0.0.1:{guarded.port}", ("--cacert", f"{folder}/ca.crt")
        own = ("--cert", f"{folder}/client.crt", "--key", f"{folder}/client.key")
        other = ("--cert", f"{folder}/stranger.crt", "--key", f"{folder}/stranger.key")
        guarded.write("tls_server_config: { cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, "
                      f"client_auth_type: RequireAndVerifyClientCert, min_version: TLS13 }}\nbasic_auth_users: {{ ann: {HASH} }}\n")
        with guarded.running():
            user = ("--user", "ann:secret")
            wanted(problems, "no certificate", ask(url + "/healthz", *ca, *user)[1], 0)
            wanted(problems, "a stranger's", ask(url + "/healthz", *ca, *user, *other)[1], 0)
            wanted(problems, "no TLS", ask(url.replace("https", "http") + "/healthz", *user)[1], 0)
            wanted(problems, "TLS 1.2", ask(url + "/healthz", *ca, *user, *own, "--tls-max", "1.2")[1], 0)
            wanted(problems, "a certificate, no password", ask(url + "/healthz", *ca, *own)[1], 401)
            wanted(problems, "both", ask(url + "/healthz", *ca, *user, *own)[1], 200)
            here = f"https://ann:secret@127.0.0.1:{guarded.port}"
            words = ("--certificate", f"{folder}/client.crt", "--key", f"{folder}/client.key")
            text, code = guarded.command("status", *words, url=here, PODPATH_CA=f"{folder}/ca.crt")
            if "1 pod CIDR" not in text:
                problems.append(f"status over TLS: {code} {text}")
            text, code = guarded.command("status", *words, url=here)
            if code != 2 or "--ca FILE" not in text or "secret" in text:
                problems.append(f"status that knows no authority: {code} {text}")
            problems += renewed(guarded, url, (*ca, *user, *own))
        return problems


def renewed(guarded, url, options):
    """A certificate that is written anew is shown to who comes next."""
    def serial():
        text, _ = ask(url + "/healthz", *options, "--verbose")
        return re.search(r"subject: (.*)", text)[1] if "subject:" in text else text

    before = serial()
    subprocess.run("openssl req -new -key server.key -subj /CN=renewed -addext subjectAltName=IP:127.0.0.1 -out server.csr && "
                   "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -copy_extensions copy -out server.new && "
                   "mv server.new server.crt", shell=True, cwd=guarded.folder, check=True, capture_output=True, timeout=60)
    demo.wait("the new certificate", 20, lambda: "renewed" in serial())
    return [] if "renewed" not in before else ["the certificate was new before it was"]


def cases(identity, collector):
    return [
        ("api: it is as it describes itself", lambda: described(identity, collector)),
        ("api: what is known is not sent again", lambda: tagged(identity, collector)),
        ("api: page by page", lambda: paged(identity, collector)),
        ("api: who goes takes no place", lambda: left(identity, collector)),
        ("api: what is wrong is told", lambda: refused(identity, collector)),
        ("api: names and passwords", passwords),
        ("api: TLS and clients' certificates", clients),
    ]
