# SPDX-License-Identifier: Apache-2.0
"""How the lab's services are exposed to the F5 controller: by ConfigMaps in its own schema, by a VirtualServer,
by a declaration for AS3; and the controller's own Deployment."""

import json

from ltm import UNITS, host, pool_name, virtual_address, virtual_name
from topology import DECLARED, LTM_ADDRESS, PARTITION, POOLS, RESOURCE, TENANT

SCHEMA = "f5schemadb://bigip-virtual-server_v0.1.7.json"
LABELS = {"f5type": "virtual-server"}


def objects():
    return [*(config_map(name) for name in POOLS), virtual_server(RESOURCE), declaration(DECLARED), controller()]


def config_map(name):
    definition = {"virtualServer": {
        "frontend": {"partition": PARTITION, "mode": "http", "balance": "round-robin",
                     "virtualAddress": {"bindAddr": virtual_address(name), "port": 80}},
        "backend": {"serviceName": name, "servicePort": 80}}}
    return {"kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "default", "labels": LABELS},
            "data": {"schema": SCHEMA, "data": json.dumps(definition)}}


def virtual_server(name):
    return {"kind": "VirtualServer",
            "metadata": {"name": name, "namespace": "default", "labels": {"f5cr": "true"}},
            "spec": {"host": host(name), "virtualServerAddress": virtual_address(name), "virtualServerHTTPPort": 80,
                     "pools": [{"path": "/", "service": name, "servicePort": 80, "monitor": {
                         "type": "http", "send": "GET /health.html HTTP/1.0\r\n\r\n", "recv": "server is ok",
                         "interval": 1, "timeout": 4}}]}}


def declaration(name):
    """The pool is named; who belongs in it the controller learns from the labels of the Service."""
    application = {
        "class": "Application", "template": "generic",
        virtual_name(name): {"class": "Service_HTTP", "virtualAddresses": [virtual_address(name)],
                             "pool": pool_name(name)},
        pool_name(name): {"class": "Pool", "monitors": ["http"],
                          "members": [{"servicePort": 80, "serverAddresses": []}]}}
    template = {"class": "AS3", "declaration": {"class": "ADC", "schemaVersion": "3.11.0",
                                                TENANT: {"class": "Tenant", name: application}}}
    return {"kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "default", "labels": {**LABELS, "as3": "true"}},
            "data": {"template": json.dumps(template)}}


def service_labels(name):
    words = {"tenant": TENANT, "app": name, "pool": pool_name(name)} if name == DECLARED else {}
    return {f"cis.f5.com/as3-{word}": value for word, value in words.items()}


def controller(replicas=1, members="cluster"):
    """The controller's Deployment as its own documentation has it."""
    name = "k8s-bigip-ctlr"
    arguments = [f"--bigip-url=https://{LTM_ADDRESS}:{UNITS[0][1]}", f"--bigip-partition={PARTITION}",
                 f"--pool-member-type={members}", "--bigip-username=cis", "--credentials-directory=/tmp/creds"]
    container = {"name": name, "image": "f5networks/k8s-bigip-ctlr:1.14.0",
                 "command": ["/app/bin/k8s-bigip-ctlr"], "args": arguments}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": "kube-system", "labels": {"app": name}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}},
            "status": {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}}
