# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: it shows good as good, and a fault without being told to."""

import shutil
import subprocess

import demo


def dom(url):
    """The document as Chromium has it some seconds after it was opened."""
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
         "--timeout=8000", "--enable-logging=stderr", "--dump-dom", url + "/"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, errors


def shows_good(identity, running):
    document, errors = dom(running.url)
    problems = [f"console: {line}" for line in errors]
    if "All 6 pod CIDRs are good" not in document:
        problems.append("the verdict line does not say that all is good")
    if document.count('class="cell ok"') < 6 * 9:
        problems.append("the matrix does not show every stage good")
    return problems


def shows_fault(identity, running):
    demo.lab(identity, "fault", "kernel-route-missing")
    try:
        demo.wait("the incident", 10, lambda: running.get("/api/v1/incidents?state=firing")["incidents"])
        document, errors = dom(running.url)
    finally:
        demo.lab(identity, "mend", "kernel-route-missing")
    demo.wait("health", demo.RESOLVE, running.is_well)
    problems = [f"console: {line}" for line in errors]
    for text in ("10.16.2.0/24 of n3 breaks at kernel", 'class="cell missing"', "ip route show 10.16.2.0/24"):
        if text not in document:
            problems.append(f"the page does not show {text!r}")
    return problems


def cases(identity, running):
    if shutil.which("chromium") is None:
        return [("the page in a browser", lambda: ["chromium is not installed"])]
    return [
        ("the page shows a healthy site as good", lambda: shows_good(identity, running)),
        ("the page shows a fault, its cell and how to verify it", lambda: shows_fault(identity, running)),
    ]
