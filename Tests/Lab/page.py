# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: it shows good as good, and a fault without being reloaded."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import demo


class Browser:
    """Headless Chromium, driven over its debugging pipe (descriptors 3 and 4, NUL after each)."""

    def __init__(self):
        ours, theirs = os.pipe(), os.pipe()
        self.folder = tempfile.mkdtemp(prefix="podpath-chromium-")
        command = ("exec chromium --headless --no-sandbox --disable-gpu --no-proxy-server "
                   f"--user-data-dir={self.folder} --remote-debugging-pipe about:blank "
                   f"3<&{ours[0]} 4>&{theirs[1]}")
        # Not sh: Debian's takes descriptors of one digit only.
        self.process = subprocess.Popen(["bash", "-c", command], pass_fds=(ours[0], theirs[1]),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = ours[1], theirs[0]
        self.number, self.buffer, self.session, self.errors = 0, b"", None, []

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Runtime.enable")
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = self.next(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise demo.DemoError(f"{method}: {answer['error']['message']}")
                return answer["result"]
        raise demo.DemoError(f"Chromium does not answer {method}")

    def next(self, deadline):
        """The next message; what the page complains of is kept."""
        while b"\0" not in self.buffer:
            if not select.select([self.read], [], [], max(0, deadline - time.monotonic()))[0]:
                return {}
            more = os.read(self.read, 65536)
            if not more:
                raise demo.DemoError("Chromium ended")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(line)
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(message["params"]["exceptionDetails"].get("text")))
        return message

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression)["result"].get("value")

    def text(self):
        return self.evaluate("document.body.innerText") or ""

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def opened(url):
    browser = Browser()
    try:
        browser.open(url + "/")
        yield browser
    finally:
        browser.close()


def shows_good_then_a_fault(identity, running):
    """One tab, never reloaded: good, then the fault within a second of its incident, then good."""
    with opened(running.url) as browser:
        demo.wait("the page to show all good", 20, lambda: "All 6 pod CIDRs" in browser.text())
        demo.lab(identity, "fault", "kernel-route-missing")
        try:
            demo.wait("the page to name the fault", 20,
                      lambda: "10.16.2.0/24 of n3 breaks at kernel" in browser.text())
            text = browser.text()
        finally:
            demo.lab(identity, "mend", "kernel-route-missing")
        demo.wait("the page to show all good again", demo.RESOLVE,
                  lambda: "All 6 pod CIDRs" in browser.text())
        problems = [f"the page complains: {error}" for error in browser.errors]
    demo.wait("health", demo.RESOLVE, running.is_well)
    if "ip -4 route show table all 10.16.2.0/24" not in text:
        problems.append("the page does not show how to verify the fault")
    return problems


def asks_nobody_else(identity, running):
    """Everything the page loads comes from the collector itself."""
    with opened(running.url) as browser:
        demo.wait("the page", 20, lambda: "All 6 pod CIDRs" in browser.text())
        names = browser.evaluate(
            "performance.getEntriesByType('resource').map(e => e.name).join(' ')") or ""
    strangers = [name for name in names.split() if not name.startswith(running.url)]
    return [f"the page asked {name}" for name in strangers]


def cases(identity, running):
    if shutil.which("chromium") is None:
        return [("the page in a browser", lambda: ["chromium is not installed"])]
    return [
        ("the page shows good, a fault as it appears, and good again",
         lambda: shows_good_then_a_fault(identity, running)),
        ("the page asks nobody but the collector", lambda: asks_nobody_else(identity, running)),
    ]
