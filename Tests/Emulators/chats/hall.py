# SPDX-License-Identifier: Apache-2.0
"""Who receives: every configured sink by its name, what each took, and what was refused and why."""

import collections
import threading

from chats.dingtalk import DingTalk
from chats.feishu import Feishu
from chats.mattermost import Mattermost
from chats.pagerduty import PagerDuty
from chats.request import ConfigurationError, Refusal, text_answer
from chats.slack import Slack
from chats.teams import Teams
from chats.webhook import Webhook
from chats.wecom import WeCom

VENDORS = {vendor.word: vendor
           for vendor in (DingTalk, WeCom, Feishu, Slack, Mattermost, Teams, PagerDuty, Webhook)}
# What a test reads at once; of a day's run the oldest go.
KEPT = 20_000


class Hall:
    def __init__(self, sinks):
        """`sinks`: name to {"vendor": …, its credential, "limits": {…}}."""
        if not isinstance(sinks, dict) or not all(isinstance(each, dict) for each in sinks.values()):
            raise ConfigurationError("sinks: names, each with an object")
        self.lock = threading.Lock()
        self.sinks = {name: self.made(name, settings) for name, settings in sinks.items()}
        self.accepted, self.refused = (collections.deque(maxlen=KEPT) for _ in range(2))
        self.asked = collections.Counter()

    @staticmethod
    def made(name, settings):
        if settings.get("vendor") not in VENDORS:
            raise ConfigurationError(f"{name}: vendor is one of {', '.join(VENDORS)}")
        return VENDORS[settings["vendor"]](name, settings)

    def limit(self, wanted):
        """Limits by sink; the rates of those begin anew."""
        for name, limits in wanted.items():
            if name not in self.sinks:
                raise ConfigurationError(f"no sink {name}")
            self.sinks[name].limit(limits)

    def find(self, request):
        """(the vendor whose path it is, the sink whose credential it bears); None where there is none."""
        vendor = next((each for each in VENDORS.values() if each.owns(request.path)), None)
        return vendor, next((sink for sink in self.sinks.values()
                             if type(sink) is vendor and sink.is_meant(request)), None)

    def receive(self, request, vendor, sink):
        """Its Answer; what is kept of it is kept before it is given."""
        try:
            if vendor is None:
                raise Refusal("nobody has this path", status=404)
            if sink is None:
                raise vendor.stranger(request)
            kept = sink.take(request)
        except Refusal as refusal:
            self.refuse(request, vendor, sink, refusal.reason)
            return (sink or vendor).refused(refusal) if vendor else text_answer(404, "not found")
        with self.lock:
            self.accepted.append({"sink": sink.name, "at": request.at, "method": request.method,
                                  "path": request.path, **kept})
        return sink.accepted(kept["body"])

    def refuse(self, request, vendor, sink, reason):
        with self.lock:
            self.refused.append({
                "sink": sink.name if sink else None, "vendor": vendor.word if vendor else None, "at": request.at,
                "method": request.method, "path": request.path, "reason": reason,
                "body": request.body[:40_000].decode(errors="replace")})

    def count(self, sink):
        """Every request, whatever became of it."""
        with self.lock:
            self.asked[sink.name if sink else ""] += 1

    def told(self, name=None):
        with self.lock:
            if name is not None and name not in self.sinks:
                raise ConfigurationError(f"no sink {name}; there are {', '.join(self.sinks)}")
            return {"accepted": [each for each in self.accepted if name in (None, each["sink"])],
                    "refused": [each for each in self.refused if name in (None, each["sink"])],
                    "asked": self.asked[name] if name is not None else dict(self.asked)}

    def forget(self):
        with self.lock:
            self.accepted.clear()
            self.refused.clear()
            self.asked.clear()
