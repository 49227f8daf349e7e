#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What watching an API server costs the collector: memory and CPU time by the size of the cluster, from the
start until everything is known, with Node objects as large as real ones (images, conditions, annotations).

    Tests/Benchmarks/cluster.py
"""
import argparse
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from process import ROOT, Program, bench_arguments, cpu_seconds, memory_kb, table

HTTP, API = 10480, 16443
EMULATOR = ROOT / "Tests/Emulators/kubernetes.py"
CONFIGURATION = """
cluster: bench
pod-cidrs: [10.0.0.0/8]
http: {{ listen: 127.0.0.1:{http} }}
nodes: {{ from: kubernetes }}
kubernetes: {{ kubeconfig: kubeconfig }}
"""
KUBECONFIG = """
current-context: b
contexts: [{{ name: b, context: {{ cluster: b, user: b }} }}]
clusters: [{{ name: b, cluster: {{ server: "https://127.0.0.1:{api}", certificate-authority: api.crt }} }}]
users: [{{ name: b, user: {{ token: bench }} }}]
"""


def node(index):
    cidr = f"10.{index >> 8}.{index & 255}.0/24"
    images = [{"names": [f"registry.example/team/image-{each}@sha256:{each:064x}"], "sizeBytes": 10 ** 8 + each} for each in range(40)]
    return {"kind": "Node", "metadata": {"name": f"node-{index}", "labels": {f"label-{each}": "value" for each in range(20)},
                                         "annotations": {f"annotation-{each}": "v" * 100 for each in range(10)}},
            "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": f"172.16.{index >> 8}.{index & 255}"}],
                       "conditions": [{"type": kind, "status": "True", "reason": "r", "message": "m" * 60} for kind in ("Ready", "A", "B", "C")],
                       "images": images}}


def endpoint_slice(index):
    """A hundred pods, as many as a slice holds."""
    addresses = [f"10.{index >> 8}.{index & 255}.{pod}" for pod in range(100)]
    return {"kind": "EndpointSlice", "metadata": {"name": f"s-{index}", "namespace": "default", "labels": {"kubernetes.io/service-name": f"s-{index}"}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": [each], "conditions": {"ready": True}, "nodeName": f"node-{index}"} for each in addresses]}


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(json.dumps(request).encode() + b"\n")
        reply = json.loads(connection.makefile().readline())
        assert reply["ok"], reply
        return reply


def known():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/api/v1/sources", timeout=30) as answer:
            return any(each["name"] == "kubernetes" and each["state"] == "ok" for each in json.load(answer)["sources"])
    except OSError:
        return False


def measure(options, folder, nodes, endpoints):
    control = folder / "control.sock"
    emulator = subprocess.Popen(["python3", "-B", EMULATOR, "--listen", f"127.0.0.1:{API}", "--certificate", folder / "api.crt",
                                 "--key", folder / "api.key", "--token-file", folder / "token", "--control", control, "--minor", "30"],
                                stdout=subprocess.PIPE)
    emulator.stdout.readline()
    for start in range(0, nodes, 500):
        ask(control, {"put": [node(each) for each in range(start, min(start + 500, nodes))]})
    for start in range(0, endpoints // 100, 50):
        ask(control, {"put": [endpoint_slice(each) for each in range(start, min(start + 50, endpoints // 100))]})
    began = time.monotonic()
    collector = Program(options.bin / "podpath-collector", "serve", "--config",
                        folder / "collector.yaml", stderr=subprocess.DEVNULL)
    while not known():
        assert time.monotonic() - began < 300, "not known after five minutes"
        time.sleep(0.1)
    took, spent = time.monotonic() - began, cpu_seconds(collector.pid)
    time.sleep(3)
    resident = memory_kb(collector.pid)[0] / 1024
    collector.kill()
    emulator.terminate()
    emulator.wait()
    return spent, took, resident


def main():
    options = bench_arguments(argparse.ArgumentParser(description=__doc__))
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "token").write_text("bench\n")
        (folder / "collector.yaml").write_text(CONFIGURATION.format(http=HTTP))
        (folder / "kubeconfig").write_text(KUBECONFIG.format(api=API))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=api",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "api.key", "-out", folder / "api.crt"],
                       check=True, capture_output=True)
        sizes = [(0, 0), (1_000, 0), (0, 10_000), (1_000, 10_000), (15_000, 150_000)]
        rows = [(sizes_of, measure(options, folder, *sizes_of)) for sizes_of in sizes]
    table("the API server's objects, known", ["nodes", "endpoints", "CPU s", "clock s", "resident MB"],
          [[f"{nodes:,}", f"{endpoints:,}", f"{cpu:.2f}", f"{clock:.1f}", f"{resident:.0f}"] for (nodes, endpoints), (cpu, clock, resident) in rows])


if __name__ == "__main__":
    main()
