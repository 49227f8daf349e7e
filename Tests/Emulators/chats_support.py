# SPDX-License-Identifier: Apache-2.0
"""What the tests of chats.py share: the running program, what may be sent to it, and how."""

import base64
import copy
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import quote, urlencode

HERE = pathlib.Path(__file__).resolve().parent
LONG_ENOUGH = 20
SECRET, KEYWORD, TOKEN = "SEC-never-print-9d1", "podpath", "tok-never-print-77a"
KEY = "0123456789abcdef0123456789abcdef"
SINKS = {
    "ding": {"vendor": "dingtalk", "token": TOKEN, "secret": SECRET, "keyword": KEYWORD},
    "open": {"vendor": "dingtalk", "token": "plain"},
    "wecom": {"vendor": "wecom", "key": TOKEN},
    "feishu": {"vendor": "feishu", "hook": TOKEN, "secret": SECRET, "keyword": KEYWORD},
    "slack": {"vendor": "slack", "hook": f"T0/B0/{TOKEN}"},
    "mm": {"vendor": "mattermost", "hook": TOKEN},
    "teams": {"vendor": "teams", "workflow": "0a1b", "sig": TOKEN},
    "pd": {"vendor": "pagerduty", "key": KEY},
    "hook": {"vendor": "webhook", "path": "own", "token": TOKEN},
}
# What a test is not about must not stand in its way.
FREE = {name: {"windows": []} for name in SINKS}
STANDARD = {name: {"windows": windows} for name, windows in {
    "ding": [[20, 60]], "wecom": [[20, 60]], "feishu": [[100, 60], [5, 1]], "slack": [[5, 5]], "teams": [[4, 1]],
    "pd": [[120, 60]]}.items()}


def base64_hmac(key, message):
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def ding_path(token=TOKEN, moment=None, secret=SECRET, extra=()):
    moment = str(round(time.time() * 1_000) if moment is None else moment)
    sign = base64_hmac(secret, f"{moment}\n{secret}")
    return "/robot/send?" + urlencode([("access_token", token), ("timestamp", moment), ("sign", sign), *extra])


def feishu_signed(body, moment=None, secret=SECRET):
    moment = str(int(time.time()) if moment is None else moment)
    return body | {"timestamp": moment, "sign": base64_hmac(f"{moment}\n{secret}", "")}


TEAMS_PATH = f"/workflows/0a1b/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers&sv=1.0&sig={TOKEN}"
DING = {"msgtype": "markdown", "markdown": {"title": "podpath", "text": "podpath: n3 @13800000000"},
        "at": {"atMobiles": ["13800000000"], "isAtAll": False}}
WECOM = {"msgtype": "markdown", "markdown": {"content": "**n3** <font color=\"warning\">broken</font>"}}
FEISHU = {"msg_type": "interactive", "card": {
    "config": {"wide_screen_mode": True},
    "header": {"title": {"tag": "plain_text", "content": "podpath: n3"}, "template": "red"},
    "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "**broken**"}}, {"tag": "hr"},
                 {"tag": "action", "actions": [{"tag": "button", "text": {"tag": "plain_text", "content": "open"},
                                                "url": "https://podpath.example.net", "type": "primary"}]}]}}
FEISHU_NEW = {"msg_type": "interactive", "card": {
    "schema": "2.0", "header": FEISHU["card"]["header"], "body": {"elements": [{"tag": "markdown", "content": "x"}]}}}
SLACK = {"text": "n3 &lt;x&gt; &amp; <https://podpath.example.net|open>", "blocks": [
    {"type": "header", "text": {"type": "plain_text", "text": "n3", "emoji": False}}, {"type": "divider"},
    {"type": "section", "text": {"type": "mrkdwn", "text": "*broken*"}},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "lab"}]}]}
MATTERMOST = {"text": "| a | b |\n|---|---|\n| `@all` | n3 |", "priority": {"priority": "urgent"},
              "attachments": [{"fallback": "n3", "color": "#ff0000", "fields": [{"title": "a", "value": "b", "short": True}]}]}
TEAMS = {"type": "message", "attachments": [{
    "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2",
        "body": [{"type": "TextBlock", "text": "n3", "weight": "Bolder", "wrap": True, "color": "Attention"},
                 {"type": "FactSet", "facts": [{"title": "node", "value": "n3"}]},
                 {"type": "Container", "items": [{"type": "TextBlock", "text": "inner"}]}],
        "actions": [{"type": "Action.OpenUrl", "title": "open", "url": "https://podpath.example.net"}],
        "msteams": {"width": "full"}}}]}
PAGER = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "i-1",
         "payload": {"summary": "n3", "source": "podpath", "severity": "critical", "custom_details": {"node": "n3"}},
         "links": [{"href": "https://podpath.example.net", "text": "open"}], "client": "podpath"}
INCIDENT = {"id": "i-1", "kind": "kernel-route-missing", "severity": "critical", "state": "firing", "cluster": "lab",
            "subject": {"node": "n3"}, "summary": "n3 breaks", "since": "2026-11-27T03:12:00.000Z",
            "detectedAt": "2026-11-27T03:12:00.000Z", "evidence": [], "impact": {}, "verify": [], "transition": "opened"}
ALERTS = {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "r", "groupLabels": {}, "commonLabels": {},
          "commonAnnotations": {}, "externalURL": "http://am", "truncatedAlerts": 0, "alerts": [
              {"status": "firing", "labels": {"alertname": "a"}, "annotations": {"summary": "s"}, "startsAt": "2026",
               "endsAt": "0001", "generatorURL": "", "fingerprint": "f"}]}
PATHS = {"wecom": f"/cgi-bin/webhook/send?key={TOKEN}", "feishu": f"/open-apis/bot/v2/hook/{TOKEN}",
         "slack": f"/services/T0/B0/{TOKEN}", "mm": f"/hooks/{TOKEN}", "teams": TEAMS_PATH, "pd": "/v2/enqueue",
         "hook": "/hook/own", "open": "/robot/send?access_token=plain"}


def changed(body, path, value):
    """A copy with one thing put otherwise: `path` is keys and indices; a value of `gone` takes it out."""
    body = copy.deepcopy(body)
    place = body
    for step in path[:-1]:
        place = place[step]
    if value is gone:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


def gone():
    """Stands for no value."""


class Reply:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def code(self):
        """The vendor's own."""
        return next(value for key, value in self.json.items() if key in ("errcode", "code"))


def certificate(folder):
    """(certificate, key) of 127.0.0.1, which is its own authority."""
    made = folder / "tls.crt", folder / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chat.example",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:chat.example", "-keyout", made[1], "-out", made[0]],
                   check=True, capture_output=True)
    return made


class Chats:
    """The running program."""

    def __init__(self, folder, sinks, hosts=None, tls=None):
        configuration = folder / "chats.json"
        configuration.write_text(json.dumps({"sinks": sinks, "hosts": hosts or {}}))
        words = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--proxy",
                 "127.0.0.1:0", "--config", configuration]
        if tls:
            words += ["--tls", "127.0.0.1:0", "--certificate", tls[0], "--key", tls[1]]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([sys.executable, "-B", "-W", "error", HERE / "chats.py", *words],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.ports, self.said = {}, ""
        for _ in range(4 if tls else 3):
            line = self.process.stdout.readline()
            self.said += line
            role, addresses = re.fullmatch(r"chats: (\w+) on (.*)\n", line).groups()
            self.ports[role] = [int(each.rpartition(":")[2]) for each in addresses.split(", ")]

    def connect(self, role="listening", number=0):
        return http.client.HTTPConnection("127.0.0.1", self.ports[role][number], timeout=LONG_ENOUGH)

    def ask(self, method, path, body=None, headers=None, role="listening", number=0):
        connection = self.connect(role, number)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body, ensure_ascii=False).encode()
            connection.request(method, path, body, {"Content-Type": "application/json"} if headers is None else headers)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def control(self, method, path, body=None):
        reply = self.ask(method, path, body, role="control")
        if reply.status != 200:
            raise AssertionError(reply.json["error"])
        return reply.json

    def received(self, sink):
        return self.control("GET", f"/_received?sink={quote(sink)}")

    def last_reason(self):
        return self.control("GET", "/_received")["refused"][-1]["reason"]

    def end(self):
        self.process.terminate()
        self.process.wait(LONG_ENOUGH)
        self.process.stdout.close()
        self.log.seek(0)
        self.said += self.log.read()
        self.log.close()


class ChatsTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        cls.tls = certificate(folder)
        cls.chats = Chats(folder, SINKS, tls=cls.tls)

    @classmethod
    def tearDownClass(cls):
        cls.chats.end()
        cls.folder.cleanup()
        for secret in (SECRET, TOKEN, KEY):
            assert secret not in cls.chats.said, "it printed a secret"
        assert cls.chats.process.returncode == 0 and "Traceback" not in cls.chats.said, cls.chats.said

    def setUp(self):
        self.chats.control("DELETE", "/_faults")
        self.chats.control("DELETE", "/_received")
        self.chats.control("POST", "/_limits", FREE)

    def send(self, sink, body, path=None, headers=None, method="POST"):
        """As a client that does everything right, but for what is told otherwise."""
        if sink == "ding":
            path = path or ding_path()
        if sink == "feishu" and isinstance(body, dict) and "sign" not in body:
            body = feishu_signed(body)
        if sink == "hook" and headers is None:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        return self.chats.ask(method, path or PATHS[sink], body, headers)

    def assertTaken(self, sink, body, **how):
        reply = self.send(sink, body, **how)
        received = self.chats.received(sink)
        self.assertEqual(received["refused"], [], reply.body)
        return reply, received["accepted"][-1]

    def assertRefused(self, reason, sink, body, **how):
        reply = self.send(sink, body, **how)
        told = self.chats.control("GET", "/_received")
        self.assertEqual([], told["accepted"], f"{reason}: it was taken")
        self.assertRegex(self.chats.last_reason(), reason)
        return reply
