# SPDX-License-Identifier: Apache-2.0
"""The lab's certificates: one authority; the collector, the LTM and each node signed by it."""

from state import run
from topology import COLLECTOR, COLLECTOR_ADDRESS, LTM, LTM_ADDRESS, NODES, SWITCHES

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
CONFIGURATION = "[req]\ndistinguished_name = name\n[name]\n"


def create(lab):
    lab.path("openssl.cnf").write_text(CONFIGURATION)
    authority(lab)
    leaf(lab, COLLECTOR, f"DNS:{COLLECTOR},IP:{COLLECTOR_ADDRESS}", "serverAuth")
    leaf(lab, LTM, f"DNS:ltm-1.lab,IP:{LTM_ADDRESS}", "serverAuth")
    for switch in SWITCHES:
        leaf(lab, switch.name, f"IP:{switch.management}", "serverAuth")
    for node in NODES:
        leaf(lab, node.name, f"DNS:{node.name}", "clientAuth")


def authority(lab):
    request(lab, "ca", "lab authority", "basicConstraints=critical,CA:TRUE",
            "keyUsage=critical,keyCertSign,cRLSign")


def leaf(lab, name, names, purpose):
    request(lab, name, name, "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature", f"extendedKeyUsage={purpose}",
            f"subjectAltName={names}",
            signer=("-CA", lab.path("ca.crt"), "-CAkey", lab.path("ca.key")))


def request(lab, file, common_name, *extensions, signer=()):
    added = [word for extension in extensions for word in ("-addext", extension)]
    run("openssl", "req", "-x509", "-config", lab.path("openssl.cnf"), *KEY, *signer,
        "-subj", f"/CN={common_name}", *added,
        "-keyout", lab.path(f"{file}.key"), "-out", lab.path(f"{file}.crt"))
