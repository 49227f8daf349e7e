#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kinds that were injected against kinds that were named: what is taken for what, over all faults of the lab, all
its combinations, and the cases from the field.

    Tests/Lab/matrix.py [FILE …]

Without files it runs both (root, half an hour) and reads what they append to the file that PODPATH_MATRIX names, one
JSON object a line: {"by": …, "name": …, "injected": [kinds], "named": [kinds]}, and of a calm its "seconds". Of a
case with several injected kinds each that is named is right. Exit 0 only if the matrix is diagonal: every injected
kind named every time, no other, and nothing in calm.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VARIABLE = "PODPATH_MATRIX"


def record(name, injected, alerts, seconds=None, by="lab"):
    """One case, if anybody collects them. An incident counts as what it was last known as, and as each injected kind
    that it was known as before: a root may move, and what grows into its cause is not what it was at first."""
    if file := os.environ.get(VARIABLE):
        told = [alert for alert in alerts if alert["transition"] != "resolved"]
        named = {alert["kind"] for alert in told} & set(injected) | set({each["id"]: each["kind"] for each in told}.values())
        case = {"by": by, "name": name, "injected": sorted(set(injected)), "named": sorted(named)}
        append(file, case if seconds is None else {**case, "seconds": round(seconds)})


def append(file, case):
    """In one write: several lanes append to one file."""
    with open(file, "ab", buffering=0) as opened:
        opened.write(json.dumps(case).encode() + b"\n")


def read(files):
    return [json.loads(line) for file in files for line in pathlib.Path(file).read_text().splitlines() if line.strip()]


# The matrix


class Row:
    """One injected kind: how often, how often it was named, and what else was."""

    def __init__(self):
        self.count, self.named, self.others = 0, 0, collections.Counter()

    def add(self, kind, case):
        self.count += 1
        self.named += kind in case["named"]
        self.others.update(set(case["named"]) - set(case["injected"]))

    def is_diagonal(self):
        return self.named == self.count and not self.others

    def words(self):
        others = [f"{kind} {count}" for kind, count in self.others.most_common()]
        missed = [f"not named {self.count - self.named}"] if self.named < self.count else []
        return ", ".join([f"{self.named}/{self.count}", *missed, *others])


def rows(cases):
    table = collections.defaultdict(Row)
    for case in cases:
        for kind in set(case["injected"]):
            table[kind].add(kind, case)
    return dict(sorted(table.items()))


def known_kinds():
    """As the collector spells them."""
    text = (ROOT / "Collector/Verdicts/Kind.swift").read_text()
    return {line.split('"')[1] for line in text.splitlines() if line.strip().startswith("case ") and '"' in line}


def show(cases):
    """Prints it, and gives whether it is diagonal."""
    table, calm = rows(cases), [case for case in cases if not case["injected"]]
    counts = collections.Counter(case["by"] for case in cases)
    print("injected × named: " + (", ".join(f"{count} by {by}" for by, count in counts.items()) or "no case"))
    for kind, row in table.items():
        print(f"{' ' if row.is_diagonal() else '!'} {kind:30}{row.words()}")
    never = sorted(known_kinds() - set(table))
    print(textwrap.fill("never injected: " + (", ".join(never) or "none"), 120, subsequent_indent="  ", break_on_hyphens=False))
    alarms = collections.Counter(kind for case in calm for kind in case["named"])
    hours = sum(case.get("seconds", 0) for case in calm) / 3600
    told = ", ".join(f"{kind} {count}" for kind, count in alarms.items()) or "no false alarm"
    print(f"calm: {len(calm)} times, {hours:.2f} h, {told}")
    return bool(table) and not alarms and all(row.is_diagonal() for row in table.values())


# Doing


def run(file):
    """Both, whatever the first finds. Gives what went wrong."""
    sys.path.insert(0, str(ROOT / "packaging/lab.d"))
    import faults
    runs = [["swift", "test", "--filter", "FieldCases"],
            [sys.executable, "Tests/Lab/run.py", "--only", *faults.FAULTS, "--cases", "combination", "calm"]]
    environment = {**os.environ, VARIABLE: file}
    ends = [(words, subprocess.run(words, cwd=ROOT, env=environment).returncode) for words in runs]
    return [f"{' '.join(words[:3])} ended with {code}" for words, code in ends if code]


def main():
    files = sys.argv[1:]
    if any(word.startswith("-") for word in files):
        print(__doc__.strip())
        return 0 if files[0] in ("-h", "--help") else 2
    if files:
        return 0 if show(read(files)) else 1
    with tempfile.NamedTemporaryFile(prefix="podpath-matrix-") as file:
        problems = run(file.name)
        is_diagonal = show(read([file.name]))
    for problem in problems:
        print(problem)
    return 0 if is_diagonal and not problems else 1


if __name__ == "__main__":
    sys.exit(main())
