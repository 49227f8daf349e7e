# SPDX-License-Identifier: Apache-2.0
"""The LTM: the BIG-IP emulator in a namespace whose routes lead through the two switches."""

import control
from state import LabError, REPOSITORY, until
from topology import (COLLECTOR, COLLECTOR_ADDRESS, LTM, LTM_ADDRESS, LTM_SELF_ADDRESSES, NODES, POD_SUPERNET, POOLS, SWITCHES)

EMULATOR = REPOSITORY / "Tests/Emulators/bigip.py"
CONTROLLER = REPOSITORY / "packaging/lab.d/cis.py"
USER = "podpath"
PASSWORD = "lab-only-8c1f"
ROUTES = [{"name": "pods", "network": POD_SUPERNET, "gw": SWITCHES[0].ltm_side}]


def configuration(interval, timeout):
    return {
        "hostname": "ltm-1.lab", "username": USER, "password": PASSWORD, "partition": "K8S",
        "monitor": {"interval": interval, "timeout": timeout,
                    "send": "GET /health.html HTTP/1.0\r\n\r\n", "recv": "server is ok"},
        "selfIPs": [{"name": f"uplink-{switch.name}", "address": f"{address}/24",
                     "vlan": f"/Common/{switch.name}"}
                    for switch, address in zip(SWITCHES, LTM_SELF_ADDRESSES)],
        "routes": ROUTES,
        "pools": [{"name": pool_name(name), "members": members(last)}
                  for name, last in POOLS.items()],
        "virtuals": [{"name": f"default_{name}", "destination": f"10.50.0.{last}:80",
                      "pool": pool_name(name)} for name, last in POOLS.items()],
    }


def pool_name(name):
    return f"cfgmap_default_{name}_{name}"


def members(last):
    return [f"{pod}:80" for node in NODES for pod in node.pods if pod.endswith(f".{last}")]


def exists():
    return EMULATOR.exists()


def control_socket(lab):
    return lab.path(LTM, "control.sock")


def start(lab, interval, timeout):
    lab.remember("ltm", configuration(interval, timeout))
    lab.path("bigip-password").write_text(PASSWORD + "\n")
    for file in ("ltm.json", "bigip-password"):
        lab.path(file).chmod(0o600)
    if not exists():
        return
    lab.start("bigip", LTM, "python3", "-B", EMULATOR, "--listen", f"{LTM_ADDRESS}:443",
              "--certificate", lab.path("ltm.crt"), "--key", lab.path("ltm.key"),
              "--config", lab.path("ltm.json"), "--control", control_socket(lab))
    until(lambda: answers(lab), 10, f"the BIG-IP emulator does not answer: {lab.path('log')}")


def start_controller(lab):
    """What keeps the pools in step with Kubernetes."""
    lab.path(LTM, "cis.mood").write_text("")
    lab.start("cis", COLLECTOR, "python3", "-B", CONTROLLER,
              f"https://{COLLECTOR_ADDRESS}:6443", lab.path("ca.crt"), lab.path("kubernetes-token"),
              control_socket(lab), lab.path(LTM, "cis.mood"))


def answers(lab):
    try:
        return bool(ask(lab, {"state": True}))
    except LabError:
        return False


def ask(lab, request):
    """One command on the emulator's control socket."""
    return control.ask(control_socket(lab), request, "the BIG-IP emulator")
