# SPDX-License-Identifier: Apache-2.0
"""The sinks that are tested: how the collector is told of each, what stands at its other end, and how what it was told
is read there."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Callable

import receivers
from topology import COLLECTOR, COLLECTOR_ADDRESS

KEYWORD, MOBILE = "podpath", "13800000000"
LINK = "https://podpath.example.net"
# The first word that fits decides; in both languages.
WORDS = (("resolved", r"RESOLVED|已恢复"), ("changed", r"CHANGED|有变化"), ("reminder", r"STILL|仍未恢复"))


@dataclass(frozen=True)
class Told:
    """One message: when it was taken, in seconds, which transition it is, what people read, and the body."""
    at: float
    transition: str
    text: str
    body: object = None
    notes: tuple = ()

    def speaks_of(self, word):
        everything = self.text + json.dumps(self.body, ensure_ascii=False)
        return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", everything)


@dataclass(frozen=True)
class Sink:
    """`setting` is the sink's own part of the YAML; `read(site)` gives everything it was told, in order."""
    name: str
    setting: Callable
    read: Callable
    # What stands at its other end, for chats.py; None where that is real.
    stand_in: dict = None
    options: str = ""
    # It has a case of its own and no part in the common ones.
    is_special: bool = False
    # The fault that says: this will never be taken.
    permanent: dict = field(default_factory=dict)
    secrets: tuple = ()


def transition(text):
    head = text[:200]
    return next((name for name, pattern in WORDS if re.search(pattern, head)), "opened")


def read_chat(name):
    def read(site):
        return [Told(each["at"], transition(each["text"]), each["text"], each["body"],
                     (*each["warnings"], *(f"calls {who}" for who in each["mentions"] if who == "all")))
                for each in site.chats.received(name)["accepted"]]
    return read


def read_hook(name):
    return lambda site: [Told(each["at"], each["body"]["transition"], each["text"], each["body"])
                         for each in site.chats.received(name)["accepted"]]


def read_pager(site):
    """A second trigger of one key is a change."""
    told, known = [], set()
    for each in site.chats.received("pd")["accepted"]:
        body = each["body"]
        key, is_end = body.get("dedup_key"), body["event_action"] == "resolve"
        word = "resolved" if is_end else "changed" if key in known else "opened"
        told.append(Told(each["at"], word, each["text"], body))
        known = known - {key} if is_end else known | {key}
    return told


def read_alertmanager(site):
    """What the two tell together. Labels are an alert's identity, so one whose root moved may be two. A test alert fires
    for a minute, into whatever case is on by then."""
    names = {"firing": "opened", "resolved": "resolved"}
    return [Told(each["at"], names[alert["status"]], json.dumps(alert["labels"]) + each["text"], alert)
            for each in site.chats.received("alertmanager")["accepted"] for alert in each["body"]["alerts"]
            if alert["labels"].get("incident") != "test"]


def read_matrix(site):
    return [Told(each["at"], transition(each["body"]), each["body"], each) for each in site.matrix.messages()]


class Site:
    """Everything at the other end, and the secrets with which it is reached."""

    def __init__(self, lab, names=None):
        self.lab = lab
        self.sinks = [sink for sink in table() if names is None or sink.name in names]
        stand_ins = {sink.name: sink.stand_in for sink in self.sinks if sink.stand_in}
        stand_ins["alertmanager"] = {"vendor": "webhook", "path": "alertmanager"}
        self.chats = receivers.Chats(lab, stand_ins, {
            "chat.example:80": f"127.0.0.1:{receivers.FIRST_DOOR}",
            f"{COLLECTOR}:443": f"{COLLECTOR_ADDRESS}:{receivers.TLS_PORT}"})
        self.alertmanagers = receivers.Alertmanagers(lab, self.chats.door("alertmanager") + "/hook/alertmanager")
        self.matrix = receivers.Matrix(lab)

    def has(self, name):
        return any(sink.name == name for sink in self.sinks)

    def start(self):
        self.chats.start()
        self.alertmanagers.start()
        self.matrix.start()

    def file(self, name, text):
        """A secret in a file beside the configuration; its name."""
        receivers.write(self.lab, name, text + "\n")
        return name

    def yaml(self):
        """Entries of `sinks:` below `alerts:`."""
        return "".join(f"    - {{ name: {sink.name}, {sink.setting(self)}{sink.options} }}\n" for sink in self.sinks)

    def secrets(self):
        return [each for sink in self.sinks for each in sink.secrets] + [self.matrix.token]


def hooked(name, path, vendor, settings, key="webhook-file", permanent=None, base=None, **rest):
    """A sink whose whole URL is in a file."""
    def setting(site, more=""):
        url = (base or site.chats.door(name)) + path
        return f"{vendor}: {{ {key}: {site.file(name + '-url', url)}{more} }}"
    return Sink(name, setting, rest.pop("read", read_chat(name)), {"vendor": vendor, **settings},
                permanent=permanent or {"kind": "status", "code": 404}, **rest)


def extended(sink, more):
    """With further settings beside the URL: `more(site)` is their YAML."""
    return Sink(**{**vars(sink), "setting": lambda site: sink.setting(site, more(site))})


def new(length=16):
    return secrets.token_hex(length)


def dingtalk(name="ding"):
    token, secret = new(), "SEC" + new()
    sink = hooked(name, f"/robot/send?access_token={token}", "dingtalk",
                  {"token": token, "secret": secret, "keyword": KEYWORD}, options=", language: zh",
                  permanent={"kind": "code", "code": 310000, "message": "sign not match"}, secrets=(token, secret))
    return extended(sink, lambda site: f", secret-file: {site.file(name + '-secret', secret)}, keyword: {KEYWORD}, "
                                       f'at-mobiles: ["{MOBILE}"]')


def feishu():
    hook, secret = new(), new()
    sink = hooked("feishu", f"/open-apis/bot/v2/hook/{hook}", "feishu",
                  {"hook": hook, "secret": secret, "keyword": KEYWORD},
                  permanent={"kind": "code", "code": 19021, "message": "sign match fail"}, secrets=(hook, secret))
    return extended(sink, lambda site: f", secret-file: {site.file('feishu-secret', secret)}, keyword: {KEYWORD}")


def wecom():
    key = new()
    return hooked("wecom", f"/cgi-bin/webhook/send?key={key}", "wecom", {"key": key}, secrets=(key,),
                  permanent={"kind": "code", "code": 93000, "message": "invalid webhook url"})


def slack(name="slack", **rest):
    hook = f"T0/B0/{new()}"
    return hooked(name, f"/services/{hook}", "slack", {"hook": hook}, secrets=(hook[6:],), **rest)


def mattermost(name="mm", **rest):
    hook = new()
    return hooked(name, f"/hooks/{hook}", "mattermost", {"hook": hook}, secrets=(hook,),
                  permanent={"kind": "status", "code": 400}, **rest)


def teams():
    workflow, sig = new(), new()
    path = f"/workflows/{workflow}/triggers/manual/paths/invoke"
    query = f"api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={sig}"
    return hooked("teams", f"{path}?{query}", "teams", {"workflow": workflow, "sig": sig}, secrets=(sig,),
                  permanent={"kind": "status", "code": 401})


def pagerduty():
    key = new()
    return Sink("pd", lambda site: f"pagerduty: {{ routing-key-file: {site.file('pd-key', key)}, "
                                   f"url: \"{site.chats.door('pd')}/v2/enqueue\" }}",
                read_pager, {"vendor": "pagerduty", "key": key}, permanent={"kind": "status", "code": 400},
                secrets=(key,))


def webhook(name="hook", **rest):
    path, token = new(), new()
    sink = hooked(name, f"/hook/{path}", "webhook", {"path": path, "token": token}, key="url-file",
                  permanent={"kind": "status", "code": 401}, secrets=(path, token), read=read_hook(name), **rest)
    return extended(sink, lambda site: f", token-file: {site.file(name + '-token', token)}")


def matrix():
    return Sink("matrix", lambda site: f'matrix: {{ server: "{site.matrix.server}", room: "{site.matrix.room}", '
                                       f"token-file: {site.file('matrix-token', site.matrix.token)} }}",
                read_matrix, options=", ca: ca.crt")


def alertmanager():
    urls = ", ".join(f'"http://127.0.0.1:{port}"' for port, _ in receivers.ALERTMANAGERS)
    return Sink("am", lambda site: f"alertmanager: {{ urls: [{urls}] }}", read_alertmanager)


def table():
    """Slack is first: the proxy leads `chat.example:80` to its door. The last ones are for one case each."""
    proxy = f', proxy: "http://127.0.0.1:{receivers.PROXY_PORT}"'
    tls = f"https://{COLLECTOR_ADDRESS}:{receivers.TLS_PORT}"
    far = slack("far", base="http://chat.example", options=proxy, is_special=True)
    tunnel = mattermost("tunnel", base=f"https://{COLLECTOR}", options=proxy + ", ca: ca.crt", is_special=True)
    private = mattermost("private", base=tls, options=", ca: ca.crt", is_special=True)
    some = webhook("some", options=", only: { node: [n4], severity: [critical], cluster: [lab] }", is_special=True)
    return [slack(), dingtalk(), wecom(), feishu(), mattermost(), teams(), pagerduty(), webhook(), matrix(),
            alertmanager(), far, tunnel, private, some]
