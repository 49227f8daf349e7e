# SPDX-License-Identifier: Apache-2.0
"""podpath itself in the lab: its configuration files, its agents and its collector."""

import pathlib
import time

import frr
import ltm
import namespaces
import nxapi
from state import REPOSITORY, LabError, UsageError, run
from topology import (AS, COLLECTOR, COLLECTOR_ADDRESS, LTM_ADDRESS, NODES, PARTITION, POD_SUPERNET, SWITCHES,
                      TENANT, node as node_named)

PAGE_PORT = 10480
AGENTS_PORT = 10443
# A second collector, on the same address: where its file is there, it is started and agents report to both.
SECOND = "collector-b"
SECOND_PAGE_PORT = 10481
SECOND_AGENTS_PORT = 10444
HOLD = 0.3
# Kinds whose hold-down is not time alone: two reads, or what the device says of its monitors.
HELD_BY_READS = {"switch-route-missing", "switch-wrong-next-hop",
                 "switch-partial-paths", "switch-route-flapping", "ltm-route-missing",
                 "ltm-cidr-down", "ltm-members-down", "agent-silent", "source-unreadable", "ltm-member-missing",
                 "ltm-member-stale", "ltm-pool-emptied", "ltm-routes-removed", "ltm-unit-differs",
                 "virtual-server-down", "gtm-degraded"}
# Held as long as by default: what mends itself looks like it for some seconds.
NOT_HELD = {"ready-but-unreachable"}
# How long a pool may differ: the controller's round, a read of the LTM, and a second more.
MEMBER_PATIENCE = 4_000
# A session that its switch resets is back in two seconds.
SESSION_HOLD = 3_000
# A BIRD that is restarted answers again after a moment, which on a busy machine is longer than HOLD.
BIRD_HOLD = 2_000
# A withdrawn route stays in two reads of a switch that is asked each second.
STALE_HOLD = 3_000

# Reads its input to the end and appends it as one line, in one write.
APPEND = """line=$(tr '\\n' ' '); printf '%s\\n' "$line" >>"$0\""""


def page(lab, port=PAGE_PORT):
    there = namespaces.host_addresses(lab.recall("options")["index"])[1]
    return f"http://{there}:{port}/"


def has_second(lab):
    return lab.path(f"{SECOND}.yaml").exists()


def configure_second(lab):
    """As the first, with ports, a store and a record of alerts of its own. What switches and units bring by themselves
    they bring to the first."""
    lines = lab.path("collector.yaml").read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if line.split(":")[0].strip() not in ("bmp", "bgp", "syslog"))
    for own, other in ((f":{PAGE_PORT}", f":{SECOND_PAGE_PORT}"), (f":{AGENTS_PORT}", f":{SECOND_AGENTS_PORT}"),
                       ("podpath.sqlite", "podpath-b.sqlite"), ("alerts.jsonl", "alerts-b.jsonl")):
        text = text.replace(own, other)
    lab.path(f"{SECOND}.yaml").write_text(text)


def configure(lab, kinds, only=None, envelope="ins-api", every="1s", ltm_every="1s", is_patient=False):
    """`only`: switch a is read by that feed alone, bmp or bgp; `envelope`: how b's NX-API is asked; `every` and
    `ltm_every`: how often the switches and the BIG-IP's units are; `is_patient`: alerts are held as by default."""
    switches = by_nxapi(lab, nxapi.SWITCH, envelope, every)
    for each in SWITCHES:
        if each is not nxapi.SWITCH:
            switches += by_command(lab, each, [only] if only else ["command", "bmp", "bgp"], every)
    lab.path("collector.yaml").write_text(collector(lab, switches, {} if is_patient else holds(lab, kinds), ltm_every))


def holds(lab, kinds):
    """Kind to milliseconds, where it is not held as by default."""
    hold = lab.recall("options")["hold"]
    milliseconds = round((HOLD if hold is None else hold) * 1000)
    return {kind: milliseconds for kind in kinds if kind not in HELD_BY_READS | NOT_HELD} | {
        "switch-route-stale": STALE_HOLD, "session-down": SESSION_HOLD, "bird-unreachable": BIRD_HOLD,
        "ltm-member-missing": MEMBER_PATIENCE}


def by_nxapi(lab, each, envelope, every):
    return f"""  - name: {each.name}
    neighbors: [{each.address}, {each.second_address}]
    nxapi:
      url: https://{each.management}
      username: {nxapi.USER}
      password-file: nxapi-password
      ca: ca.crt
      every: {every}
      envelope: {envelope}
"""


def by_command(lab, each, ways, every):
    words = ", ".join(frr.vtysh(lab, each))
    texts = {"bmp": f"    bmp: {{ from: {each.management} }}\n",
             "bgp": f"    bgp: {{ from: {each.management} }}\n",
             "command": f"""    command:
      run: [{words}, -c, "show bgp summary json", -c, "show ip route json", -c, "show bgp summary json"]
      format: frr-json
      every: {every}
"""}
    return f"""  - name: {each.name}
    neighbors: [{each.address}, {each.second_address}]
""" + "".join(texts[way] for way in ways)


def collector(lab, switches, holds, ltm_every):
    units = ", ".join(f'"https://{LTM_ADDRESS}:{port}"' for _, port, _ in ltm.UNITS)
    hold = "".join(f"    {kind}: {milliseconds}ms\n" for kind, milliseconds in holds.items())
    hold = "  calm: 0s\n  hold:\n" + hold if holds else ""
    return f"""cluster: lab
pod-cidrs: [{POD_SUPERNET}]
agents:
  listen: {COLLECTOR_ADDRESS}:{AGENTS_PORT}
  certificate: collector.crt
  key: collector.key
  client-ca: ca.crt
  tokens: {{}}
  stale-after: 3s
http: {{ listen: 0.0.0.0:{PAGE_PORT}, writes: true }}
store: {{ path: {lab.path("podpath.sqlite")} }}
nodes: {{ from: kubernetes }}
kubernetes: {{ kubeconfig: kubeconfig }}
bmp: {{ listen: {COLLECTOR_ADDRESS}:{frr.BMP_PORT} }}
syslog: {{ listen: {COLLECTOR_ADDRESS}:{ltm.SYSLOG_PORT} }}
bgp: {{ listen: {COLLECTOR_ADDRESS}:{frr.BGP_PORT}, local-as: {AS}, router-id: {COLLECTOR_ADDRESS} }}
switches:
{switches}load-balancers:
  - name: ltm-1
    bigip:
      units: [{units}]
      username: podpath
      password-file: bigip-password
      ca: ca.crt
      partitions: [{PARTITION}, {TENANT}]
      every: {ltm_every}
    pods-via: static
    gtm: true
    syslog: {{ from: [{LTM_ADDRESS}] }}
alerts:
{hold}  sinks:
    - {{ name: out, stdout: {{ format: json }} }}
    - name: file
      command:
        run:
          - sh
          - -c
          - |-
            {APPEND}
          - {lab.path("alerts.jsonl")}
"""


def selected(what, name):
    """The processes meant by `agents`, `collector`, `collector-b`, `all` or `agent NODE`."""
    agents = [f"agent-{node.name}" for node in NODES]
    if what == "agent":
        if f"agent-{name}" not in agents:
            raise UsageError(f"agent of which node? {', '.join(node.name for node in NODES)}")
        return [f"agent-{name}"]
    if name:
        raise UsageError(f"{what} takes no name")
    return {"agents": agents, "collector": [COLLECTOR], SECOND: [SECOND], "all": [COLLECTOR, *agents]}[what]


def start(lab, names, directory=None):
    directory = pathlib.Path(directory or lab.recall("options")["bin"]
                             or REPOSITORY / ".build/debug").absolute()
    fresh = [name for name in names if lab.pid(name) is None]
    for name in fresh:
        start_one(lab, name, directory)
    time.sleep(0.3 if fresh else 0)
    if ended := [name for name in fresh if lab.pid(name) is None]:
        raise LabError(f"{ended[0]} ended at once: {last_line(lab, ended[0])}")


def last_line(lab, name):
    lines = lab.path("log", f"{name}.log").read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def stop(lab, names, signal="TERM"):
    lab.stop(*names, signal=signal)
    for name in names:
        lab.path("pid", name).unlink(missing_ok=True)


def start_one(lab, name, directory):
    is_collector = name in (COLLECTOR, SECOND)
    program = directory / ("podpath-collector" if is_collector else "podpath-agent")
    if not program.exists():
        raise LabError(f"{program} is missing: swift build, or --bin DIRECTORY")
    if is_collector:
        lab.start(name, COLLECTOR, program, "serve", "--config", lab.path(f"{name}.yaml"))
    else:
        node = node_named(name.partition("-")[2])
        lab.start(name, node.name, *clock(lab, node), program, *agent_options(lab, node))


# Of all clocks a process asks for, the one that tells the time of day is so many seconds ahead: no namespace has
# one of its own.
CLOCK = """#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += AHEAD;
    return result;
}
"""


def advance_clock(lab, node, seconds):
    """Only of an agent that is linked with the system's C library, as those that are built for tests are."""
    lab.path(node.name, "clock.c").write_text(CLOCK)
    run("clang", "-shared", "-fPIC", f"-DAHEAD={seconds}", "-o", lab.path(node.name, "clock.so"),
        lab.path(node.name, "clock.c"))
    restart_agent(lab, node)


def right_clock(lab, node):
    lab.path(node.name, "clock.so").unlink(missing_ok=True)
    restart_agent(lab, node)


def restart_agent(lab, node):
    name = f"agent-{node.name}"
    lab.stop(name)
    start(lab, [name])


def clock(lab, node):
    library = lab.path(node.name, "clock.so")
    return ["env", f"LD_PRELOAD={library}"] if library.exists() else []


def agent_options(lab, node):
    second = ["--collector", f"{COLLECTOR_ADDRESS}:{SECOND_AGENTS_PORT}"] if has_second(lab) else []
    return ["--collector", f"{COLLECTOR_ADDRESS}:{AGENTS_PORT}", *second, "--server-name", COLLECTOR,
            "--node", node.name, "--pod-cidr", POD_SUPERNET,
            "--bird-socket", lab.path(node.name, "bird.ctl"), "--interval", "1",
            "--ca", lab.path("ca.crt"), *agent_identity(lab, node)]


def token_file(lab, node):
    return lab.path(node.name, "token")


def agent_identity(lab, node):
    """A certificate, unless it was given a token."""
    if token_file(lab, node).exists():
        return ["--token-file", token_file(lab, node)]
    return ["--certificate", lab.path(f"{node.name}.crt"), "--key", lab.path(f"{node.name}.key")]


def running(lab):
    return [name for name in selected("all", None) if lab.pid(name)]


def ended(lab):
    """Those that were started, were not told to stop, and are gone."""
    return [name for name in selected("all", None)
            if lab.path("pid", name).exists() and lab.pid(name) is None]
