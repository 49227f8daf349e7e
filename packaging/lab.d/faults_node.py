# SPDX-License-Identifier: Apache-2.0
"""What can break on a node: kernel, BIRD, its sessions, podpath's agent."""

import time

import bird
import frr
import namespaces
import podpath
from state import NOT_MADE, LabError, until
from topology import AS, SWITCHES


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


def recreate_device(lab, node):
    """Under its name and with its address, but with another index; what lay on the old one is gone with it."""
    namespaces.ip(lab, node.name, "link del cilium_host")
    namespaces.build_pod_device(lab, node)


def sweep_routes(lab, node):
    """What systemd-networkd does to routes it does not know: all at once, those of single pods too."""
    namespaces.ip(lab, node.name, *(f"route replace {pod} via {node.router} dev cilium_host proto static"
                                    for pod in node.pods))
    # The agent must have told of them.
    time.sleep(2)
    lab.run(node.name, "ip", "route", "flush", "root", node.cidr)


def put_routes_back(lab, node):
    """Those it has always had."""
    lab.run(node.name, "ip", "route", "flush", "root", node.cidr, "proto", "static")
    namespaces.restore_pod_route(lab, node)


def swallow_pods(lab, node):
    namespaces.ip(lab, node.name, f"route replace blackhole {bird.victim(node).cidr}")


def release_pods(lab, node):
    lab.run(node.name, "ip", "route", "flush", "exact", bird.victim(node).cidr, "type", "blackhole")


def filter_strictly(lab, node):
    """What comes by the second uplink is dropped where its answer would leave by the first."""
    namespaces.ip(lab, node.name, f"route replace default via {SWITCHES[0].address}")
    namespaces.set_rp_filter(lab, node.name, "eth1", 1)


def filter_nothing(lab, node):
    namespaces.set_rp_filter(lab, node.name, "eth1", 0)
    namespaces.restore_default_route(lab, node)


def cut_cables(lab, node):
    namespaces.ip(lab, node.name, "link set eth0 down", "link set eth1 down")


def mend_cables(lab, node):
    """What lay on them went with them, but for their own addresses."""
    namespaces.ip(lab, node.name, "link set eth0 up", "link set eth1 up")
    namespaces.restore_default_route(lab, node)


def shrink_packets(lab, node):
    namespaces.ip(lab, node.name, "link set eth1 mtu 1400")


def allow_packets(lab, node):
    namespaces.ip(lab, node.name, "link set eth1 mtu 1500")


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


def start_second_speaker(lab, node):
    """Another BIRD is up before the node's own, has port 179 and speaks with both switches."""
    lab.stop(bird.process(node))
    bird.write(lab, node, speaker=bird.SECOND)
    bird.start(lab, node, speaker=bird.SECOND)
    configure_bird(lab, node)


def stop_second_speaker(lab, node):
    """The node's own binds the port only when it is started."""
    if lab.pid(bird.process(node, bird.SECOND)):
        lab.stop(bird.process(node, bird.SECOND), bird.process(node))
    configure_bird(lab, node)
    for path in lab.path(node.name).glob(f"{bird.SECOND}.*"):
        path.unlink()


def await_uplinks(lab, node):
    expected = {switch.uplink for switch in SWITCHES}
    until(lambda: expected <= {name for name, state in bird.sessions(lab, node).items() if state == "Established"},
          20, f"the uplinks of {node.name} do not come up")


def prepare_restart(lab, node):
    """Both ends know that the node may restart, and the agent has told of it."""
    configure_bird(lab, node)
    time.sleep(1)
    await_uplinks(lab, node)
    time.sleep(2)
    # A switch keeps nothing of a session that has only just come up.
    time.sleep(3)


def recover_forever(lab, node):
    """The sessions are back, but nothing is announced before a neighbour that is gone for good is back too. A
    switch must not dial: of two calls one is given up, and BIRD begins that session anew, without waiting. BIRD
    2.0.12 does not wait after each start, and what decides is not known."""
    leave_dialling(lab, node, "")
    prepare_restart(lab, node)
    for _ in range(6):
        bird.leave_gracefully(lab, node)
        bird.start(lab, node, "-R")
        await_uplinks(lab, node)
        if recovers(lab, node):
            return
    raise LabError(f"{NOT_MADE}: BIRD on {node.name} does not wait in recovery, as in about one start of three")


def recovers(lab, node):
    """First a session takes what its neighbour has: that takes two seconds."""
    for _ in range(10):
        if all(bird.waits(lab, node, switch.uplink) for switch in SWITCHES):
            return True
        time.sleep(0.4)
    return False


def recover(lab, node):
    leave_dialling(lab, node, "no ")
    restart_bird(lab, node)


def leave_dialling(lab, node, no):
    for switch, address in zip(SWITCHES, node.addresses):
        words = ("configure terminal", f"router bgp {AS}", f"{no}neighbor {address} passive")
        lab.run(switch.name, *frr.vtysh(lab, switch), *(part for word in words for part in ("-c", word)))


def silence_agent(lab, node):
    name = f"agent-{node.name}"
    if lab.pid(name) is None and not lab.path("pid", name).exists():
        raise LabError(f"no agent runs on {node.name}: packaging/lab podpath start")
    lab.stop(name, signal="KILL")


def start_agent(lab, node):
    if lab.path("pid", f"agent-{node.name}").exists():
        podpath.start(lab, [f"agent-{node.name}"])


def advance_clock(lab, node):
    podpath.advance_clock(lab, node, 30)


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
    dict(name="uplinks-down", summary="both links of the node to its switches go down",
         apply=cut_cables, mend=mend_cables, kind="session-down", subject=only_node, counts=lambda node: [node]),
    dict(name="session-disabled", summary="an operator disables uplink0 in BIRD",
         apply=disable_session, mend=enable_session, subject=first_uplink, severity="info"),
    configured("switch-route-stale", f"a node announces {bird.STALE}, which nobody owns",
               lambda _: {"prefix": bird.STALE}, severity="warning", node="n6"),
    configured("owner-duplicate", "a node announces n2's CIDR beside its own",
               lambda node: {"prefix": bird.victim(node).cidr}, node="n5"),
    dict(name="agent-silent", summary="podpath's agent is killed (SIGKILL)",
         apply=silence_agent, mend=start_agent, subject=only_node, severity="warning"),
    dict(name="kernel-device-recreated", summary="cilium_host is deleted and made anew, without the CIDR's route",
         apply=recreate_device, mend=namespaces.restore_pod_route, subject=of_node),
    dict(name="kernel-routes-swept", summary="all routes to the node's own pods are flushed at once",
         apply=sweep_routes, mend=put_routes_back, subject=of_node),
    dict(name="kernel-blackhole", summary="the node has a blackhole route for n2's CIDR",
         apply=swallow_pods, mend=release_pods, subject=only_node, severity="warning"),
    dict(name="bird-two-speakers", summary="another BIRD on the node holds port 179",
         apply=start_second_speaker, mend=stop_second_speaker, subject=only_node, severity="warning"),
    configured("host-routes-exported", "BIRD announces two pods beside the CIDR", of_node, severity="warning"),
    dict(name="restart-stuck", summary="BIRD restarts gracefully and its recovery does not end",
         apply=recover_forever, mend=recover, subject=only_node, severity="warning"),
    dict(name="rp-filter-strict", summary="rp_filter is 1 on eth1, and what is sent leaves by eth0",
         apply=filter_strictly, mend=filter_nothing, subject=only_node, severity="info"),
    dict(name="clock-skew", summary="the node's agent sees a clock that is half a minute ahead",
         apply=advance_clock, mend=podpath.right_clock, subject=only_node, severity="info"),
    dict(name="mtu-differs", summary="eth1's MTU is 1400",
         apply=shrink_packets, mend=allow_packets, subject=only_node, severity="info"),
]
HELPERS = {"bird-restart": restart_bird}
