#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the F5 controller in cluster mode: keeps the BIG-IP emulator's pools in step with the
EndpointSlices of what the ConfigMaps expose, once a second, as the real one does in its longer rounds.

    cis.py API CA TOKEN-FILE BIGIP-SOCKET MOOD-FILE

An endpoint is a member if it is ready and its node is known and Ready (the controller's node cache). The
mood file may be missing or hold one word: `frozen` (it applies nothing) or `empties POOL` (an answer that
it took for empty).
"""

import http.client
import json
import pathlib
import socket
import ssl
import sys
import time
import urllib.request


def read(api, context, token, path):
    request = urllib.request.Request(api + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=context, timeout=5) as answer:
        return json.load(answer)["items"]


def ready_nodes(nodes):
    return {node["metadata"]["name"] for node in nodes
            if any(each["type"] == "Ready" and each["status"] == "True"
                   for each in node.get("status", {}).get("conditions", []))}


def members(slices, service, nodes):
    found = set()
    for each in slices:
        if each["metadata"].get("labels", {}).get("kubernetes.io/service-name") != service:
            continue
        for endpoint in each.get("endpoints") or []:
            on = endpoint.get("nodeName") or endpoint.get("topology", {}).get("kubernetes.io/hostname")
            if endpoint.get("conditions", {}).get("ready", True) and on in nodes:
                found |= {f"{address}:{port['port']}" for address in endpoint["addresses"]
                          for port in each["ports"]}
    return sorted(found)


def wanted(api, context, token):
    """Pool name → members."""
    nodes = ready_nodes(read(api, context, token, "/api/v1/nodes"))
    slices = read(api, context, token, "/apis/discovery.k8s.io/v1beta1/endpointslices")
    pools = {}
    for each in read(api, context, token, "/api/v1/configmaps?labelSelector=f5type%3Dvirtual-server"):
        service = json.loads(each["data"]["data"])["virtualServer"]["backend"]["serviceName"]
        name = f"cfgmap_{each['metadata']['namespace']}_{each['metadata']['name']}_{service}"
        pools[name] = members(slices, service, nodes)
    return pools


def apply(control, pools):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(control)
        connection.sendall(json.dumps({"members": pools}).encode() + b"\n")
        reply = json.loads(connection.makefile().readline())
        if not reply.get("ok"):
            raise ValueError(reply.get("error"))


def mood(file):
    try:
        return pathlib.Path(file).read_text().split()
    except OSError:
        return []


def main():
    api, ca, token_file, control, mood_file = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    token = pathlib.Path(token_file).read_text().strip()
    applied = None
    while True:
        word = mood(mood_file)
        try:
            pools = wanted(api, context, token)
            if word[:1] == ["empties"]:
                pools[word[1]] = []
            # What is as it was is not written again: that would reset every monitor.
            changed = {name: value for name, value in pools.items() if (applied or {}).get(name) != value}
            if word[:1] != ["frozen"] and changed:
                apply(control, changed)
                applied = {**(applied or {}), **changed}
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            print(f"cis: {error}", flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
