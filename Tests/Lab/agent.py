#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent alone, as a real program: against this kernel, a real BIRD and a collector that does as
it is told.

    Tests/Lab/agent.py [--agent PROGRAM] [--only WORD …] [--keep]
    Tests/Lab/agent.py --soak --agent PROGRAM     a day's worth of reports, for a sanitizer's build

Needs root (network namespaces) and a built agent. Ends with `N passed, N failed`.
"""
import argparse
import pathlib
import shutil
import socket
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import agent_events  # noqa: E402
import agent_kernel  # noqa: E402
import agent_soak  # noqa: E402
import agent_stream  # noqa: E402
from agent_node import Agent, Node  # noqa: E402
from scripted_collector import Authority, Collector  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Stage:
    """What all cases share: the node, its certificates, one collector that is well."""

    def __init__(self, program, folder):
        self.program = program
        self.node = Node(folder)
        self.authority = Authority(folder)
        for name in ("n1", "renewed"):
            self.authority.make(name, "DNS:n1")
        self.collector = Collector(self.authority, self.free_port())
        self.collectors = [self.collector]
        self.node.start_birds()

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    @staticmethod
    def say(text):
        print(f"       {text}", flush=True)


def run(stage, name, case):
    began = time.monotonic()
    try:
        case(stage)
    except Exception:
        print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        for agent in Agent.running:
            print(f"the agent's log:\n{agent.log}", flush=True)
        return False
    finally:
        Agent.stop_all()
    print(f"passed {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--agent", default=ROOT / ".build/debug/podpath-agent", type=pathlib.Path)
    options.add_argument("--only", nargs="*", default=[])
    options.add_argument("--keep", action="store_true")
    options.add_argument("--soak", action="store_true")
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="podpath-agent-")
    stage = Stage(options.agent.resolve(), folder)
    cases = agent_soak.CASES if options.soak else agent_stream.CASES + agent_kernel.CASES + agent_events.CASES
    chosen = [case for case in cases if not options.only or any(word in case[0] for word in options.only)]
    try:
        results = [run(stage, name, case) for name, case in chosen]
    finally:
        stage.node.down()
        if not options.keep:
            shutil.rmtree(folder)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) and results else 1


if __name__ == "__main__":
    sys.exit(main())
