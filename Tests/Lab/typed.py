# SPDX-License-Identifier: Apache-2.0
"""What an alert asks a person to type, typed: each command runs as it stands on its device of the lab, while what it
shows is still broken. What the lab only has an emulator of is held to the forms that its manual knows."""

import contextlib
import pathlib
import re
import shlex
import subprocess

import demo
import frr
from state import Lab
from topology import LTM_ADDRESS, NODES, SWITCHES

NODE_NAMES = {node.name for node in NODES}
SPOKEN_BY = {switch.name: switch for switch in SWITCHES}

# A person waits longer for none of them.
PATIENCE = 15
# What a program says to what it does not understand, or does not find because it was asked in the wrong way.
REFUSALS = ("syntax error", "unknown command", "usage:", "no such file", "ambiguous command", "command incomplete",
            "multiple static protocols")
# BIRD's own number for a command that it does not understand, or for a protocol that it does not have.
BIRD_REFUSES = re.compile(r"^(8003|8006|9\d\d\d)[ -].*", re.MULTILINE)
NOT_THERE = re.compile(r"^8001[ -]", re.MULTILINE)
# Exits that are answers: there is no such process or device, nobody listens where it should, or does not answer.
ANSWERS = {("agent-silent", "pgrep"): {1}, ("kernel-device-down", "ip"): {1},
           ("bird-unreachable", "birdc"): {1}, ("bird-unreachable", "pgrep"): {1}, ("ltm-cidr-down", "timeout"): {1, 124},
           ("bird-unreachable", "timeout"): {1, 124},
           ("session-down", "vtysh"): {1, 124}, ("source-unreadable", "vtysh"): {1, 124}}
# The lab is no machine of its own: what asks its init for something can only be read.
UNRUN = {"timedatectl", "journalctl", "systemctl", "tcpdump"}

FORMS = pathlib.Path(__file__).resolve().parent.parent / "Fixtures/commands/forms.txt"


class Story(demo.Story):
    """Tells nobody; of what is opened every command is typed at once."""

    def __init__(self, identity):
        super().__init__(as_json=False)
        self.identity, self.problems = identity, []

    def tell(self, event, text="", **details):
        if event == "alert":
            self.problems += problems(Lab(self.identity), details["incident"])


def problems(lab, alert):
    """What is wrong with what it asks for; each with the place and the command."""
    if not alert["verify"]:
        return [f"{alert['kind']} has nothing to type"]
    found = []
    for each in alert["verify"]:
        place, command = each["on"], each["command"]
        if complaint := complain(lab, alert["kind"], place, command):
            found.append(f"{alert['kind']}: on {place}: {command}: {complaint}")
    return found


def complain(lab, kind, place, command):
    if place in NODE_NAMES:
        return misfit(command, "node") if UNRUN & set(command.split()) else on_node(lab, kind, place, command)
    # A switch's name, and in brackets where it is logged in to.
    switch = place.split(" (")[0]
    if switch in SPOKEN_BY and command.startswith("vtysh "):
        return on_switch(lab, kind, switch, command)
    if LTM_ADDRESS in place:
        return misfit(command, "unit")
    return misfit(command, "nxos" if switch in SPOKEN_BY else place)


def misfit(command, device):
    """Why it is nothing that such a device understands, if it is not."""
    lines = [line.split(" ", 1) for line in FORMS.read_text().splitlines() if line and not line.startswith("#")]
    known = any(kind == device and re.fullmatch(form, command) for kind, form in lines)
    return None if known else f"no known form of a command for {device}"


def on_node(lab, kind, node, command):
    # With -v BIRD numbers what it says, and does nothing else.
    told = command.replace("birdc -r", "birdc -v -r", 1)
    code, text = typed(lab.enter(node) + ["sh", "-c", told])
    if refused := BIRD_REFUSES.search(text):
        return f"BIRD says {refused.group(0)}"
    return wrong_end(kind, command, code, text) if not NOT_THERE.search(text) else None


def wrong_end(kind, command, code, text):
    """What it says with its exit, or in words."""
    if not code:
        return refusal(text)
    return None if code in ANSWERS.get((kind, command.split()[0]), ()) else f"ends with {code}: {last(text)}"


def on_switch(lab, kind, name, command):
    words = shlex.split(command)
    code, text = typed([*frr.vtysh(lab, SPOKEN_BY[name]), *words[1:]])
    return wrong_end(kind, command, code, text)


def refusal(text):
    return next((f"says {last(text)}" for word in REFUSALS if word in text.lower()), None)


def typed(command):
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr
    return 124, f"does not end within {PATIENCE} s"


def last(text):
    return next((line for line in reversed(text.splitlines()) if line.strip()), "nothing")
