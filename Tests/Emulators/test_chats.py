# SPDX-License-Identifier: Apache-2.0
"""Tests of what stands in for chats and hooks: the real program over HTTP and HTTPS.

    python3 Tests/Emulators/test_chats.py
"""
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from chats_support import (ALERTS, DING, FEISHU, FEISHU_NEW, HERE, INCIDENT, KEY, MATTERMOST, PAGER, PATHS, SLACK, STANDARD,
                           TEAMS, TOKEN, WECOM, Chats, ChatsTestCase, changed, ding_path, feishu_signed, gone)

HOUR = 3_600
PLAIN = {"Content-Type": "text/plain"}
OTHER_CHARSET = {"Content-Type": "application/json; charset=gbk"}


class DingTalkTests(ChatsTestCase):
    def test_markdown_with_a_signature_is_taken(self):
        reply, kept = self.assertTaken("ding", DING)
        self.assertEqual((reply.status, reply.json), (200, {"errcode": 0, "errmsg": "ok"}))
        self.assertEqual((kept["mentions"], kept["warnings"], kept["body"]), (["13800000000"], [], DING))
        self.assertIn("podpath: n3", kept["text"])

    def test_every_refusal_is_http_200_with_a_code(self):
        late, early = (time.time() + sign * (HOUR + 60) for sign in (1, -1))
        twice = [("timestamp", "1700000000000"), ("sign", "x")]
        for reason, code, how in (
                ("no access_token", 40035, {"path": "/robot/send"}),
                ("unknown access_token", 300001, {"path": ding_path(token="other")}),
                ("missing or not in milli", 310000, {"path": f"/robot/send?access_token={TOKEN}"}),
                ("missing or not in milli", 310000, {"path": ding_path(moment=int(time.time()))}),
                ("not right", 310000, {"path": ding_path(secret="other")}),
                ("hour off", 310000, {"path": ding_path(moment=round(late * 1_000))}),
                ("hour off", 310000, {"path": ding_path(moment=round(early * 1_000))}),
                ("timestamp stands 2 times", 40035, {"path": ding_path(extra=twice)}),
                ("unknown parameter", 40035, {"path": ding_path(extra=[("x", "1")])}),
                ("content type", 43004, {"headers": PLAIN}), ("content type", 43004, {"headers": OTHER_CHARSET}),
                ("content type", 43004, {"headers": {}}), ("GET is not POST", 43002, {"method": "GET"})):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "ding", DING, **how)
                self.assertEqual((reply.status, reply.code()), (200, code))

    def test_a_signature_whose_plus_is_not_encoded_is_wrong(self):
        path = next(path for moment in range(1, 10_000)
                    if "%2B" in (path := ding_path(moment=round(time.time() * 1_000) - moment)))
        self.assertTaken("ding", DING, path=path)
        self.chats.control("DELETE", "/_received")
        self.assertEqual(self.assertRefused("not right", "ding", DING, path=path.replace("%2B", "+")).code(), 310000)

    def test_bodies_that_are_refused(self):
        for reason, code, path, value in (
                ("title is missing", 40035, ["markdown", "title"], gone), ("title is empty", 40035, ["markdown", "title"], ""),
                ("text is empty", 40035, ["markdown", "text"], ""), ("unknown msgtype", 40035, ["msgtype"], "markdwon"),
                ("unknown key", 40035, ["extra"], 1), ("unknown key", 40035, ["markdown", "extra"], 1),
                ("neither true nor false", 40035, ["at", "isAtAll"], "false"), ("no list", 40035, ["at", "atMobiles"], "138"),
                ("markdown is missing", 40035, ["markdown"], gone), ("20\\d+ bytes", 460101, ["markdown", "text"], "x" * 20_000)):
            with self.subTest(reason):
                self.assertEqual(self.assertRefused(reason, "ding", changed(DING, path, value)).code(), code)

    def test_without_the_keyword_nothing_is_taken(self):
        body = {"msgtype": "markdown", "markdown": {"title": "n3", "text": "n3"}}
        reply = self.assertRefused("keyword", "ding", body)
        self.assertEqual((reply.code(), reply.json["errmsg"][:23]), (310000, "keywords not in content"))
        # Another robot, which asks for neither keyword nor signature.
        self.setUp()
        self.assertTaken("open", body)

    def test_what_would_not_be_shown_is_told(self):
        body = changed(DING, ["markdown", "text"], "podpath\n| a | b |\n|---|---|\n")
        self.assertEqual(self.assertTaken("ding", body)[1]["warnings"],
                         ["13800000000 is not in the text", "a table is not shown as one"])
        self.assertEqual(self.assertTaken("ding", changed(DING, ["at", "isAtAll"], True))[1]["mentions"][0], "all")

    def test_who_is_too_fast_is_shut_out(self):
        self.chats.control("POST", "/_limits", {"ding": {"windows": [[20, 60]], "block": 600}})
        self.assertEqual([self.send("ding", DING).code() for _ in range(22)], [0] * 20 + [130101] * 2)
        self.assertRegex(self.chats.last_reason(), r"for another (599|600)\.")
        self.chats.control("POST", "/_limits", {"ding": {"windows": [[2, 0.2]], "block": 0.6}})
        self.assertEqual([self.send("ding", DING).code() for _ in range(3)], [0, 0, 130101])
        time.sleep(0.3)
        self.assertEqual(self.send("ding", DING).code(), 130101)
        time.sleep(0.4)
        self.assertEqual(self.send("ding", DING).code(), 0)


class WeComTests(ChatsTestCase):
    def test_markdown_and_text_are_taken(self):
        reply, kept = self.assertTaken("wecom", WECOM)
        self.assertEqual((reply.json, kept["warnings"]), ({"errcode": 0, "errmsg": "ok"}, []))
        text = {"msgtype": "text", "text": {"content": "n3", "mentioned_list": ["@all"], "mentioned_mobile_list": ["138"]}}
        self.assertEqual(self.assertTaken("wecom", text)[1]["mentions"], ["all", "138"])
        body = {"msgtype": "markdown", "markdown": {"content": "<@ann> <font color=\"red\">x</font>"}}
        kept = self.assertTaken("wecom", body)[1]
        self.assertEqual((kept["mentions"], kept["warnings"]), (["ann"], ["no colour red"]))

    def test_lengths_are_in_bytes(self):
        for kind, most in (("markdown", 4_096), ("text", 2_048)):
            self.setUp()
            fits = "断" * (most // 3) + "x" * (most % 3)
            self.assertTaken("wecom", {"msgtype": kind, kind: {"content": fits}})
            self.setUp()
            reply = self.assertRefused("bytes", "wecom", {"msgtype": kind, kind: {"content": fits + "x"}})
            self.assertEqual((reply.status, reply.code()), (200, 40058))

    def test_refusals(self):
        mentions = {"msgtype": "markdown", "markdown": {"content": "x", "mentioned_list": ["@all"]}}
        for reason, code, body, how in (
                ("unknown key", 93000, WECOM, {"path": "/cgi-bin/webhook/send?key=other"}),
                ("unknown key", 93000, WECOM, {"path": "/cgi-bin/webhook/send"}),
                ("key stands 2 times", 47001, WECOM, {"path": PATHS["wecom"] + "&key=x"}),
                ("unknown msgtype", 40008, changed(WECOM, ["msgtype"], "card"), {}), ("unknown msgtype", 40008, [], {}),
                ("unknown key mentioned_list", 47001, mentions, {}), ("unknown key", 47001, changed(WECOM, ["at"], 1), {}),
                ("empty", 47001, changed(WECOM, ["markdown", "content"], ""), {}), ("no JSON", 47001, b"{", {}),
                ("content type", 47001, WECOM, {"headers": PLAIN}), ("not POST", 43002, WECOM, {"method": "GET"})):
            with self.subTest(reason):
                self.assertEqual(self.assertRefused(reason, "wecom", body, **how).code(), code)

    def test_twenty_a_minute(self):
        self.chats.control("POST", "/_limits", {"wecom": STANDARD["wecom"]})
        self.assertEqual([self.send("wecom", WECOM).code() for _ in range(21)], [0] * 20 + [45009])


class FeishuTests(ChatsTestCase):
    def test_cards_of_both_kinds_and_text_are_taken(self):
        for body in (FEISHU, FEISHU_NEW, {"msg_type": "text", "content": {"text": "podpath <at user_id=\"all\">x</at>"}}):
            reply, kept = self.assertTaken("feishu", body)
            self.assertEqual((reply.status, reply.json["code"], reply.json["StatusCode"]), (200, 0, 0))
            self.assertIn("podpath", kept["text"])
        self.assertEqual(kept["mentions"], ["all"])

    def test_signatures(self):
        now = int(time.time())
        for body in (feishu_signed(FEISHU, secret="other"), feishu_signed(FEISHU, now - HOUR - 60), FEISHU | {"sign": "x"},
                     feishu_signed(FEISHU, now + HOUR + 60), feishu_signed(FEISHU, now * 1_000)):
            self.assertEqual(self.assertRefused("signature|timestamp", "feishu", body).code(), 19021)

    def test_refusals(self):
        elements = ["card", "elements"]
        for reason, code, body, how in (
                ("unknown hook", 19001, FEISHU, {"path": "/open-apis/bot/v2/hook/other"}),
                ("parameters in the URL", 9499, FEISHU, {"path": PATHS["feishu"] + "?sign=x"}),
                ("keyword", 19024, changed(FEISHU, ["card", "header", "title", "content"], "n3"), {}),
                ("template", 9499, changed(FEISHU, ["card", "header", "template"], "pink"), {}),
                ("unknown msg_type", 9499, changed(FEISHU, ["msg_type"], "card"), {}),
                ("card is missing", 9499, changed(FEISHU, ["card"], gone), {}),
                ("unknown element", 9499, changed(FEISHU, elements + [1, "tag"], "table"), {}),
                ("unknown text", 9499, changed(FEISHU, elements + [0, "text", "tag"], "md"), {}),
                ("no URL", 9499, changed(FEISHU, elements + [2, "actions", 0, "url"], "podpath"), {}),
                ("unknown key", 9499, changed(FEISHU, ["extra"], 1), {}),
                ("unknown key", 9499, changed(FEISHU_NEW, ["card", "elements"], []), {}),
                ("bytes", 9499, changed(FEISHU, elements + [0, "text", "content"], "x" * 20_480), {}),
                ("content type", 9499, FEISHU, {"headers": PLAIN})):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "feishu", body, **how)
                self.assertEqual((reply.status, reply.code()), (200, code))

    def test_refusals_may_have_another_status(self):
        self.chats.control("POST", "/_limits", {"feishu": {"status": 400}})
        reply = self.assertRefused("not right", "feishu", feishu_signed(FEISHU, secret="other"))
        self.assertEqual((reply.status, reply.code()), (400, 19021))
        self.chats.control("POST", "/_limits", {"feishu": {"status": 200}})

    def test_five_a_second_and_a_hundred_a_minute(self):
        self.chats.control("POST", "/_limits", {"feishu": STANDARD["feishu"] | {"windows": [[100, 60], [5, 30]]}})
        self.assertEqual([self.send("feishu", FEISHU).code() for _ in range(6)], [0] * 5 + [11232])
        self.chats.control("POST", "/_limits", {"feishu": {"windows": [[100, 60]]}})
        self.assertEqual([self.send("feishu", FEISHU).code() for _ in range(101)], [0] * 100 + [11232])


class SlackTests(ChatsTestCase):
    def test_text_and_blocks_are_taken(self):
        reply, kept = self.assertTaken("slack", SLACK)
        self.assertEqual((reply.status, reply.body, kept["warnings"], kept["mentions"]), (200, b"ok", [], []))
        self.assertTaken("slack", {"attachments": [{"color": "#f00", "text": "x", "fields": [{"title": "a", "value": "b"}]}]})

    def test_what_calls_everybody_and_what_is_not_escaped_is_told(self):
        for text, mentions, warnings in (
                ("<!channel> a", ["all"], []), ("<!here|x> <@U1>", ["all", "U1"], []), ("a < b", [], 1), ("a & b", [], 1),
                ("&lt;!channel&gt;", [], [])):
            kept = self.assertTaken("slack", {"text": text})[1]
            self.assertEqual((kept["mentions"], len(kept["warnings"])), (mentions, 1 if warnings else 0), text)

    def test_refusals(self):
        section = ["blocks", 2, "text", "text"]
        for reason, words, body in (
                ("50", b"invalid_blocks", changed(SLACK, ["blocks"], [{"type": "divider"}] * 51)),
                ("3000", b"invalid_blocks", changed(SLACK, section, "x" * 3_001)),
                ("150", b"invalid_blocks", changed(SLACK, ["blocks", 0, "text", "text"], "x" * 151)),
                ("unknown text object", b"invalid_blocks", changed(SLACK, ["blocks", 0, "text", "type"], "mrkdwn")),
                ("unknown block", b"invalid_blocks", changed(SLACK, ["blocks", 1, "type"], "table")),
                ("neither text nor fields", b"invalid_blocks", changed(SLACK, ["blocks", 2, "text"], gone)),
                ("holds 11", b"invalid_blocks", changed(SLACK, ["blocks", 2, "fields"], [{"type": "mrkdwn", "text": "x"}] * 11)),
                ("unknown key", b"invalid_payload", changed(SLACK, ["msgtype"], "x")),
                ("nothing to show", b"no_text", {"unfurl_links": False}), ("no JSON", b"invalid_payload", b"text"),
                ("40000", b"invalid_payload", {"text": "x" * 40_001}), ("no object", b"invalid_payload", ["x"])):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "slack", body)
                self.assertEqual((reply.status, reply.body), (400, words))
        self.setUp()
        self.assertTaken("slack", changed(SLACK, section, "断" * 3_000))

    def test_other_refusals(self):
        reply = self.assertRefused("unknown hook", "slack", SLACK, path="/services/T0/B0/other")
        self.assertEqual((reply.status, reply.body), (404, b"no_service"))
        self.assertEqual(self.assertRefused("content type", "slack", SLACK, headers=PLAIN).status, 400)
        self.assertEqual(self.assertRefused("not POST", "slack", None, method="GET").status, 405)

    def test_too_fast_says_when_to_come_again(self):
        self.chats.control("POST", "/_limits", {"slack": STANDARD["slack"]})
        replies = [self.send("slack", SLACK) for _ in range(6)]
        self.assertEqual([reply.status for reply in replies], [200] * 5 + [429])
        self.assertIn(int(replies[-1].headers["Retry-After"]), range(1, 6))


class MattermostTests(ChatsTestCase):
    def test_text_with_a_table_is_taken_and_code_calls_nobody(self):
        reply, kept = self.assertTaken("mm", MATTERMOST)
        self.assertEqual((reply.status, reply.body, kept["mentions"]), (200, b"ok", []))
        self.assertEqual(self.assertTaken("mm", {"text": "@channel a@b.c"})[1]["mentions"], ["all"])

    def test_refusals_are_json(self):
        for reason, body, how in (
                ("unknown hook", MATTERMOST, {"path": "/hooks/other"}), ("nothing to show", {"username": "podpath"}, {}),
                ("16383", {"text": "断" * 16_384}, {}), ("unknown key", MATTERMOST | {"blocks": []}, {}),
                ("known are", changed(MATTERMOST, ["priority", "priority"], "high"), {}),
                ("content type", MATTERMOST, {"headers": PLAIN}), ("no JSON", b"", {}),
                ("too long", {"attachments": [{"text": "x" * 9_000}] * 2}, {})):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "mm", body, **how)
                self.assertEqual((reply.status, reply.json["status_code"]), (400, 400))
        self.setUp()
        self.assertTaken("mm", {"text": "断" * 16_383})


class TeamsTests(ChatsTestCase):
    CONTENT = ["attachments", 0, "content"]

    def test_a_card_is_taken(self):
        reply, kept = self.assertTaken("teams", TEAMS)
        self.assertEqual((reply.status, reply.body), (202, b""))
        self.assertIn("n3\nnode\nn3\ninner\nopen", kept["text"])

    def test_refusals(self):
        content = self.CONTENT
        rich = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "x"}]}
        deep = {"type": "TextBlock", "text": "x"}
        for _ in range(12):
            deep = {"type": "Container", "items": [deep]}
        for reason, status, body, how in (
                ("no such workflow", 404, TEAMS, {"path": "/workflows/0a1b"}),
                ("sig", 401, TEAMS, {"path": PATHS["teams"].replace(TOKEN, "other")}),
                ("api-version", 400, TEAMS, {"path": PATHS["teams"].replace("api-version=2016-06-01&", "")}),
                ("sig stands 2", 400, TEAMS, {"path": PATHS["teams"] + "&sig=x"}),
                ("known are message", 400, changed(TEAMS, ["type"], "MessageCard"), {}),
                ("holds 2", 400, changed(TEAMS, ["attachments"], TEAMS["attachments"] * 2), {}),
                ("holds 0", 400, changed(TEAMS, ["attachments"], []), {}),
                ("not null", 400, changed(TEAMS, ["attachments", 0, "contentUrl"], ""), {}),
                ("version is missing", 400, changed(TEAMS, content + ["version"], gone), {}),
                ("version", 400, changed(TEAMS, content + ["version"], "2.0"), {}),
                ("unknown element", 400, changed(TEAMS, content + ["body", 0, "type"], "Table"), {}),
                ("unknown key", 400, changed(TEAMS, content + ["body", 0, "colour"], "Good"), {}),
                ("known are", 400, changed(TEAMS, content + ["body", 0, "color"], "Red"), {}),
                ("newer than version 1.0", 400, changed(changed(TEAMS, content + ["body"], [rich]), content + ["version"], "1.0"), {}),
                ("nested", 400, changed(TEAMS, content + ["body"], [deep]), {}),
                ("unknown action", 400, changed(TEAMS, content + ["actions", 0, "type"], "Action.Submit"), {}),
                ("bytes", 413, changed(TEAMS, content + ["body", 0, "text"], "x" * 28_000), {}),
                ("content type", 400, TEAMS, {"headers": PLAIN})):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "teams", body, **how)
                self.assertEqual((reply.status, "error" in reply.json), (status, True))

    def test_four_a_second(self):
        self.chats.control("POST", "/_limits", {"teams": {"windows": [[4, 30]]}})
        self.assertEqual([self.send("teams", TEAMS).status for _ in range(5)], [202] * 4 + [429])


class PagerDutyTests(ChatsTestCase):
    def test_trigger_and_resolve_are_taken(self):
        reply, kept = self.assertTaken("pd", PAGER)
        self.assertEqual((reply.status, reply.json["dedup_key"], kept["text"]), (202, "i-1", "n3"))
        self.assertTaken("pd", {"routing_key": KEY, "event_action": "resolve", "dedup_key": "i-1"})
        self.assertTrue(self.assertTaken("pd", changed(PAGER, ["dedup_key"], gone))[0].json["dedup_key"])

    def test_refusals(self):
        for reason, status, body, how in (
                ("routing_key", 400, changed(PAGER, ["routing_key"], KEY[:-1]), {}),
                ("dedup_key is missing", 400, {"routing_key": KEY, "event_action": "resolve"}, {}),
                ("255", 400, changed(PAGER, ["dedup_key"], "x" * 256), {}),
                ("1024", 400, changed(PAGER, ["payload", "summary"], "x" * 1_025), {}),
                ("summary is empty", 400, changed(PAGER, ["payload", "summary"], ""), {}),
                ("source is missing", 400, changed(PAGER, ["payload", "source"], gone), {}),
                ("severity", 400, changed(PAGER, ["payload", "severity"], "fatal"), {}),
                ("ISO", 400, changed(PAGER, ["payload", "timestamp"], "yesterday"), {}),
                ("no object", 400, changed(PAGER, ["payload", "custom_details"], "x"), {}),
                ("unknown event_action", 400, changed(PAGER, ["event_action"], "open"), {}),
                ("payload is missing", 400, changed(PAGER, ["payload"], gone), {}),
                ("unknown key", 400, changed(PAGER, ["description"], "x"), {}),
                ("bytes", 413, changed(PAGER, ["payload", "custom_details"], {"a": "x" * 512_000}), {}),
                ("content type", 400, PAGER, {"headers": PLAIN}), ("no JSON", 400, b"{", {}), ("routing_key", 400, [], {})):
            with self.subTest(reason):
                reply = self.assertRefused(reason, "pd", body, **how)
                self.assertEqual((reply.status, reply.json["status"]), (status, "invalid event"))

    def test_too_many(self):
        self.chats.control("POST", "/_limits", {"pd": {"windows": [[2, 60]]}})
        self.assertEqual([self.send("pd", PAGER).status for _ in range(3)], [202, 202, 429])


class WebhookTests(ChatsTestCase):
    def test_an_incident_and_alerts_are_taken(self):
        self.assertEqual(self.assertTaken("hook", INCIDENT)[0].status, 204)
        self.assertTaken("hook", INCIDENT | {"stage": "kernel"})
        self.assertTaken("hook", ALERTS)

    def test_refusals(self):
        for reason, status, body, how in (
                ("no such hook", 404, INCIDENT, {"path": "/hook/other"}), ("token", 401, INCIDENT, {"headers": {"Content-Type": "application/json"}}),
                ("transition", 400, changed(INCIDENT, ["transition"], gone), {}),
                ("transition", 400, changed(INCIDENT, ["transition"], "begun"), {}),
                ("subject", 400, changed(INCIDENT, ["subject"], "n3"), {}), ("summary", 400, changed(INCIDENT, ["summary"], ""), {}),
                ("version", 400, changed(ALERTS, ["version"], "3"), {}), ("holds 0", 400, changed(ALERTS, ["alerts"], []), {}),
                ("no object", 400, [INCIDENT], {}), ("stands twice", 400, b'{"a":1,"a":2}', {}), ("NaN", 400, b'{"a":NaN}', {}),
                ("no JSON", 400, b'{"a":"\xff"}', {}), ("no JSON", 400, b"[" * 100_000, {})):
            with self.subTest(reason):
                self.assertEqual(self.assertRefused(reason, "hook", body, **how).status, status)

    def test_a_path_that_nobody_has(self):
        self.assertEqual(self.chats.ask("POST", "/elsewhere", {}).status, 404)


class FaultTests(ChatsTestCase):
    def fault(self, **fault):
        self.chats.control("POST", "/_faults", fault)

    def test_statuses_and_codes_in_their_turn_and_for_their_sink_alone(self):
        self.fault(kind="status", code=503, sink="slack", count=2, body="upstream", headers={"Retry-After": "7"})
        self.fault(kind="code", code=45009, sink="wecom")
        self.fault(kind="code", code=200, message="no_team", sink="slack")
        self.assertEqual(self.send("wecom", WECOM).code(), 45009)
        self.assertEqual(self.send("wecom", WECOM).code(), 0)
        replies = [self.send("slack", SLACK) for _ in range(4)]
        self.assertEqual([(reply.status, reply.body) for reply in replies],
                         [(503, b"upstream")] * 2 + [(200, b"no_team"), (200, b"ok")])
        self.assertEqual(replies[0].headers["Retry-After"], "7")
        told = self.chats.received("slack")
        self.assertEqual((len(told["accepted"]), len(told["refused"]), told["asked"]), (1, 3, 4))

    def test_a_page_a_cut_body_and_no_answer(self):
        self.fault(kind="login")
        self.assertIn(b"<html>", self.send("slack", SLACK).body)
        self.assertEqual(len(self.chats.received("slack")["accepted"]), 0)
        self.fault(kind="cut", sink="ding")
        with self.assertRaisesRegex(Exception, "IncompleteRead"):
            self.send("ding", DING)
        self.assertEqual(len(self.chats.received("ding")["accepted"]), 1)
        for kind in ("close", "reset"):
            self.fault(kind=kind)
            with self.assertRaises(ConnectionError):
                self.send("mm", MATTERMOST)
        self.fault(kind="close", taken=True)
        with self.assertRaises(ConnectionError):
            self.send("mm", MATTERMOST)
        self.assertEqual(len(self.chats.received("mm")["accepted"]), 1)

    def test_slow_and_hanging(self):
        self.fault(kind="slow", seconds=0.4)
        began = time.monotonic()
        self.assertEqual(self.send("slack", SLACK).body, b"ok")
        self.assertGreaterEqual(time.monotonic() - began, 0.4)
        self.fault(kind="hang", seconds=0.4)
        with self.assertRaises(ConnectionError):
            self.send("slack", SLACK)
        self.assertEqual(len(self.chats.received("slack")["accepted"]), 1)

    def test_what_hangs_ends_when_faults_are_forgotten(self):
        self.fault(kind="hang", seconds=3_000)
        connection = self.chats.connect()
        connection.request("POST", PATHS["slack"], b"{}", {"Content-Type": "application/json"})
        while self.chats.received("slack")["asked"] == 0 or not self.chats.received("slack")["refused"]:
            time.sleep(0.02)
        self.chats.control("DELETE", "/_faults")
        with self.assertRaises(ConnectionError):
            connection.getresponse()
        connection.close()

    def test_closed_doors_open_again_at_the_same_port(self):
        kept = self.chats.connect()
        kept.request("GET", "/_faults")
        kept.getresponse().read()
        self.chats.control("POST", "/_faults", {"kind": "refuse", "seconds": 1})
        with self.assertRaises(ConnectionRefusedError):
            self.send("slack", SLACK)
        with self.assertRaises(ConnectionError):
            kept.request("GET", "/_faults")
            kept.getresponse()
        kept.close()
        self.wait_for_doors()

    def test_one_door_is_closed_by_itself_and_by_a_request_that_comes_through_it(self):
        first, second = self.chats.ports["listening"]
        reply = self.chats.ask("POST", "/_faults", {"kind": "refuse", "seconds": 1, "port": second}, number=1)
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.send("slack", SLACK).status, 200)
        with self.assertRaises(ConnectionRefusedError):
            self.chats.ask("GET", "/_faults", number=1)
        self.wait_for_doors()

    def wait_for_doors(self):
        end = time.monotonic() + 20
        for number in range(2):
            while time.monotonic() < end:
                try:
                    self.assertEqual(self.chats.ask("GET", "/_faults", number=number).status, 200)
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            else:
                self.fail("it stays closed")

    def test_those_that_go_by_time(self):
        self.fault(kind="status", code=500, **{"for": 0.5})
        self.assertEqual([self.send("slack", SLACK).status for _ in range(3)], [500] * 3)
        time.sleep(0.6)
        self.assertEqual(self.send("slack", SLACK).status, 200)

    def test_what_is_not_understood_changes_nothing(self):
        for wrong in ({"kind": "rude"}, {"kind": "status"}, {"kind": "slow", "minutes": 1}, {"kind": "login", "sink": "x"},
                      {"kind": "slow", "seconds": -1}, {"kind": "refuse", "seconds": 1, "port": 1}, "slow", None,
                      [{"kind": "login"}, {"kind": "rude"}], {"kind": "code", "code": 1, "sink": "proxy"}):
            self.assertEqual(self.chats.ask("POST", "/_faults", wrong, role="control").status, 400, wrong)
        self.assertEqual(self.chats.control("GET", "/_faults"), {"faults": []})
        for wrong in ({"x": {}}, {"ding": {"x": 1}}, []):
            self.assertEqual(self.chats.ask("POST", "/_limits", wrong, role="control").status, 400, wrong)
        self.assertEqual(self.chats.ask("GET", "/_received?sink=x", role="control").status, 400)
        self.assertEqual(self.chats.ask("GET", "/_else", role="control").status, 404)


class WireTests(ChatsTestCase):
    def test_connections_are_kept_and_chunks_read(self):
        connection = self.chats.connect()
        for _ in range(2):
            connection.request("POST", PATHS["slack"], iter([b'{"te', b'xt":"x"}']), {"Content-Type": "application/json"},
                               encode_chunked=True)
            self.assertEqual(connection.getresponse().read(), b"ok")
        connection.close()

    def test_too_large_is_not_read(self):
        connection = self.chats.connect()
        connection.putrequest("POST", PATHS["slack"])
        connection.putheader("Content-Length", str(1 << 40))
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_order_and_time_are_kept(self):
        for number in range(5):
            self.send("mm", {"text": str(number)})
        kept = self.chats.received("mm")["accepted"]
        self.assertEqual([each["text"] for each in kept], list("01234"))
        self.assertEqual([each["at"] for each in kept], sorted(each["at"] for each in kept))

    def test_https(self):
        context = ssl.create_default_context(cafile=self.tls[0])
        with self.assertRaises(ssl.SSLError):
            self.over_tls(ssl.create_default_context())
        self.assertIn(b"200 OK", self.over_tls(context))

    def over_tls(self, context, connect=None):
        plain = connect or socket.create_connection(("127.0.0.1", self.chats.ports["tls"][0]), 20)
        with plain, context.wrap_socket(plain, server_hostname="chat.example") as wrapped:
            wrapped.sendall(b"POST %b HTTP/1.1\r\nHost: chat.example\r\nContent-Type: application/json\r\n"
                            b"Content-Length: 12\r\nConnection: close\r\n\r\n{\"text\":\"x\"}" % PATHS["slack"].encode())
            said = b""
            while piece := wrapped.recv(4_096):
                said += piece
            return said

    def test_a_configuration_that_makes_no_sense_ends_the_program(self):
        for text in ('{"sinks": {"a": {"vendor": "x"}}}', '{"sinks": {"a": {"vendor": "slack"}}}', "{", '{"x": 1}',
                     '{"sinks": {"a": {"vendor": "slack", "hook": "x", "limits": {"x": 1}}}}'):
            file = pathlib.Path(self.folder.name) / "wrong.json"
            file.write_text(text)
            words = [sys.executable, HERE / "chats.py", "--listen", "127.0.0.1:0", "--config", file]
            done = subprocess.run(words, capture_output=True)
            self.assertEqual((done.returncode, done.stderr[:7]), (2, b"chats: "), text)


class ProxyTests(ChatsTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tls = "127.0.0.1:%d" % cls.chats.ports["tls"][0]
        hosts = {"chat.example:443": tls, "chat.example:80": "127.0.0.1:%d" % cls.chats.ports["listening"][0]}
        cls.between = Chats(pathlib.Path(cls.folder.name), {}, hosts)

    @classmethod
    def tearDownClass(cls):
        cls.between.end()
        super().tearDownClass()

    def through(self, url, body=SLACK):
        return self.between.ask("POST", url, body, role="proxy")

    def test_urls_in_full(self):
        self.assertEqual(self.through("http://chat.example" + PATHS["slack"]).body, b"ok")
        self.assertEqual(self.through("http://chat.example" + PATHS["wecom"], WECOM).code(), 0)
        last = self.between.control("GET", "/_passed")["passed"][-1]
        self.assertEqual((last["method"], last["target"], last["outcome"]), ("POST", "chat.example:80", "forwarded"))
        self.assertEqual(len(self.chats.received("wecom")["accepted"]), 1)

    def test_a_tunnel(self):
        plain = socket.create_connection(("127.0.0.1", self.between.ports["proxy"][0]), 20)
        plain.sendall(b"CONNECT chat.example:443 HTTP/1.1\r\nHost: chat.example:443\r\n\r\n")
        self.assertIn(b" 200 ", plain.recv(4_096))
        context = ssl.create_default_context(cafile=self.tls[0])
        self.assertIn(b"200 OK", WireTests.over_tls(self, context, plain))
        last = self.between.control("GET", "/_passed")["passed"][-1]
        self.assertEqual((last["method"], last["target"], last["outcome"]), ("CONNECT", "chat.example:443", "connected"))

    def test_where_nobody_is_and_what_is_no_proxys(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.assertEqual(self.through("http://127.0.0.1:%d/" % closed.getsockname()[1]).status, 502)
        self.assertEqual(self.between.ask("POST", PATHS["slack"], SLACK, role="proxy").status, 400)

    def test_it_refuses_on_request(self):
        self.between.control("POST", "/_faults", {"kind": "status", "code": 407, "sink": "proxy"})
        self.assertEqual(self.through("http://chat.example" + PATHS["slack"]).status, 407)
        self.assertEqual(self.through("http://chat.example" + PATHS["slack"]).status, 200)
        self.between.control("POST", "/_faults", {"kind": "status", "code": 403, "sink": "proxy"})
        with socket.create_connection(("127.0.0.1", self.between.ports["proxy"][0]), 20) as plain:
            plain.sendall(b"CONNECT chat.example:443 HTTP/1.1\r\n\r\n")
            self.assertIn(b" 403 ", plain.recv(4_096))


if __name__ == "__main__":
    unittest.main()
