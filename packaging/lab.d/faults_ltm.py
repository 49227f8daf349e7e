# SPDX-License-Identifier: Apache-2.0
"""What can break between the LTM and the pods, and at the LTM."""

import ltm
import namespaces
from topology import LTM, LTM_SELF_ADDRESSES, NODES, POD_SUPERNET, SERVICES

SERVICE = "web"
TABLE = "table inet podpath_lab"
UNIT = {"loadBalancer": "ltm-1"}


def remove_route(lab, _):
    lab.run(LTM, "ip", "route", "flush", "exact", POD_SUPERNET)
    ltm.ask(lab, {"routes": []})


def restore_route(lab, _):
    namespaces.restore_ltm_route(lab)
    ltm.ask(lab, {"routes": ltm.routes()})


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


def remove_node_routes(lab, _):
    """Somebody clears what the controller wrote; the route for all pods is left."""
    ltm.ask(lab, {"routes": [ltm.SUPERNET_ROUTE]})


def restore_node_routes(lab, _):
    ltm.ask(lab, {"routes": ltm.routes()})


def cut_standby(lab, _):
    """The standby unit's own network to the pods is cut: nobody notices before the failover."""
    ltm.ask(lab, {"monitors": "cut"}, unit=1)


def heal_standby(lab, _):
    ltm.ask(lab, {"monitors": "normal"}, unit=1)


def files_of_service(lab):
    last = SERVICES[SERVICE]
    return [lab.path("pods", f"{pod}.down") for node in NODES for pod in node.pods if pod.endswith(f".{last}")]


def fail_service(lab, _):
    """A bad release: every pod of one service answers 503, and Kubernetes calls them ready."""
    for file in files_of_service(lab):
        file.touch()


def heal_service(lab, _):
    for file in files_of_service(lab):
        file.unlink(missing_ok=True)


def refuse_reading(lab, _):
    ltm.ask(lab, {"misbehave": {"kind": "status", "code": 503, "count": None}})


def allow_reading(lab, _):
    ltm.ask(lab, {"misbehave": None})


def unit(_):
    return dict(UNIT)


def deafen_gtm(lab, _):
    """GTM's iQuery to its own LTM fails: it takes every virtual server for down."""
    reason = " Monitor /Common/bigip : no reply from big3d: timed out"
    ltm.ask(lab, {"gtm": {"virtuals": {f"ltm-pair:{name}": {"state": "offline", "reason": reason}
                                       for name in SERVICES}}})


def hear_gtm(lab, _):
    ltm.ask(lab, {"gtm": {"virtuals": {f"ltm-pair:{name}": None for name in SERVICES}}})


FAULTS = [
    dict(name="ltm-route-missing", summary="the LTM loses its route to the pods",
         apply=remove_route, mend=restore_route, subject=unit),
    dict(name="ltm-cidr-down", summary="the node drops what the LTM sends to its pods (nftables)",
         apply=drop_from_ltm, mend=accept_from_ltm,
         subject=lambda node: {"node": node.name, "prefix": node.cidr, **UNIT}),
    dict(name="ltm-members-down", summary="two pods on different nodes answer 503",
         apply=fail_pods, mend=heal_pods, subject=unit, severity="info"),
    dict(name="ltm-routes-removed", summary="the LTM loses its routes for each node, one for all is left",
         apply=remove_node_routes, mend=restore_node_routes, subject=unit, severity="warning"),
    dict(name="ltm-unit-differs", summary="the standby unit's way to the pods is cut",
         apply=cut_standby, mend=heal_standby, subject=unit, severity="warning"),
    dict(name="virtual-server-down", summary="every pod of one service answers 503",
         apply=fail_service, mend=heal_service,
         subject=lambda _: {"virtualServer": f"/K8S/default_{SERVICE}", "pool": ltm.pool_path(SERVICE), **UNIT}),
    dict(name="gtm-degraded", summary="GTM has no answer from the LTM's big3d",
         apply=deafen_gtm, mend=hear_gtm, subject=unit, severity="warning"),
    dict(name="source-unreadable", summary="the LTM answers 503 to every read",
         apply=refuse_reading, mend=allow_reading, subject=unit, severity="warning"),
]
