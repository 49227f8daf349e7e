# SPDX-License-Identifier: Apache-2.0
"""What may come to the agents' port: each is refused, counted and logged once with its reason, and
the agents' streams are not disturbed."""

import pathlib
import subprocess
import time
import urllib.request

import demo

PORT = "192.168.100.1", 10443

# Runs inside the collector's namespace, where the port is; prints nothing.
GARBAGE = """
import os, socket
s = socket.create_connection(("192.168.100.1", 10443), 5)
s.sendall(os.urandom(4096)); s.settimeout(5)
try:
    while s.recv(4096): pass
except OSError: pass
"""
HALF_OPEN = """
import socket, time
s = [socket.create_connection(("192.168.100.1", 10443), 5) for _ in range(20)]
time.sleep(13)
"""
TLS = """
import socket, ssl, sys
folder, certificate, payload = sys.argv[1:4]
c = ssl.create_default_context(cafile=folder + "/ca.crt")
if certificate != "-": c.load_cert_chain(certificate + ".crt", certificate + ".key")
s = c.wrap_socket(socket.create_connection(("192.168.100.1", 10443), 5), server_hostname="collector")
s.settimeout(8)
try:
    s.sendall(bytes.fromhex(payload))
    while s.recv(4096): pass
except OSError: pass
"""
# hello of node n5, from n1's certificate; then a frame that claims 2 GB.
HELLO_OF_N5 = "0000000b" + "01" + "01" + "02" + "6e35" + "e807" + "03" + "782e79"
OVERSIZED = "7fffffff02"


def refused(running):
    """The counters of refusals by reason."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    text = opener.open(running.url + "/metrics", timeout=5).read().decode()
    rows = [line for line in text.splitlines() if line.startswith("podpath_agent_refused_total{")]
    return {row.split('"')[1]: int(row.rsplit(" ", 1)[1]) for row in rows}


def attack(identity, running, script, arguments, expected, limit=20):
    """Runs the script; the expected reason's counter must rise, and the fleet stay well."""
    before = refused(running)
    seen = len(running.transitions())
    demo.lab(identity, "exec", "collector", "python3", "-c", script, *arguments)

    def counted():
        now = refused(running)
        return [r for r in now if expected in r and now[r] > before.get(r, 0)]

    demo.wait(f"a counted refusal for {expected!r}", limit, counted)
    problems = [] if running.is_well() else ["the fleet is not well"]
    problems += [f"said: {alert['summary']}" for alert in running.transitions()[seen:]]
    log = (running.alerts.parent / "log" / "collector.log").read_text()
    if not any("refused" in line and expected in line for line in log.splitlines()):
        problems.append(f"no log line names {expected!r}")
    return problems


def foreign_certificate(folder):
    """A certificate of another authority, named like a node."""
    base = pathlib.Path(folder) / "foreign"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=n1", "-addext", "subjectAltName=DNS:n1", "-days", "2",
         "-keyout", f"{base}.key", "-out", f"{base}.crt"],
        check=True, stderr=subprocess.DEVNULL)
    return str(base)


def cases(identity, running):
    folder = str(running.alerts.parent)
    own = f"{folder}/n1"

    def with_foreign():
        return attack(identity, running, TLS, [folder, foreign_certificate(folder), ""], "handshake")

    return [
        ("garbage at the agents' port is refused",
         lambda: attack(identity, running, GARBAGE, [], "handshake")),
        ("a certificate of another authority is refused", with_foreign),
        ("no certificate is refused",
         lambda: attack(identity, running, TLS, [folder, "-", ""], "no hello")),
        ("neither certificate nor token is refused",
         lambda: attack(identity, running, TLS, [folder, "-", HELLO_OF_N5], "no token, and no certificate")),
        ("another node's name is refused",
         lambda: attack(identity, running, TLS, [folder, own, HELLO_OF_N5], "certificate of another node")),
        ("an oversized frame is refused",
         lambda: attack(identity, running, TLS, [folder, own, OVERSIZED], "bad frame")),
        ("half-open connections end",
         lambda: attack(identity, running, HALF_OPEN, [], "handshake not finished")),
    ]
