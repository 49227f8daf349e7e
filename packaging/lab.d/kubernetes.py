# SPDX-License-Identifier: Apache-2.0
"""Kubernetes in the lab: the API emulator, told what is really there, and what people can change in it."""

import time

import control
import exposure
from state import REPOSITORY, LabError, until
from topology import COLLECTOR, COLLECTOR_ADDRESS, NODES, SERVICES

EMULATOR = REPOSITORY / "Tests/Emulators/kubernetes.py"
PORT = 6443
TOKEN = "lab-only-7f3a"
# As old as the reference site's.
MINOR = 19


def control_socket(lab):
    return lab.path("kubernetes.sock")


def start(lab):
    for file, text in (("kubernetes-token", TOKEN + "\n"), ("kubeconfig", kubeconfig())):
        lab.path(file).write_text(text)
        lab.path(file).chmod(0o600)
    lab.start("kubernetes", COLLECTOR, "python3", "-B", EMULATOR,
              "--listen", f"{COLLECTOR_ADDRESS}:{PORT}", "--certificate", lab.path("collector.crt"),
              "--key", lab.path("collector.key"), "--token-file", lab.path("kubernetes-token"),
              "--control", control_socket(lab), "--minor", str(MINOR))
    until(lambda: answers(lab), 10, f"the Kubernetes emulator does not answer: {lab.path('log')}")
    ask(lab, {"offer": ["ciliumnodes", "virtualservers", "transportservers"]})
    put(lab, *everything())


def kubeconfig():
    return f"""apiVersion: v1
kind: Config
current-context: lab
contexts: [{{ name: lab, context: {{ cluster: lab, user: podpath }} }}]
clusters: [{{ name: lab, cluster: {{ server: "https://{COLLECTOR_ADDRESS}:{PORT}", certificate-authority: ca.crt }} }}]
users: [{{ name: podpath, user: {{ tokenFile: kubernetes-token }} }}]
"""


def answers(lab):
    try:
        return bool(ask(lab, {"state": True}))
    except LabError:
        return False


def ask(lab, request):
    """One command on the emulator's control socket."""
    return control.ask(control_socket(lab), request, "the Kubernetes emulator")


def put(lab, *objects):
    ask(lab, {"put": list(objects)})


def delete(lab, *objects):
    ask(lab, {"delete": [{"kind": each["kind"], **each["metadata"]} for each in objects]})


# Objects


def everything():
    return [*(node(each) for each in NODES), *(cilium_node(each) for each in NODES),
            *(service(name) for name in SERVICES), *(slice_of(name) for name in SERVICES),
            *exposure.objects(), *masquerade()]


def node(each, cidr=None, ready=True, **spec):
    cidrs = [cidr or each.cidr]
    addresses = [{"type": "InternalIP", "address": address} for address in each.addresses]
    return {"kind": "Node", "metadata": {"name": each.name},
            "spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs, **spec},
            "status": {"addresses": addresses,
                       "conditions": [{"type": "Ready", "status": str(bool(ready))}]}}


def bare_node(name):
    """One that came just now, and that nobody gave a pod CIDR."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"kind": "Node", "metadata": {"name": name, "creationTimestamp": now}, "spec": {},
            "status": {"conditions": []}}


def cilium_node(each, cidr=None):
    return {"kind": "CiliumNode", "metadata": {"name": each.name},
            "spec": {"addresses": [{"type": "InternalIP", "ip": each.addresses[0]}],
                     "ipam": {"podCIDRs": [cidr or each.cidr]}}}


def service(name):
    return {"kind": "Service",
            "metadata": {"name": name, "namespace": "default", "labels": exposure.service_labels(name)},
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 80}]}}


def slice_of(name, without=(), also=(), nodes=None):
    """The service's pods: one on each node, but for the nodes left out, and some that are no more than that."""
    pods = [(f"{each.pod_network}.{SERVICES[name]}", each.name)
            for each in nodes or NODES if each.name not in without]
    endpoints = [{"addresses": [address], "conditions": {"ready": True}, "nodeName": on}
                 for address, on in [*pods, *also]]
    return {"kind": "EndpointSlice",
            "metadata": {"name": f"{name}-1", "namespace": "default",
                         "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 80}], "endpoints": endpoints}


def masquerade(inside="10.0.0.0/8"):
    """What leaves the nodes with the pod's own address: Cilium's word for it, and the agent's beside it."""
    agent = f"nonMasqueradeCIDRs:\n- {inside}\nmasqLinkLocal: false\nresyncInterval: 60s\n"
    cilium = {"native-routing-cidr": inside, "masquerade": "true", "enable-bpf-masquerade": "false",
              "tunnel": "disabled", "ipam": "kubernetes"}
    return [system_map("cilium-config", cilium), system_map("ip-masq-agent", {"config": agent})]


def system_map(name, data):
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "kube-system"}, "data": data}
