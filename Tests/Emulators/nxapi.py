#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An emulator of NX-API (POST /ins, ins_api or JSON-RPC) whose answers are the RIB of a real FRR, in the dialects of
NX-OS: JSON collapsed or native, or text. Standard library only; it never prints a password.

    nxapi.py --listen ADDRESS:PORT --certificate C --key K --vtysh DIRECTORY --user NAME
             --password-file FILE --mood FILE

The mood file is read at each request, and may be missing or hold a JSON object:
    "release"   what `show version` tells, "9.3(4)" unless set; "7.1(4)N1(1)" is a 5000's
    "dialect"   "collapsed" (unless set) or "native"
    "refuses"   commands that have no structured output: code 501 for any that contains one of these
    "faults"    {"status": 500} · {"cut": 0.5} · {"slow": 3} · {"empty": true} · {"cookie": true} (every
                cookie is refused once) · {"code": "400"} · {"twice": true} (each VRF's row stands twice) ·
                {"frozen": true} (the table as it was when this was first seen) · {"busy": 2} (every second
                request is refused with 503)
Counted on GET /counts: requests, the most at once since the last time, logins without a cookie, requests that were refused.
"""
import argparse
import base64
import json
import pathlib
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METHODS = {"cli": "cli_show", "cli_ascii": "cli_show_ascii"}
ALLOWED = ("show version", "show bgp ipv4 unicast summary vrf all", "show ip route bgp vrf all",
           "show bgp ipv6 unicast summary vrf all", "show ipv6 route bgp vrf all")


class FRR:
    def __init__(self, directory):
        self.command = ["vtysh", "--vty_socket", directory]

    def show(self, command):
        done = subprocess.run([*self.command, "-c", f"show {command} json"], capture_output=True, text=True, timeout=10)
        return json.loads(done.stdout or "{}")

    def routes(self):
        """prefix → its paths, of prefixes that BGP has a path of."""
        table = self.show("ip route")
        found = {}
        for prefix, entries in table.items():
            if any(entry["protocol"] == "bgp" for entry in entries):
                found[prefix] = [path for entry in entries for path in self.paths(entry)]
        return found

    @staticmethod
    def paths(entry):
        is_best = bool(entry.get("selected")) and bool(entry.get("installed"))
        hops = [hop for hop in entry.get("nexthops", []) if not hop.get("resolver")]
        name = "bgp-64512" if entry["protocol"] == "bgp" else entry["protocol"]
        for hop in hops:
            path = {"uptime": "P1DT2H3M4S", "pref": entry.get("distance", 0), "metric": entry.get("metric", 0), "clientname": name}
            if "ip" in hop:
                path["ipnexthop"] = hop["ip"]
            else:
                path["ifname"] = hop.get("interfaceName", "Null0")
            if name.startswith("bgp"):
                path |= {"type": "internal", "tag": 64512}
            if is_best:
                path["ubest"] = "true"
            yield path

    def neighbors(self):
        summary = self.show("bgp ipv4 unicast summary")
        return [(name, peer["state"], peer.get("pfxRcd", 0)) for name, peer in summary.get("peers", {}).items()]


def route_body(routes):
    rows = [{"ipprefix": prefix, "ucast-nhops": sum("ubest" in path for path in paths), "mcast-nhops": 0, "attached": "false",
             "TABLE_path": {"ROW_path": paths}} for prefix, paths in routes.items()]
    family = {"addrf": "ipv4"} | ({"TABLE_prefix": {"ROW_prefix": rows}} if rows else {})
    return {"TABLE_vrf": {"ROW_vrf": [{"vrf-name-out": "default", "TABLE_addrf": {"ROW_addrf": [family]}}]}}


def summary_body(neighbors):
    rows = [{"neighborid": name, "neighborversion": 4, "neighboras": "64512", "msgrecvd": 10, "msgsent": 10, "time": "PT1H",
             "state": state if state in ("Established", "Idle", "Active", "Connect") else "Idle", "prefixreceived": count}
            for name, state, count in neighbors]
    saf = {"safi": 1, "af-name": "IPv4 Unicast", "configuredpeers": len(rows)} | ({"TABLE_neighbor": {"ROW_neighbor": rows}} if rows else {})
    row = {"vrf-name-out": "default", "vrf-router-id": "10.2.0.254", "vrf-local-as": "64512",
           "TABLE_af": {"ROW_af": [{"af-id": 1, "TABLE_saf": {"ROW_saf": [saf]}}]}}
    return {"TABLE_vrf": {"ROW_vrf": [row]}}


def collapsed(value):
    """One row is an object, and every leaf is text."""
    if isinstance(value, dict):
        return {key: collapsed(one[0] if key.startswith("ROW_") and isinstance(one, list) and len(one) == 1 else one)
                for key, one in value.items()}
    if isinstance(value, list):
        return [collapsed(one) for one in value]
    return value if isinstance(value, str) else str(value)


def rows_collapsed(value):
    """JSON-RPC's dialect: one row is an object, and numbers stay numbers."""
    if isinstance(value, dict):
        return {key: rows_collapsed(one[0] if key.startswith("ROW_") and isinstance(one, list) and len(one) == 1 else one)
                for key, one in value.items()}
    return [rows_collapsed(one) for one in value] if isinstance(value, list) else value


def twice(body):
    rows = body["TABLE_vrf"]["ROW_vrf"]
    return {"TABLE_vrf": {"ROW_vrf": [{"vrf-name-out": rows[0]["vrf-name-out"], **({"vrf-router-id": "10.2.0.254"} if "vrf-router-id" in rows[0] else {})}, *rows]}}


def route_text(routes):
    lines = ['IP Route Table for VRF "default"', "'*' denotes best ucast next-hop", "'**' denotes best mcast next-hop",
             "'[x/y]' denotes [preference/metric]", "'%<string>' in via output denotes VRF <string>", ""]
    for prefix, paths in routes.items():
        lines.append(f"{prefix}, ubest/mbest: {sum('ubest' in path for path in paths)}/0")
        for path in paths:
            way = path.get("ipnexthop") or path["ifname"]
            tail = f", {path['type']}, tag {path['tag']}," if "tag" in path else ""
            star = "*" if "ubest" in path else " "
            lines.append(f"    {star}via {way}, [{path['pref']}/{path['metric']}], 1d02h, {path['clientname']}{tail}")
    return "\n".join([*lines, ""])


def summary_text(neighbors):
    lines = ["BGP summary information for VRF default, address family IPv4 Unicast",
             "BGP router identifier 10.2.0.254, local AS number 64512", "",
             "Neighbor        V    AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd"]
    for name, state, count in neighbors:
        lines.append(f"{name:15} 4 64512      10      10        5    0    0 01:00:00 {count if state == 'Established' else state}")
    return "\n".join([*lines, ""])


class Switch:
    def __init__(self, options):
        self.frr = FRR(options.vtysh)
        self.mood_file = pathlib.Path(options.mood)
        password = pathlib.Path(options.password_file).read_text().strip()
        self.credentials = "Basic " + base64.b64encode(f"{options.user}:{password}".encode()).decode()
        self.lock = threading.Lock()
        self.counts = {"requests": 0, "now": 0, "most": 0, "logins": 0, "forbidden": 0}
        self.refused_cookies = set()
        self.cookie = 0
        self.frozen = None

    @property
    def mood(self):
        try:
            return json.loads(self.mood_file.read_text())
        except (OSError, ValueError):
            return {}

    def output(self, command, kind, mood):
        faults = mood.get("faults", {})
        if "code" in faults:
            return {"input": command, "msg": "Input CLI command error", "code": faults["code"], "clierror": "% Invalid command"}
        if kind == "cli_show" and any(word in command for word in mood.get("refuses", [])):
            return {"input": command, "msg": "Structured output unsupported", "code": "501"}
        return {"input": command, "msg": "Success", "code": "200", "body": self.body(command, kind, mood)}

    def body(self, command, kind, mood):
        is_text = kind == "cli_show_ascii"
        if command == "show version":
            release = mood.get("release", "9.3(4)")
            return f"Software\n  {'system:    version' if 'N' in release else 'NXOS: version'} {release}\n"
        if "ipv6" in command:
            return "" if is_text else {}
        if "summary" in command:
            neighbors = self.frr.neighbors()
            return summary_text(neighbors) if is_text else self.dressed(summary_body(neighbors), mood)
        routes = self.routes(mood)
        return route_text(routes) if is_text else self.dressed(route_body(routes), mood)

    def routes(self, mood):
        if not mood.get("faults", {}).get("frozen"):
            self.frozen = None
            return self.frr.routes()
        self.frozen = self.frozen or self.frr.routes()
        return self.frozen

    @staticmethod
    def dressed(body, mood):
        if mood.get("faults", {}).get("twice"):
            body = twice(body)
        if mood.get("dialect") == "rpc":
            return rows_collapsed(body)
        return body if mood.get("dialect") == "native" else collapsed(body)

    def rpc(self, request, mood):
        """One JSON-RPC call's reply, and the status with which it goes."""
        output = self.output(request["params"]["cmd"], METHODS[request["method"]], mood | {"dialect": "rpc"})
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if output["code"] != "200":
            words = output.get("clierror", output["msg"]) + "\n"
            code = 501 if output["code"] == "501" else -32602
            return 500, reply | {"error": {"code": code, "message": "Invalid params", "data": {"msg": words}}}
        body = output["body"]
        return 200, reply | {"result": {"msg": body} if isinstance(body, str) else {"body": body} if body else None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nginx/1.7.10", ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        counts = self.server.switch.counts
        self.answer(200, json.dumps(counts).encode())
        # A client that was killed while it waited leaves its request here for a while.
        counts["most"] = counts["now"]

    def do_POST(self):
        switch = self.server.switch
        with switch.lock:
            switch.counts["requests"] += 1
            switch.counts["now"] += 1
            switch.counts["most"] = max(switch.counts["most"], switch.counts["now"])
        try:
            self.serve(switch)
        finally:
            with switch.lock:
                switch.counts["now"] -= 1

    def serve(self, switch):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65_536))
        mood = switch.mood
        faults = mood.get("faults", {})
        cookie = self.headers.get("Cookie")
        if faults.get("cookie") and cookie and cookie not in switch.refused_cookies:
            switch.refused_cookies.add(cookie)
            return self.answer(401, b"")
        if self.headers.get("Authorization") != switch.credentials:
            return self.answer(401, b"")
        request = self.understood(json.loads(body))
        if request is None:
            switch.counts["forbidden"] += 1
            return self.answer(400, b"")
        time.sleep(faults.get("slow", 0))
        if "status" in faults:
            return self.answer(faults["status"], b"<html>Back-end processing error.</html>")
        if faults.get("busy") and switch.counts["requests"] % faults["busy"] == 0:
            return self.answer(503, b"<html>503 Service Temporarily Unavailable</html>")
        if faults.get("empty"):
            return self.answer(200, b"")
        status, reply = self.reply(switch, request, mood)
        answer = json.dumps(reply).encode()
        self.answer(status, answer[: int(len(answer) * faults.get("cut", 1))], switch, cookie)

    def understood(self, body):
        """The one command of a request in either envelope, or None if it is no allowed one."""
        is_rpc = self.headers.get("Content-Type") == "application/json-rpc"
        if is_rpc and isinstance(body, list) and len(body) == 1:
            call = body[0]
            return call if call["params"]["cmd"] in ALLOWED and call["method"] in METHODS else None
        call = body.get("ins_api", {}) if isinstance(body, dict) and not is_rpc else {}
        return call if call.get("input") in ALLOWED and call.get("type") in METHODS.values() else None

    @staticmethod
    def reply(switch, request, mood):
        if "jsonrpc" in request:
            return switch.rpc(request, mood)
        output = switch.output(request["input"], request["type"], mood)
        return 200, {"ins_api": {"type": request["type"], "version": "1.0", "sid": "eoc", "outputs": {"output": output}}}

    def answer(self, status, body, switch=None, cookie=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if switch and not cookie:
            with switch.lock:
                switch.counts["logins"] += 1
                switch.cookie += 1
                self.send_header("Set-Cookie", f"nxapi_auth=lab{switch.cookie:08}; Secure; HttpOnly;")
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description="NX-API emulator over FRR's RIB")
    for name in ("--listen", "--certificate", "--key", "--vtysh", "--user", "--password-file", "--mood"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    address, _, port = options.listen.rpartition(":")
    server = ThreadingHTTPServer((address, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.switch = Switch(options)
    print(f"nxapi: listening on {options.listen}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
