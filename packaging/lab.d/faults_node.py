# SPDX-License-Identifier: Apache-2.0
"""What can break on a node: kernel, BIRD, its sessions, podpath's agent."""

import bird
import namespaces
import podpath
from state import LabError
from topology import SWITCHES


def of_node(node):
    return {"node": node.name, "prefix": node.cidr}


def only_node(node):
    return {"node": node.name}


def first_uplink(node):
    return {"node": node.name, "uplink": SWITCHES[0].uplink, "switch": SWITCHES[0].name}


def remove_kernel_route(lab, node):
    lab.run(node.name, "ip", "route", "flush", "exact", node.cidr)


def take_device_down(lab, node):
    lab.run(node.name, "ip", "link", "set", "cilium_host", "down")


def kill_bird(lab, node):
    lab.stop(bird.process(node), signal="KILL")


def restart_bird(lab, node):
    lab.stop(bird.process(node))
    configure_bird(lab, node)


def configure_bird(lab, node):
    """BIRD with the configuration the faults in force leave it, started if it does not run."""
    names = {name for name, place in lab.recall("faults", []) if place == node.name}
    bird.write(lab, node, names)
    if lab.pid(bird.process(node)):
        bird.reconfigure(lab, node)
    else:
        bird.start(lab, node)


def disable_session(lab, node):
    bird.ask(lab, node, f"disable {SWITCHES[0].uplink}")


def enable_session(lab, node):
    bird.ask(lab, node, f"enable {SWITCHES[0].uplink}")


def silence_agent(lab, node):
    name = f"agent-{node.name}"
    if lab.pid(name) is None and not lab.path("pid", name).exists():
        raise LabError(f"no agent runs on {node.name}: packaging/lab podpath start")
    lab.stop(name, signal="KILL")


def start_agent(lab, node):
    if lab.path("pid", f"agent-{node.name}").exists():
        podpath.start(lab, [f"agent-{node.name}"])


def configured(name, summary, subject, **more):
    return dict(name=name, summary=summary, apply=configure_bird, mend=configure_bird,
                subject=subject, **more)


FAULTS = [
    dict(name="kernel-route-missing", summary="the node's kernel loses the route of its pod CIDR",
         apply=remove_kernel_route, mend=namespaces.restore_pod_route, subject=of_node),
    dict(name="kernel-device-down", summary="cilium_host goes down",
         apply=take_device_down, mend=namespaces.restore_pod_route, subject=of_node),
    dict(name="bird-unreachable", summary="BIRD is killed (SIGKILL)",
         apply=kill_bird, mend=configure_bird, subject=only_node),
    configured("bird-route-missing", "BIRD's static no longer holds the CIDR", of_node),
    configured("bird-config-drift", f"BIRD announces {bird.DRIFTED} instead of the node's CIDR",
               of_node),
    configured("bird-route-unreachable", "BIRD's static route becomes unreachable", of_node),
    configured("not-exported", "both uplinks' export filters reject the CIDR", of_node),
    dict(name="session-disabled", summary="an operator disables uplink0 in BIRD",
         apply=disable_session, mend=enable_session, subject=first_uplink, severity="info"),
    configured("switch-route-stale", f"a node announces {bird.STALE}, which nobody owns",
               lambda _: {"prefix": bird.STALE}, severity="warning", node="n6"),
    configured("owner-duplicate", "a node announces n2's CIDR beside its own",
               lambda node: {"prefix": bird.victim(node).cidr}, node="n5"),
    dict(name="agent-silent", summary="podpath's agent is killed (SIGKILL)",
         apply=silence_agent, mend=start_agent, subject=only_node, severity="warning"),
]
HELPERS = {"bird-restart": restart_bird}
