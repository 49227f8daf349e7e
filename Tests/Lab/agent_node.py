# SPDX-License-Identifier: Apache-2.0
"""A node for an agent alone: this process's own network namespace, a switch in another, a real
BIRD in each, and the device of the pods."""
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
BIRD = """
router id {own};
log "{folder}/{name}.log" all;
protocol device {{}}
protocol kernel {{ ipv4 {{ import none; export none; }}; }}
protocol static static1 {{ ipv4; route 10.16.0.0/24 via "cilium_host"; }}
protocol bgp uplink0 {{
    local {own} as 64512; neighbor {peer} as 64512; hold time 9; connect retry time 1; error wait time 1, 2;
    ipv4 {{ import {imports}; export {exports}; }};
}}
"""


def sh(command, check=True):
    return subprocess.run(command, shell=True, check=check, capture_output=True, text=True).stdout


class Node:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.switch = f"podpath-{os.getpid()}"
        self.daemons = {}
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare: run as root")
        sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=0")
        sh(f"ip netns add {self.switch}")
        sh(f"ip link add uplink0 type veth peer name node0 netns {self.switch}")
        sh("ip addr add 10.1.0.1/24 dev uplink0; ip link set uplink0 up")
        sh(f"ip -n {self.switch} addr add 10.1.0.254/24 dev node0; ip -n {self.switch} link set node0 up")
        self.add_pod_device()

    def add_pod_device(self):
        sh("ip link add cilium_host type veth peer name cilium_net; ip link set cilium_net up")
        sh("ip addr add 10.16.0.1/32 dev cilium_host; ip link set cilium_host up")
        sh("ip route add 10.16.0.0/24 dev cilium_host")

    @property
    def socket(self):
        return self.folder / "bird.ctl"

    def start_birds(self):
        self.start_bird("switch", "10.1.0.254", "10.1.0.1", "all", "none", ["ip", "netns", "exec", self.switch])
        self.start_bird("bird", "10.1.0.1", "10.1.0.254", "none", "all", [])

    def configure(self, name, own, peer, imports, exports):
        text = BIRD.format(own=own, peer=peer, imports=imports, exports=exports, folder=self.folder, name=name)
        if name == "switch":
            text = text.replace('route 10.16.0.0/24 via "cilium_host";', "")
        path = self.folder / f"{name}.conf"
        path.write_text(text)
        return path

    def start_bird(self, name, own, peer, imports, exports, prefix):
        path = self.configure(name, own, peer, imports, exports)
        control = self.folder / f"{name}.ctl"
        self.daemons[name] = subprocess.Popen([*prefix, "bird", "-f", "-c", path, "-s", control])
        wait(f"the socket of {name}", control.exists)

    def restart_bird(self):
        self.start_bird("bird", "10.1.0.1", "10.1.0.254", "none", "all", [])

    def birdc(self, command, name="bird"):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(str(self.folder / f"{name}.ctl"))
            lines = control.makefile("rb")
            lines.readline()
            control.sendall(command.encode() + b"\n")
            reply = []
            while True:
                line = lines.readline()
                reply.append(line)
                if not line or (line[:4].isdigit() and line[4:5] == b" "):
                    return b"".join(reply).decode()

    def down(self):
        for daemon in self.daemons.values():
            daemon.send_signal(signal.SIGCONT)
            daemon.kill()
            daemon.wait()
        sh(f"ip netns del {self.switch}", check=False)


def wait(what, holds, patience=15):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.005)


class Agent:
    """The program itself, with its log, and what it tells the service manager."""

    running = []

    def __init__(self, program, node, authority, collectors, *, interval="5", identity="n1", token=None, options=(), user=None):
        self.log_path = node.folder / f"agent-{time.monotonic_ns()}.log"
        self.notifications = []
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(f"\0{self.log_path.name}")
        self.manager.setblocking(False)
        environment = {"NOTIFY_SOCKET": f"@{self.log_path.name}", "WATCHDOG_USEC": "400000", "PATH": os.environ["PATH"]}
        # A build with the address sanitizer keeps what was freed, 256 MB of it unless told otherwise.
        environment["ASAN_OPTIONS"] = "quarantine_size_mb=1"
        command = [program, "--node", "n1", "--pod-cidr", "10.16.0.0/12", "--pod-cidr", "fd00:10::/32"]
        command += ["--bird-socket", node.socket, "--interval", interval, "--ca", authority.path("ca.crt")]
        if token:
            command += ["--token-file", token]
        else:
            command += ["--certificate", authority.path(f"{identity}.crt"), "--key", authority.path(f"{identity}.key")]
        for collector in collectors:
            command += ["--collector", getattr(collector, "address", collector)]
        prefix = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*prefix, *command, *options], stderr=log, env=environment)
        self.running.append(self)

    @property
    def log(self):
        return self.log_path.read_text()

    def told(self):
        """What the service manager was told so far, a word each."""
        while self.manager.fileno() >= 0:
            try:
                self.notifications += self.manager.recv(4_096).decode().split("\n")
            except BlockingIOError:
                break
        return self.notifications

    def status(self, name):
        """A line of /proc/PID/status; memory in KB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {name} in /proc/PID/status")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=15)
        self.told()
        self.manager.close()
        self.running.remove(self)
        return code

    @classmethod
    def stop_all(cls):
        for agent in list(cls.running):
            agent.process.kill()
            agent.stop()


def kernel_says(command):
    return json.loads(sh(f"ip -j {command}") or "[]")
