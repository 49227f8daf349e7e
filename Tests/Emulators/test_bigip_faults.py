# SPDX-License-Identifier: Apache-2.0
"""Misbehaviour: tokens, restarts, delays, damaged bytes, lists that move, answers that mislead."""

import gzip
import http.client
import json
import socket
import unittest

from bigip_support import POOL, Emulator, UnitCase, configuration, until

MEMBERS = ["10.0.0.%d:80" % number for number in range(1, 11)]


class FaultCase(UnitCase):
    members = MEMBERS

    def setUp(self):
        self.misbehave(None)
        self.unit.enter()

    def misbehave(self, *faults, **fault):
        wanted = list(faults) or fault
        self.tell(misbehave=None if faults == (None,) else wanted)

    def message(self, path=POOL):
        status, _, body = self.unit.ask("GET", path)
        return status, json.loads(body).get("message", "")

    def names(self, path):
        return [item["name"] for item in self.unit.items(path)]


class TimingTests(FaultCase):
    def test_a_fault_may_spare_the_first_requests(self):
        self.misbehave(kind="status", code=500, skip=2, count=1)
        self.assertEqual([self.unit.ask("GET", POOL)[0] for _ in range(4)], [200, 200, 500, 200])

    def test_a_fault_ends_by_the_clock(self):
        self.misbehave(kind="status", code=500, **{"for": 3600})
        self.assertEqual(self.unit.ask("GET", POOL)[0], 500)
        self.misbehave(kind="status", code=500, **{"for": 0.05})
        until(lambda: self.unit.ask("GET", POOL)[0] == 200)
        self.assertEqual(self.unit.tell(state=True)["misbehaviours"], [])

    def test_a_fault_begins_by_the_clock(self):
        self.misbehave(kind="status", code=500, after=3600)
        self.assertEqual(self.unit.ask("GET", POOL)[0], 200)
        self.misbehave(kind="status", code=500, after=0.05)
        until(lambda: self.unit.ask("GET", POOL)[0] == 500)

    def test_an_error_may_come_late(self):
        for code, words in ((500, b"AsyncContext Timeout"), (502, b"Proxy Error")):
            self.misbehave(kind="late-error", seconds=0.01, code=code, count=1)
            status, _, body = self.unit.ask("GET", POOL)
            self.assertEqual((status, words in body), (code, True))

    def test_wrong_descriptions_are_refused(self):
        for fault in ({"kind": "cut", "length": "long"}, {"kind": "no-access"},
                      {"kind": "status", "code": 500, "for": -1}, {"kind": "next-link"},
                      {"kind": "restart", "phase": "tea"}, {"kind": "slow", "seconds": -1},
                      {"kind": "key-form", "form": "x"}, {"kind": "restart", "phases": ["tea"]}):
            with self.subTest(fault):
                self.assertFalse(self.unit.tell(misbehave=fault)["ok"])


class TokenTests(FaultCase):
    def test_tokens_may_live_shorter_than_they_say(self):
        self.misbehave(kind="token-life", seconds=0)
        answer = self.unit.login()[1]
        self.assertEqual(answer["token"]["timeout"], 1200)
        self.unit.token = answer["token"]["token"]
        self.assertEqual(self.message(), (401, "X-F5-Auth-Token has expired."))

    def test_all_tokens_may_expire_at_once(self):
        self.misbehave(kind="token-expired")
        self.assertEqual(self.message(), (401, "X-F5-Auth-Token has expired."))

    def test_tokens_may_be_lost_in_the_middle_of_a_poll(self):
        self.misbehave(kind="token-lost", skip=1, path="/ltm/")
        self.assertEqual([self.message("/mgmt/tm/cm/device")[0]] + [self.message()[0]
                                                                  for _ in range(2)],
                         [200, 200, 401])
        self.unit.enter()
        self.assertEqual(self.message()[0], 200)

    def test_the_limit_of_tokens_may_be_reached_by_others(self):
        self.misbehave(kind="token-limit", count=1)
        status, answer = self.unit.login()
        self.assertEqual(status, 400)
        self.assertIn("maximum active login tokens", answer["message"])
        self.assertEqual(self.unit.login()[0], 200)

    def test_a_token_is_worth_nothing_from_another_address(self):
        self.misbehave(kind="token-address")
        answer = self.unit.login()[1]["token"]
        self.assertNotEqual(answer["address"], "127.0.0.1")
        good, self.unit.token = self.unit.token, answer["token"]
        self.assertEqual(self.message()[0], 401)
        self.unit.token = good
        self.assertEqual(self.message()[0], 200)
        self.misbehave(kind="other-address", count=1)
        self.assertEqual((self.message()[0], self.message()[0]), (401, 200))

    def test_the_clock_may_be_two_hours_off_wholly_or_for_the_expiry(self):
        usual = self.unit.login()[1]["token"]
        self.misbehave(kind="clock-offset", seconds=-7200)
        wholly = self.unit.login()[1]["token"]
        self.misbehave(kind="clock-offset", seconds=7200, only="expiration")
        partly = self.unit.login()[1]["token"]
        self.assertLess(wholly["lastUpdateMicros"], usual["lastUpdateMicros"] - 7000e6)
        self.assertAlmostEqual(wholly["expirationMicros"] - wholly["lastUpdateMicros"], 1200e6,
                               delta=1000)
        self.assertAlmostEqual(partly["expirationMicros"] - partly["lastUpdateMicros"], 8400e6,
                               delta=1000)

    def test_the_units_clock_shows_in_dates_too(self):
        self.tell(clock=-86400 * 400)
        connection = self.unit.connection()
        connection.request("GET", POOL, headers={"X-F5-Auth-Token": self.unit.token})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        started = self.unit.login()[1]["token"]["startTime"]
        self.tell(clock=0)
        self.assertEqual(answer.getheader("Date").split()[3], started[:4])
        self.assertNotEqual(self.unit.login()[1]["token"]["startTime"][:4], started[:4])

    def test_life_and_limit_are_configured(self):
        unit = Emulator(configuration([], tokenLife=300, tokenLimit=1))
        self.addCleanup(unit.stop)
        self.assertEqual(unit.login()[1]["token"]["timeout"], 300)
        self.assertEqual(unit.login()[0], 400)


class RestartTests(FaultCase):
    def phase(self, name, path=POOL, **more):
        self.misbehave(kind="restart", phase=name, **more)
        return self.unit.ask("GET", path)

    def test_each_phase_answers_as_a_restarting_unit_does(self):
        for name, status, words in (("restarting", 503, b"\xae - Configuration"),
                                    ("absent", 404, b"The requested Pool (/K8S/cfgmap_default_web"),
                                    ("mcpd", 500, b"connection to mcpd has been lost")):
            answer = self.phase(name)
            self.assertEqual((answer[0], words in answer[2]), (status, True), name)
        bodies = [self.phase("unregistered")[2] for _ in range(3)]
        self.assertEqual(sum(not whole(body) for body in bodies), 1)
        self.assertEqual(self.phase("unregistered")[0], 404)

    def test_when_it_is_not_ready_it_says_so_and_lists_are_partial_at_last(self):
        ready = "/mgmt/tm/sys/ready"
        self.assertIn(b'"no"', self.phase("not-ready", ready)[2])
        self.assertEqual(len(self.names(POOL[9:] + "/members")), 10)
        self.assertIn(b'"no"', self.phase("partial", ready)[2])
        self.assertEqual(len(self.names(POOL[9:] + "/members")), 5)
        self.assertEqual(len(self.unit.fields(POOL[9:] + "/members/stats")), 5)
        self.assertNotIn(b'"no"', self.phase("partial", ready, ready=True)[2])

    def test_nobody_listens_and_then_somebody_does_without_the_tokens(self):
        self.misbehave(kind="restart", phase="refused", seconds=3600)
        until(lambda: self.refused())
        self.misbehave(None)
        until(lambda: not self.refused())
        self.assertEqual(self.message(), (401, "X-F5-Auth-Token does not exist."))

    def refused(self):
        try:
            socket.create_connection(("127.0.0.1", self.unit.port)).close()
            return False
        except OSError:
            return True

    def test_the_whole_sequence_ends_by_itself(self):
        self.misbehave(kind="restart", seconds=3.0)
        until(lambda: self.refused())
        until(lambda: not self.refused())
        until(lambda: self.unit.tell(state=True)["misbehaviours"] == [])
        self.unit.enter()
        self.assertEqual(self.message()[0], 200)

    def test_members_are_checked_anew(self):
        unit = Emulator(configuration(["127.0.0.1:1"])).enter()
        self.addCleanup(unit.stop)
        until(lambda: unit.tell(state=True)["members"][0]["state"] == "down")
        before = unit.tell(state=True)["members"][0]["transitions"]
        unit.tell(misbehave={"kind": "restart", "seconds": 0.5})
        until(lambda: unit.tell(state=True)["members"][0]["transitions"] >= before + 2)


def whole(body):
    try:
        json.loads(body)
        return True
    except ValueError:
        return False


class ByteTests(FaultCase):
    def body(self, path=POOL, **fault):
        self.misbehave(**fault)
        status, _, body = self.unit.ask("GET", path)
        self.assertEqual(status, 200)
        return body

    def first(self, body):
        return next(iter(json.loads(body)["entries"].values()))["nestedStats"]["entries"]

    def test_a_cut_may_leave_http_whole_or_have_no_length(self):
        plain = self.body(kind="slow", seconds=0)
        for length in ("short", "none"):
            body = self.body(kind="cut", fraction=0.5, length=length)
            self.assertEqual(body, plain[:len(plain) // 2])
        body = self.body(kind="cut", length="short", random=True)
        self.assertLess(len(body), len(plain))

    def test_chunks_may_end_well_or_midway(self):
        plain = self.body(kind="slow", seconds=0)
        self.assertEqual(self.body(kind="chunked", size=7), plain)
        self.misbehave(kind="chunked", fraction=0.5)
        self.assertRaises(http.client.IncompleteRead, self.unit.ask, "GET", POOL)

    def test_a_trickle_is_whole_in_the_end(self):
        plain = self.body(kind="slow", seconds=0)
        self.assertEqual(self.body(kind="trickle", perSecond=20000), plain)

    def test_bytes_before_and_behind(self):
        self.assertEqual(self.body(kind="bom")[:4], b"\xef\xbb\xbf{")
        self.assertEqual(self.body(kind="trailing")[-3:], b"}\n ")
        self.assertEqual(self.body(kind="trailing", text="{}")[-3:], b"}{}")

    def test_compressed_though_nobody_asked(self):
        self.assertIn("fullPath", json.loads(gzip.decompress(self.body(kind="gzip"))))

    def test_every_key_twice(self):
        pairs = []
        json.loads(self.body(kind="duplicate-keys", differing=True),
                   object_pairs_hook=lambda each: pairs.append(each) or dict(each))
        names = [name for name, _ in pairs[-1]]
        self.assertEqual(names[::2], names[1::2])
        self.assertIsNone(pairs[-1][0][1])

    def test_a_field_so_deep_that_some_give_up(self):
        self.assertIn(b'{"a":' * 5000, self.body(kind="nesting", depth=5000))

    def test_numbers_that_are_none(self):
        stats = POOL + "/members/stats"
        for fault, value in (("numeric-strings", "80"), ("infinite", "infinite"), ("null", None),
                             ("negative", -81)):
            fields = self.first(self.body(stats, kind=fault))
            self.assertEqual(fields["port"], {"value": value}, fault)
            self.assertIsInstance(fields["addr"]["description"], str)

    def test_one_field_alone(self):
        fields = self.first(self.body(POOL + "/members/stats", kind="null", field="addr"))
        self.assertEqual((fields["addr"], fields["port"]),
                         ({"description": None}, {"value": 80}))
        self.assertIsNone(json.loads(self.body(kind="null", field="fullPath"))["fullPath"])

    def test_numbers_at_the_edges(self):
        fields = self.first(self.body(POOL + "/members/stats", kind="edge-numbers"))
        values = {field["value"] for field in fields.values() if "value" in field}
        self.assertTrue({2 ** 63 - 1, -2 ** 63, 2 ** 64 - 1} <= values)

    def test_bytes_that_are_no_text_and_a_wrong_type(self):
        self.assertRaises(UnicodeDecodeError, self.body(kind="bad-bytes").decode)
        self.misbehave(kind="content-type")
        self.assertTrue(self.unit.ask("GET", POOL)[1].startswith("text/html"))

    def test_errors_stay_as_they_are(self):
        self.misbehave({"kind": "bom"}, {"kind": "status", "code": 500, "variant": "mcpd"})
        self.assertEqual(self.unit.ask("GET", POOL)[2][:1], b"{")


class ListTests(FaultCase):
    path = POOL[len("/mgmt/tm/"):] + "/members"

    def pages(self):
        return [self.names("%s?$top=5&$skip=%d" % (self.path, skip)) for skip in (0, 5)]

    def test_a_page_that_repeats(self):
        self.misbehave(kind="repeat-page")
        first, second = self.pages()
        self.assertEqual(first, second)

    def test_a_member_that_moves_between_pages(self):
        whole_list = self.names(self.path)
        self.misbehave(kind="moving-member")
        self.assertEqual(sum(self.pages(), []), whole_list[:5] + whole_list[6:])
        self.misbehave(kind="moving-member", shift=-1)
        self.assertEqual(sum(self.pages(), []), whole_list[:5] + whole_list[4:9])

    def test_a_total_that_grows(self):
        self.misbehave(kind="moving-total")
        totals = [self.unit.get("/mgmt/tm/%s?$top=5" % self.path)["totalItems"] for _ in range(2)]
        self.assertEqual(totals, [11, 12])

    def test_next_links_in_every_spelling(self):
        for form, text in (("plain", "$top=5&$skip=5"), ("encoded", "%24top=5&%24skip=5"),
                           ("no-equals", "%24skip=5&%24top5")):
            self.misbehave(kind="next-link", form=form)
            self.assertIn(text, self.unit.get("/mgmt/tm/%s?$top=5" % self.path)["nextLink"])

    def test_statistics_come_in_pages(self):
        first = self.unit.get("/mgmt/tm/%s/stats?$top=4" % self.path)
        last = self.unit.get("/mgmt/tm/%s/stats?$top=4&$skip=8" % self.path)
        self.assertEqual((len(first["entries"]), len(last["entries"])), (4, 2))
        self.assertIn("nextLink", first)
        self.assertNotIn("nextLink", last)

    def test_a_partition_one_may_not_read_is_empty(self):
        self.misbehave(kind="no-access", partition="K8S")
        self.assertEqual({item["partition"] for item in self.unit.items("ltm/pool")}, {"Common"})
        self.assertEqual(self.unit.items("ltm/pool?$filter=partition+eq+K8S"), [])
        self.assertEqual([row["tmName"] for row in self.unit.fields("ltm/pool/stats")],
                         ["/Common/old"])

    def test_lists_may_be_partial(self):
        self.misbehave(kind="partial", fraction=0.3)
        self.assertEqual((len(self.names(self.path)), len(self.unit.fields(self.path + "/stats"))),
                         (3, 3))


class MeaningTests(FaultCase):
    path = ListTests.path

    def test_keys_unlike_their_links(self):
        for form, end in (("numbered", "/0"), ("short", "/10.0.0.1%250:80/stats"),
                          ("doubled", "/~K8S~10.0.0.1%250:80/~K8S~10.0.0.1%250:80/stats")):
            self.misbehave(kind="key-form", form=form)
            key, own, _ = self.unit.entries(self.path + "/stats")[0]
            self.assertTrue(key.endswith(end), key)
            self.assertNotEqual(key, own.partition("?")[0])

    def test_generations_jump_or_start_anew(self):
        before = self.unit.items("ltm/pool")[0]["generation"]
        self.misbehave(kind="generation", by=50)
        self.assertEqual(self.unit.items("ltm/pool")[0]["generation"], before + 50)
        self.misbehave(kind="generation", to=0)
        self.assertEqual(self.unit.items(self.path)[0]["generation"], 0)

    def test_frozen_statistics_say_what_they_said(self):
        self.misbehave(kind="frozen-statistics")
        self.assertEqual(len(self.unit.fields("ltm/pool/~K8S~spare-5/members/stats")), 0)
        self.tell(members={"spare-5": ["10.0.0.1:80"]})
        self.assertEqual(len(self.unit.fields("ltm/pool/~K8S~spare-5/members/stats")), 0)
        self.assertEqual(len(self.unit.items("ltm/pool/~K8S~spare-5/members")), 1)
        self.misbehave(None)
        self.assertEqual(len(self.unit.fields("ltm/pool/~K8S~spare-5/members/stats")), 1)

    def test_a_missing_member_may_be_answered_without_address(self):
        missing = "/mgmt/tm/%s/~K8S~10.9.9.9%%250:80" % self.path
        self.assertEqual(self.unit.ask("GET", missing)[0], 404)
        self.misbehave(kind="missing-member")
        self.assertNotIn("address", self.unit.get(missing))

    def test_members_statistics_may_be_the_pools(self):
        self.misbehave(kind="pool-level")
        self.assertIn("memberCnt", self.unit.fields(self.path + "/stats")[0])

    def test_connections_may_all_end(self):
        kept = self.unit.connection()
        self.assertEqual(self.unit.ask("GET", POOL, connection=kept)[0], 200)
        self.misbehave(kind="drop-connections")
        self.assertRaises((OSError, http.client.HTTPException), self.unit.ask, "GET", POOL,
                          connection=kept)
        kept.close()
        self.assertEqual(self.unit.ask("GET", POOL)[0], 200)


if __name__ == "__main__":
    unittest.main()
