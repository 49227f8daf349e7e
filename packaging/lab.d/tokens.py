# SPDX-License-Identifier: Apache-2.0
"""ServiceAccount tokens in the lab: an agent is a pod of the emulated cluster, and its token is made there; what the
kubelet does with the file is done here."""

import os

import kubernetes
import podpath

NAMESPACE = "podpath"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def pod_name(node):
    return f"podpath-agent-{node.name}"


def pod(node, uid=None, **metadata):
    metadata |= {"uid": uid} if uid else {}
    return {"kind": "Pod", "metadata": {"name": pod_name(node), "namespace": NAMESPACE, **metadata},
            "spec": {"nodeName": node.name}}


def make(lab, node, **order):
    """A token of the node's agent; `seconds` is its life."""
    kubernetes.put(lab, pod(node))
    return kubernetes.ask(lab, {"token": {"pod": pod_name(node), **order}})["token"]


def mount(lab, node, token):
    """As a kubelet writes it: whole, or not at all."""
    file = podpath.token_file(lab, node)
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(token)
    os.replace(fresh, file)


def use(lab, *nodes, **order):
    """These agents bring tokens from now on."""
    for node in nodes:
        mount(lab, node, make(lab, node, **order))
        podpath.restart_agent(lab, node)


def leave(lab, *nodes):
    """These have certificates again."""
    for node in nodes:
        podpath.token_file(lab, node).unlink(missing_ok=True)
        podpath.restart_agent(lab, node)
        kubernetes.delete(lab, pod(node))


def rotate(lab, node, **order):
    """A new token, of which the agent is told: by itself it looks once a minute."""
    mount(lab, node, make(lab, node, **order))
    reload(lab, node)


def reload(lab, node):
    lab.run(None, "kill", "-s", "HUP", str(lab.pid(f"agent-{node.name}")))
