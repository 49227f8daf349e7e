# SPDX-License-Identifier: Apache-2.0
"""Raising a lab and taking it down."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import bird
import certificates
import frr
import health
import kubernetes
import ltm
import namespaces
import nxapi
import podpath
from faults import KINDS
from state import ROOT, LabError, all_labs, lock, run, started, until
from topology import LTM, NAMESPACES, NODES, SWITCHES

PROGRAMS = {"bird": "bird2", "vtysh": "frr", "ip": "iproute2", "nft": "nftables",
            "openssl": "openssl", "nsenter": "util-linux", "/usr/lib/frr/bgpd": "frr"}
SUPERVISOR = pathlib.Path(__file__).with_name("supervisor.py")
DEADLINE = 90


def up(lab, options):
    must_be_possible()
    index = reserve(lab, {"hold": options.hold,
                          "bin": os.path.abspath(options.bin) if options.bin else None})
    try:
        with lab.locked():
            raise_lab(lab, options, index)
    except BaseException:
        down(lab)
        raise
    say(f"lab {lab.name} is up; page: {podpath.page(lab)}; state: {lab.directory}")


def raise_lab(lab, options, index):
    began = time.monotonic()
    supervise(lab)
    namespaces.build(lab)
    namespaces.connect_host(lab, index)
    say("six nodes, two switches and the LTM are cabled")
    frr.start_all(lab)
    bird.start_all(lab)
    start_pods(lab)
    say("BIRD, FRR and the pods run")
    certificates.create(lab)
    nxapi.start(lab)
    podpath.configure(lab, KINDS)
    ltm.start(lab, *options.monitor)
    kubernetes.start(lab)
    ltm.start_controller(lab)
    give_back(lab)
    settle(lab)
    lab.remember("raised", True)
    say(f"all sessions, routes and members are up after {time.monotonic() - began:.1f} s")


def settle(lab):
    """Waits until nothing is wrong, telling what is still awaited whenever that changes."""
    deadline = time.monotonic() + DEADLINE
    told = None
    while problems := health.problems(lab):
        if time.monotonic() > deadline:
            raise LabError("the lab does not settle: " + "; ".join(problems[:4]))
        if len(problems) != told:
            say(f"waiting for {len(problems)}: {problems[0]}")
            told = len(problems)
        time.sleep(0.3)


def must_be_possible():
    missing = sorted({package for program, package in PROGRAMS.items()
                      if not shutil.which(program)})
    if missing:
        raise LabError("missing: apt-get install -y --no-install-recommends " + " ".join(missing))
    probe = subprocess.run(["unshare", "--net", "--pid", "--fork", "--mount", "true"],
                           capture_output=True, text=True)
    if probe.returncode:
        raise LabError("no namespaces allowed here (a container without --privileged?): "
                       + probe.stderr.strip())


def reserve(lab, options):
    """Makes the state directory and takes the lowest index no other lab has."""
    # Not ROOT itself: the last lab's end removes it, and with it the lock of whoever comes next.
    with lock(ROOT.parent):
        ROOT.mkdir(mode=0o755, exist_ok=True)
        if lab.supervisor or rising(lab):
            raise LabError(f"lab {lab.name!r} is already up: packaging/lab down")
        clear(lab)
        index = free_index()
        make_directories(lab)
        me = {"pid": os.getpid(), "started": started(os.getpid())}
        lab.remember("options", {"index": index, "raiser": me, **options})
    return index


def free_index():
    taken = {other.recall("options", {}).get("index") for other in all_labs()
             if other.supervisor or rising(other)}
    # One that just ended has its device for a moment more.
    devices = {name for _, name in socket.if_nameindex()}
    return next(number for number in range(1, 255)
                if number not in taken and namespaces.host_device(number) not in devices)


def rising(lab):
    """Whether another `up` is still at work on this lab."""
    raiser = lab.recall("options", {}).get("raiser")
    return raiser is not None and started(raiser["pid"]) == raiser["started"]


def make_directories(lab):
    for name in ("", "net", "log", "pid", "pods", LTM):
        lab.path(name).mkdir(mode=0o755)
    for node in NODES:
        owned(lab.path(node.name), "bird")
    for switch in SWITCHES:
        owned(lab.path(switch.name), "frr")


def owned(directory, user):
    directory.mkdir(mode=0o755)
    shutil.chown(directory, user, user)


def supervise(lab):
    """Starts the supervisor and waits until the namespaces are there."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
               sys.executable, "-B", SUPERVISOR, lab.path("net"), *NAMESPACES]
    with lab.path("log", "supervisor.log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=log, text=True, cwd="/", start_new_session=True)
    lab.remember("supervisor", {"pid": process.pid, "started": started(process.pid)})
    if process.stdout.readline() != "ready\n":
        raise LabError("the supervisor did not start: "
                       + lab.path("log", "supervisor.log").read_text().strip())


def start_pods(lab, nodes=None):
    server = pathlib.Path(__file__).with_name("pods.py")
    for node in nodes or NODES:
        lab.start(node.pod_namespace, node.pod_namespace, "python3", "-B", server,
                  lab.path("pods"), *node.pods)


def give_back(lab):
    """Through sudo, what root made here belongs to the person who asked."""
    user, group = (int(os.environ.get(name, 0)) for name in ("SUDO_UID", "SUDO_GID"))
    for path in [lab.directory, *lab.directory.rglob("*")] if user else []:
        if path.lstat().st_uid == 0 and path.parent != lab.path("net"):
            os.chown(path, user, group, follow_symlinks=False)


def down(lab):
    """Ends everything; a dead lab's remains are cleared too. Says whether there was anything."""
    if not clear(lab):
        return False
    with lock(ROOT.parent):
        remove_if_empty(ROOT)
    return True


def clear(lab):
    if not lab.directory.is_dir():
        return False
    if lab.supervisor:
        inside = processes(lab.pid_namespace)
        os.kill(lab.supervisor, signal.SIGKILL)
        until(lambda: not any(map(started, inside)), 10, "some processes of the lab did not end")
    await_no_device(lab)
    shutil.rmtree(lab.directory, ignore_errors=True)
    return True


def await_no_device(lab):
    """The kernel takes a network namespace down a moment after its last user."""
    index = lab.recall("options", {}).get("index")
    device = namespaces.host_device(index)

    def another_has_it():
        return index in [lab.recall("options", {}).get("index") for lab in all_labs() if lab.supervisor]
    until(lambda: not run("ip", "-brief", "link", "show", "dev", device, check=False) or another_has_it(), 10,
          f"{device} did not go away")


def processes(pid_namespace):
    """The PIDs of a PID namespace. Ask before it dies: the kernel gives its number to the next."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            found += [path.parts[2]] if os.readlink(path) == pid_namespace else []
        except OSError:
            continue
    return found


def remove_if_empty(directory):
    try:
        directory.rmdir()
    except OSError:
        pass


def say(text):
    print(text, file=sys.stderr, flush=True)
