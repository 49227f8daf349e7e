# SPDX-License-Identifier: Apache-2.0
"""What can break between the LTM and the pods, and at the LTM."""

import ltm
import namespaces
from topology import LTM, LTM_SELF_ADDRESSES, NODES, POD_SUPERNET

TABLE = "table inet podpath_lab"
UNIT = {"loadBalancer": "ltm-1"}


def remove_route(lab, _):
    lab.run(LTM, "ip", "route", "flush", "exact", POD_SUPERNET)
    ltm.ask(lab, {"routes": []})


def restore_route(lab, _):
    namespaces.restore_ltm_route(lab)
    ltm.ask(lab, {"routes": ltm.ROUTES})


def drop_from_ltm(lab, node):
    """The node's own packet filter drops what the LTM sends to its pods."""
    sources = ", ".join(LTM_SELF_ADDRESSES)
    rule = f"ip saddr {{ {sources} }} ip daddr {node.cidr} drop"
    lab.run(node.name, "nft", "-f", "-", text=f"""{TABLE}
delete {TABLE}
{TABLE} {{ chain forward {{ type filter hook forward priority 0; {rule}; }}; }}
""")


def accept_from_ltm(lab, node):
    lab.run(node.name, "nft", "-f", "-", text=f"{TABLE}\ndelete {TABLE}\n")


def files_of_two_pods(lab):
    pods = (NODES[1].pods[0], NODES[4].pods[1])
    return [lab.path("pods", f"{pod}.down") for pod in pods]


def fail_pods(lab, _):
    for file in files_of_two_pods(lab):
        file.touch()


def heal_pods(lab, _):
    for file in files_of_two_pods(lab):
        file.unlink(missing_ok=True)


def refuse_reading(lab, _):
    ltm.ask(lab, {"misbehave": {"kind": "status", "code": 503, "count": None}})


def allow_reading(lab, _):
    ltm.ask(lab, {"misbehave": None})


def unit(_):
    return dict(UNIT)


FAULTS = [
    dict(name="ltm-route-missing", summary="the LTM loses its route to the pods",
         apply=remove_route, mend=restore_route, subject=unit),
    dict(name="ltm-cidr-down", summary="the node drops what the LTM sends to its pods (nftables)",
         apply=drop_from_ltm, mend=accept_from_ltm,
         subject=lambda node: {"node": node.name, "prefix": node.cidr, **UNIT}),
    dict(name="ltm-members-down", summary="two pods on different nodes answer 503",
         apply=fail_pods, mend=heal_pods, subject=unit, severity="info"),
    dict(name="source-unreadable", summary="the LTM answers 503 to every read",
         apply=refuse_reading, mend=allow_reading, subject=unit, severity="warning"),
]
