# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: it shows good as good and a fault without being reloaded, the way, the past and the
silences of it; it takes no harm from what devices say, and asks nobody but the collector."""

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
        self.number, self.buffer, self.session, self.errors, self.asked = 0, b"", None, [], []

    def open(self, url, before=""):
        """`before` is a script that runs before any of the page's own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
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
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description", details.get("text"))))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.errors.append(str([each.get("value", each.get("description")) for each in parameters["args"]]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise demo.DemoError(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def text(self, selector="body"):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText") or ""

    def click(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, key, character=None):
        for kind in ("keyDown", "keyUp"):
            parameters = {"type": kind, "key": key, "code": key}
            if character and kind == "keyDown":
                parameters["text"] = character
            self.call("Input.dispatchKeyEvent", **parameters)

    def wide(self, width, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def opened(url, place="/", before=""):
    browser = Browser()
    try:
        browser.open(url + place, before)
        yield browser
    finally:
        browser.close()


def complaints(browser, url):
    """What the console said, and who else was asked."""
    strangers = {name for name in browser.asked if not name.startswith((url + "/", "data:", "about:"))}
    return [f"the page complains: {error}" for error in browser.errors] + [f"the page asked {name}" for name in sorted(strangers)]


KIND, NODE, PREFIX = "kernel-route-missing", "n3", "10.16.2.0/24"
ALL_GOOD = "All 6 pod CIDRs"
SUMMARY = f"{PREFIX} of {NODE} is lost: the kernel has no route"
COMMAND = f"ip -4 route show table all {PREFIX}"


def shows_good_then_a_fault(identity, running):
    """One tab, never reloaded: good, then the fault within a second of its incident, its way, what an operator says
    of it, and when it was; then good, and the past from there."""
    with opened(running.url) as browser:
        demo.wait("the page to show all good", 20, lambda: ALL_GOOD in browser.text("#verdict"))
        demo.lab(identity, "fault", KIND)
        try:
            demo.wait("the page to name the fault", 20, lambda: SUMMARY in browser.text("#verdict"))
            problems = the_fault(browser) + the_way(browser) + the_silence(browser)
        finally:
            demo.lab(identity, "mend", KIND)
        demo.wait("the page to show all good again", demo.RESOLVE, lambda: ALL_GOOD in browser.text("#verdict"))
        problems += the_past(browser) + complaints(browser, running.url)
    demo.wait("health", demo.RESOLVE, running.is_well)
    return problems


def the_fault(browser):
    # The timeline still tells of earlier ones; what counts is what stands open.
    problems = [] if COMMAND in browser.text("#incidents") else ["the page does not show how to verify the fault"]
    demo.wait("the broken row to stand first", 10, lambda: browser.evaluate(
        f"[...document.querySelectorAll('[aria-rowindex=\"2\"]')].some((row) => row.textContent.includes('{PREFIX}'))"))
    demo.wait("a bar in the timeline", 10, lambda: browser.evaluate("document.querySelectorAll('.bar.critical.on').length") == 1)
    marks = browser.evaluate("[...document.querySelectorAll('.cell')].filter((c) => !c.textContent.trim()).length")
    return problems + ([f"{marks} cells say what they are by colour alone"] if marks else [])


def the_way(browser):
    """Its own address, what breaks first, what to type, and back by a key."""
    browser.click("[aria-rowindex='2'] a")
    demo.wait("the way of the CIDR", 10, lambda: "breaks here first" in browser.text())
    text, address, problems = browser.text(), browser.evaluate("location.hash"), []
    if "path=10.16.2.0%2F24" not in address or f"node={NODE}" not in address:
        problems.append(f"the way has no address of its own: {address}")
    for words in (COMMAND, "On the node", "In the network", "cilium_host"):
        if words not in text:
            problems.append(f"the way does not show {words}")
    browser.press("Escape")
    demo.wait("back to all", 10, lambda: "breaks here first" not in browser.text())
    return problems


def the_silence(browser):
    """An acknowledgement, by the form, which is refused as long as it says nothing."""
    browser.evaluate("[...document.querySelectorAll('#incidents button')].find((b) => b.textContent === 'Acknowledge').click()")
    demo.wait("the form", 10, lambda: browser.evaluate("document.querySelector('dialog[open] form') !== null"))
    browser.evaluate("""(() => { const form = document.querySelector('dialog form'); form.elements.author.value = 'ann';
        form.elements.comment.value = 'a new <b>disk</b>'; form.requestSubmit(); })()""")
    demo.wait("the acknowledgement on the card", 10, lambda: "acknowledged by ann" in browser.text("#incidents"))
    demo.wait("the form to close", 10, lambda: not browser.evaluate("document.querySelector('dialog').open"))
    problems = [] if "a new <b>disk</b>" in browser.text("#incidents") else ["the comment is not shown as it was written"]
    # All of them: one that an earlier run left would go on.
    browser.evaluate("""for (const each of document.querySelectorAll('.silence.active')) {
        if (each.textContent.includes('<b>disk</b>')) each.querySelector('button').click(); }""")
    demo.wait("the acknowledgement to end", 10, lambda: "acknowledged by ann" not in browser.text("#incidents"))
    return problems


def the_past(browser):
    """The timeline leads to the matrix as it was, which says so; a key leads back."""
    demo.wait("the fault to be over in the timeline", 10, lambda: browser.evaluate("document.querySelectorAll('.bar.critical:not(.on)').length") > 0)
    # Of this CIDR: others may have broken before. The first, which has been on disk for longest.
    browser.evaluate(f"""[...document.querySelectorAll('.bar.critical')].filter((bar) => bar.title.includes({json.dumps(SUMMARY)}))
        .sort((a, b) => a.firstMoment - b.firstMoment)[0].click()""")
    # A change is on disk within a second or two of its being seen.
    demo.wait("the way as it was", 15, lambda: "As it was at" in browser.text("#past") and any(words in browser.text("#verdict") for words in ("was broken", "were broken")))
    problems = [] if "at=" in browser.evaluate("location.hash") else ["the moment is not in the address"]
    row = f"""[...document.querySelectorAll('[aria-rowindex]')].some((row) => row.textContent.includes({json.dumps(PREFIX)})
        && row.textContent.includes({json.dumps(KIND)}))"""
    demo.wait("the matrix as it was", 30, lambda: browser.evaluate(row))
    browser.press("n", "n")
    demo.wait("now", 10, lambda: ALL_GOOD in browser.text("#verdict") and "As it was at" not in browser.text())
    return problems


def finds(_, running):
    """Whatever is looked for has an address, and its answer is one line."""
    wanted = [("10.16.2.33", f"10.16.2.33: {PREFIX} of {NODE}"), (NODE, f"{NODE}: {PREFIX} of {NODE}"),
              ("10.16.2", f"10.16.2: {PREFIX} of {NODE}"), ("default_web", "of 6 match"), ("b", "6 of 6 match"), ("nothing-such", "Nothing matches")]
    problems = []
    with opened(running.url, "/#q=10.16.2.33") as browser:
        for words, answer in wanted:
            browser.evaluate(f"location.hash = 'q=' + {json.dumps(words)}")
            try:
                demo.wait(f"what {words} finds", 10, lambda: answer in browser.text())  # noqa: B023
            except demo.DemoError as error:
                problems.append(str(error))
        problems += by_keys(browser) + complaints(browser, running.url)
    return problems


def by_keys(browser):
    """Search, matrix and detail without a mouse."""
    browser.evaluate("location.hash = ''")
    browser.press("/", "/")
    problems = [] if browser.evaluate("document.activeElement.id") == "query" else ["/ does not lead to the search"]
    browser.press("Escape")
    demo.wait("all rows", 10, lambda: browser.evaluate("document.querySelectorAll('.row').length") == 6)
    browser.evaluate("document.querySelector('#matrix-body [tabindex=\"0\"]').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        browser.press(key)
    demo.wait("the detail of a cell", 10, lambda: "10.16.1.0/24 · n2" in browser.text() and "via 10.16.1.1" in browser.text())
    browser.press("Escape")
    if browser.evaluate("document.getElementById('tip').hidden") is not True:
        problems.append("Escape does not close the detail")
    return problems


# Everything a device, BIRD, Kubernetes or an operator may put into a string, put into every string.
HOSTILE = r"""(() => {
  const words = ["<script>globalThis.hit = 1</script><img src=x onerror='globalThis.hit = 2'>", "\u202etxt.exe\u2066", "\u0000\u001b[31m\r\n",
    "javascript:globalThis.hit=3", "x".repeat(20000), "\ud800", "__proto__", "../../..?a=b#c"];
  let turn = 0;
  const kept = new Set(["prefix", "prefixes", "stage", "states", "state", "severity", "since", "at", "detectedAt", "firedAt", "resolvedAt", "endsAt", "startsAt", "id", "form"]);
  const spoil = (value, name) => Array.isArray(value) ? value.map((each) => spoil(each, name))
    : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, spoil(each, key)]))
    : typeof value === "string" && !kept.has(name) ? value + words[turn++ % words.length] : value;
  const made = { id: "made", kind: "made", severity: "critical", state: "firing", cluster: "made", subject: {node: "made"}, stage: "kernel", summary: "made",
    since: "2026-01-01T00:00:00Z", detectedAt: "2026-01-01T00:00:00Z", evidence: words.map((w) => ({source: w, fact: w, value: w})),
    impact: {prefixes: words, nodes: words, poolMembers: 1, pools: words, virtualServers: words, wideIPs: words, capacity: [] }, verify: words.map((w) => ({on: w, command: w})), events: words.map((text) => ({at: "2026-01-01T00:00:00Z", text})) };
  const ask = fetch;
  globalThis.fetch = async (address, options) => {
    if (String(address).endsWith("/incidents/made")) return new Response(JSON.stringify({...spoil(made, ""), timeline: made.events}));
    const body = spoil(await (await ask(address, options)).json(), "");
    if (body.incidents) body.incidents.push(spoil(made, ""));
    if (body.silences) body.silences.push(spoil({id: "made", form: "silence", match: {node: "made"}, author: "made", comment: "made", endsAt: "2126-01-01T00:00:00Z", state: "active"}, ""));
    return new Response(JSON.stringify(body), {headers: {"content-type": "application/json"}});
  };
})()"""


def takes_no_harm(_, running):
    """Whatever the collector passes on is text on the page, and keeps its place in it, on a telephone too."""
    problems = []
    with opened(running.url, before=HOSTILE) as browser:
        for place in ("", "#path=10.16.2.0/24&node=n3", "#incident=made", "#silence=node%3Dmade"):
            for width in (1280, 390):
                browser.wide(width)
                browser.evaluate(f"location.hash = {json.dumps(place)}")
                demo.wait("the page", 20, lambda: "made" in browser.text() or "intent" in browser.text())
                problems += harm(browser, place, width)
                browser.evaluate("document.querySelector('dialog').close()")
        problems += complaints(browser, running.url)
    return problems


def harm(browser, place, width):
    found = browser.evaluate("""(async () => { await new Promise((done) => setTimeout(done, 300)); return JSON.stringify({ hit: globalThis.hit ?? null, scripts: document.scripts.length,
        images: document.images.length, marks: /[\u0000\u001b\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent),
        wide: document.documentElement.scrollWidth > innerWidth, addresses: [...document.links].filter((a) => !a.href.startsWith(location.origin)).length }); })()""")
    meant = {"hit": None, "scripts": 1, "images": 0, "marks": False, "wide": False, "addresses": 0}
    found = json.loads(found)
    return [] if found == meant else [f"{place or 'all'} at {width}: {found}"]


def cases(identity, running):
    if shutil.which("chromium") is None:
        return [("the page in a browser", lambda: ["chromium is not installed"])]
    return [
        ("the page shows good, a fault as it appears, and good again",
         lambda: shows_good_then_a_fault(identity, running)),
        ("the page finds what is looked for, and needs no mouse", lambda: finds(identity, running)),
        ("the page takes no harm from what others wrote", lambda: takes_no_harm(identity, running)),
    ]
