#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the F5 controller in cluster mode: keeps the BIG-IP emulator's pools in step with the
EndpointSlices of what ConfigMaps, VirtualServers and declarations for AS3 expose, once a second, as the real one
does in its longer rounds.

    cis.py API CA TOKEN-FILE BIGIP-SOCKET MOOD-FILE

An endpoint is a member if it is ready and its node is known and Ready (the controller's node cache). The
mood file may be missing or hold one word: `frozen` (it applies nothing) or `empties POOL` (an answer that
it took for empty; the pool's full path).
"""

import http.client
import json
import pathlib
import socket
import ssl
import sys
import time
import urllib.request

CORE = "/api/v1"
SLICES = "/apis/discovery.k8s.io/v1beta1/endpointslices"
EXPOSING = CORE + "/configmaps?labelSelector=f5type%3Dvirtual-server"
RESOURCES = "/apis/cis.f5.com/v1/virtualservers?labelSelector=f5cr%3Dtrue"
PARTITION = "K8S"


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
    """Full path of a pool → members."""
    nodes, services, maps, resources, slices = (read(api, context, token, path) for path in (
        CORE + "/nodes", CORE + "/services", EXPOSING, RESOURCES, SLICES))
    ready = ready_nodes(nodes)
    pools = [*of_config_maps(maps), *of_resources(resources), *of_declarations(maps, services)]
    return {pool: members(slices, service, ready) for pool, service in pools}


# Pools and their services


def is_declaration(config_map):
    return config_map["metadata"]["labels"].get("as3") == "true"


def of_config_maps(maps):
    for each in maps:
        if is_declaration(each):
            continue
        virtual, metadata = json.loads(each["data"]["data"])["virtualServer"], each["metadata"]
        service = virtual["backend"]["serviceName"]
        yield (f"/{virtual['frontend']['partition']}/cfgmap_{metadata['namespace']}_{metadata['name']}_{service}",
               service)


def of_resources(resources):
    for each in resources:
        spec, namespace = each["spec"], each["metadata"]["namespace"]
        for pool in spec["pools"]:
            words = [pool["service"], pool["servicePort"], namespace, *([spec["host"]] if spec.get("host") else [])]
            name = "_".join(map(str, words)).translate(str.maketrans(".:/-=", "_____"))
            yield f"/{PARTITION}/Shared/{name}", pool["service"]


def of_declarations(maps, services):
    """Each pool of each application of each tenant, where a Service is labelled for it."""
    labelled = {as3_labels(each): each["metadata"]["name"] for each in services}
    for each in filter(is_declaration, maps):
        for path in pools_declared(json.loads(each["data"]["template"])["declaration"]):
            if path in labelled:
                yield "/" + "/".join(path), labelled[path]


def as3_labels(service):
    labels = service["metadata"].get("labels") or {}
    return tuple(labels.get(f"cis.f5.com/as3-{word}") for word in ("tenant", "app", "pool"))


def pools_declared(declaration):
    for tenant, applications in of_class(declaration, "Tenant"):
        for application, things in of_class(applications, "Application"):
            for pool, _ in of_class(things, "Pool"):
                yield tenant, application, pool


def of_class(things, name):
    return [(key, value) for key, value in things.items() if isinstance(value, dict) and value.get("class") == name]


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
