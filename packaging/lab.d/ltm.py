# SPDX-License-Identifier: Apache-2.0
"""The LTM: the BIG-IP emulator in a namespace whose routes lead through the two switches."""

import control
from state import LabError, REPOSITORY, until
from topology import (COLLECTOR, COLLECTOR_ADDRESS, DECLARED, LTM, LTM_ADDRESS, LTM_SELF_ADDRESSES, NODES, PARTITION,
                      POD_SUPERNET, RESOURCE, SERVICES, SWITCHES, TENANT)

EMULATOR = REPOSITORY / "Tests/Emulators/bigip.py"
CONTROLLER = REPOSITORY / "packaging/lab.d/cis.py"
SYSLOG_PORT = 5514
USER = "podpath"
PASSWORD = "lab-only-8c1f"
SUPERNET_ROUTE = {"name": "pods", "network": POD_SUPERNET, "gw": SWITCHES[0].ltm_side}
# Name, port and role of the two units; both monitor from the one namespace.
UNITS = [("ltm-1", 443, "active"), ("ltm-2", 8443, "standby")]


def configuration(lab, unit, interval, timeout):
    (name, _, role), (peer, _, _) = UNITS[unit], UNITS[1 - unit]
    return {
        "role": role, "peer": {"hostname": f"{peer}.lab", "control": str(control_socket(lab, 1 - unit))},
        "syslog": {"to": f"{COLLECTOR_ADDRESS}:{SYSLOG_PORT}"},
        "hostname": f"{name}.lab", "username": USER, "password": PASSWORD, "partition": PARTITION,
        "monitor": {"interval": interval, "timeout": timeout,
                    "send": "GET /health.html HTTP/1.0\r\n\r\n", "recv": "server is ok"},
        "selfIPs": [{"name": f"uplink-{switch.name}", "address": f"{address}/24",
                     "vlan": f"/Common/{switch.name}"}
                    for switch, address in zip(SWITCHES, LTM_SELF_ADDRESSES)],
        "gtm": {
            "servers": [{"name": "ltm-pair", "virtualServers": [
                {"name": name, "destination": f"{virtual_address(name)}:80"} for name in SERVICES]}],
            "pools": [{"name": name, "members": [f"ltm-pair:{name}"]} for name in SERVICES],
            "wideIPs": [{"name": f"{name}.lab.example", "pools": [name]} for name in SERVICES],
        },
        "routes": routes(),
        "pools": [{"name": pool_name(name), **folder(name), **form(name), "members": members(last)}
                  for name, last in SERVICES.items()],
        "virtuals": [{"name": virtual_name(name), **folder(name), "destination": f"{virtual_address(name)}:80",
                      "pool": pool_path(name)} for name in SERVICES],
    }


def routes(nodes=None):
    """As the controller writes them in its static routing mode: one for each node, beside the one for all."""
    return [SUPERNET_ROUTE, *({"name": f"k8s-{node.name}", "network": node.cidr, "gw": SWITCHES[0].ltm_side}
                              for node in nodes or NODES)]


def host(name):
    return f"{name}.lab"


def virtual_address(name):
    return f"10.50.0.{SERVICES[name]}"


def folder(name):
    """Where the pool and the virtual server of a service are, by the way it is exposed."""
    folders = {RESOURCE: {"subPath": "Shared"}, DECLARED: {"partition": TENANT, "subPath": DECLARED}}
    return folders.get(name, {})


def form(name):
    """AS3 writes its members' names without a route domain."""
    return {"nameForm": "as3"} if folder(name) else {}


def pool_name(name):
    names = {RESOURCE: underscored(f"{RESOURCE}_80_default_{host(RESOURCE)}"), DECLARED: f"{DECLARED}_pool"}
    return names.get(name, f"cfgmap_default_{name}_{name}")


def virtual_name(name):
    names = {RESOURCE: underscored(f"crd_{virtual_address(RESOURCE)}_80"), DECLARED: f"{DECLARED}_http"}
    return names.get(name, f"default_{name}")


def pool_path(name):
    where = {"partition": PARTITION, **folder(name)}
    return "/" + "/".join([*where.values(), pool_name(name)])


def underscored(text):
    """AS3 takes only letters, digits and underscores in names."""
    return text.translate(str.maketrans(".:/-=", "_____"))


def members(last):
    return [f"{pod}:80" for node in NODES for pod in node.pods if pod.endswith(f".{last}")]


def exists():
    return EMULATOR.exists()


def control_socket(lab, unit=0):
    return lab.path(LTM, f"control-{unit}.sock" if unit else "control.sock")


def start(lab, interval, timeout):
    lab.path("bigip-password").write_text(PASSWORD + "\n")
    lab.path("bigip-password").chmod(0o600)
    for unit, (name, _, _) in enumerate(UNITS):
        lab.remember(name, configuration(lab, unit, interval, timeout))
        lab.path(f"{name}.json").chmod(0o600)
    if not exists():
        return
    for unit in range(len(UNITS)):
        start_unit(lab, unit)
    for unit in range(len(UNITS)):
        until(lambda: answers(lab, unit), 10, f"the BIG-IP emulator does not answer: {lab.path('log')}")


def start_unit(lab, unit):
    name, port, _ = UNITS[unit]
    lab.start("bigip" if unit == 0 else f"bigip-{name}", LTM, "python3", "-B", EMULATOR,
              "--listen", f"{LTM_ADDRESS}:{port}",
              "--certificate", lab.path("ltm.crt"), "--key", lab.path("ltm.key"),
              "--config", lab.path(f"{name}.json"), "--control", control_socket(lab, unit))


def start_controller(lab):
    """What keeps the pools in step with Kubernetes."""
    lab.path(LTM, "cis.mood").write_text("")
    lab.start("cis", COLLECTOR, "python3", "-B", CONTROLLER,
              f"https://{COLLECTOR_ADDRESS}:6443", lab.path("ca.crt"), lab.path("kubernetes-token"),
              control_socket(lab), lab.path(LTM, "cis.mood"))


def answers(lab, unit=0):
    try:
        return bool(ask(lab, {"state": True}, unit))
    except LabError:
        return False


def ask(lab, request, unit=0):
    """One command on the control socket of one unit's emulator."""
    return control.ask(control_socket(lab, unit), request, "the BIG-IP emulator")
