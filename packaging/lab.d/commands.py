# SPDX-License-Identifier: Apache-2.0
"""What each word of the command line does; each gives back the exit code."""

import json
import os
import shlex
import sys
import time

import faults
import faults_node
import faults_switch
import health
import lifecycle
import podpath
from state import LabError, UsageError
from topology import NAMESPACES

HELPERS = {**faults_node.HELPERS, **faults_switch.HELPERS}
HELPER_TEXTS = {"bird-restart": "helper: BIRD is ended and started again",
                "bgpd-restart": "helper: switch a's bgpd is killed and started again"}


def obey(lab, options):
    verb = options.verb
    if verb == "list":
        return show_faults(options)
    if os.geteuid() != 0:
        words = ["sudo", "packaging/lab", *sys.argv[1:]]
        raise LabError("must be root: " + shlex.join(words))
    if verb in ("up", "down"):
        return {"up": up, "down": down}[verb](lab, options)
    lab.must_be_up()
    return {"status": status, "exec": execute, "podpath": programs, "fault": fault,
            "mend": mend}[verb](lab, options)


def up(lab, options):
    lifecycle.up(lab, options)
    return 0


def down(lab, _):
    if not lifecycle.down(lab):
        raise LabError(f"lab {lab.name!r} is not up")
    lifecycle.say(f"lab {lab.name} is down")
    return 0


def status(lab, options):
    deadline = time.monotonic() + options.wait
    while (problems := health.problems(lab)) and time.monotonic() < deadline:
        time.sleep(0.3)
    report = {"id": lab.name, "healthy": not problems, "problems": problems,
              "faults": [" ".join(each) for each in faults.active(lab)],
              "podpath": podpath.running(lab), "page": podpath.page(lab),
              "state": str(lab.directory)}
    print(json.dumps(report) if options.json else described(report))
    return 0 if report["healthy"] else 1


def described(report):
    lines = [f"lab      {report['id']}, {'healthy' if report['healthy'] else 'NOT healthy'}"]
    lines += [f"problem  {problem}" for problem in report["problems"]]
    lines += [f"fault    {fault}" for fault in report["faults"]]
    lines += [f"podpath  {' '.join(report['podpath']) or 'not started'}",
              f"page     {report['page']}", f"state    {report['state']}"]
    return "\n".join(lines)


def execute(lab, options):
    if options.name not in NAMESPACES:
        raise UsageError(f"no namespace {options.name!r}: {', '.join(NAMESPACES)}")
    command = options.command or [os.environ.get("SHELL", "/bin/sh")]
    prefix = lab.enter(options.name, f"--wdns={os.getcwd()}")
    # Whoever ends this process ends the command too.
    os.execvp(prefix[0], [*prefix, "setpriv", "--pdeathsig", "TERM", "--", *command])


def programs(lab, options):
    names = podpath.selected(options.what, options.name)
    with lab.locked():
        if options.action == "start":
            podpath.start(lab, names, options.bin)
        else:
            podpath.stop(lab, names, "TERM" if options.action == "stop" else "KILL")
    return 0


def show_faults(options):
    for fault in faults.FAULTS.values():
        if options.json:
            print(json.dumps({"summary": fault.summary, "node": fault.node,
                              **fault.expected(faults.target(fault, None))}))
        else:
            print(f"{fault.name:30}{fault.summary}")
    for name, text in {} if options.json else HELPER_TEXTS.items():
        print(f"{name:30}{text}")
    return 0


def fault(lab, options):
    with lab.locked():
        if options.kind in HELPERS:
            usual = faults.FAULTS["bird-unreachable"]
            HELPERS[options.kind](lab, faults.target(usual, options.node))
        else:
            tell([faults.fault(lab, options.kind, options.node)], options)
    return 0


def mend(lab, options):
    kinds = [options.kind]
    if options.kind == "all":
        kinds = list(dict.fromkeys(name for name, _ in faults.active(lab)))
    elif options.kind in HELPERS:
        return 0
    with lab.locked():
        for kind in kinds:
            tell(faults.mend(lab, kind, options.node), options)
    return 0


def tell(events, options):
    for event in events:
        if options.json:
            print(json.dumps(event), flush=True)
        else:
            place = " ".join(f"{key} {value}" for key, value in event["subject"].items())
            print(f"{event['event']} {event['fault']}: expect {event['kind']} for {place}")
