# SPDX-License-Identifier: Apache-2.0
"""Tests of the BIG-IP emulator: the real program, a certificate from openssl, real HTTP servers.

Run alone, it runs those of the files test_bigip_*.py beside it too.

    python3 Tests/Emulators/test_bigip.py
"""

import glob
import http.client
import http.server
import json
import os
import socket
import ssl
import threading
import unittest
from urllib.parse import quote

from bigip_support import (HERE, PASSWORD, POOL, Emulator, EmulatorCase, Pod, configuration, until)


def load_tests(loader, tests, pattern):
    """The files beside this one, unless somebody else is looking for them."""
    if pattern is None:
        for path in sorted(glob.glob(os.path.join(HERE, "test_bigip_*.py"))):
            tests.addTests(loader.loadTestsFromName(os.path.basename(path)[:-len(".py")]))
    return tests


class LoginTests(EmulatorCase):
    def test_a_login_gives_a_token_with_every_field_of_the_real_one(self):
        token = self.unit.login()[1]["token"]
        self.assertRegex(token["token"], r"^[A-Z2-7]{26}$")
        self.assertEqual((token["timeout"], token["userName"], token["address"],
                          token["partition"]),
                         (1200, "podpath", "127.0.0.1", "[All]"))
        self.assertRegex(token["startTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$")
        self.assertAlmostEqual(token["expirationMicros"] - token["lastUpdateMicros"],
                               1200 * 1000000, delta=1000)
        self.assertTrue(token["selfLink"].endswith(token["token"]))

    def test_a_wrong_password_is_refused_and_not_repeated(self):
        status, body = self.unit.login("wrong-and-secret-too")
        self.assertEqual((status, body["message"]), (401, "Authentication failed."))
        self.assertNotIn("wrong-and-secret-too", json.dumps(body))

    def test_a_request_without_a_token_is_refused(self):
        status, _, body = self.unit.ask("GET", POOL, headers={})
        self.assertEqual(status, 401)
        self.assertIn("no user authentication header or token detected",
                      json.loads(body)["message"])

    def test_an_unknown_token_is_refused(self):
        status, _, body = self.unit.ask("GET", POOL, headers={"X-F5-Auth-Token": "A" * 26})
        self.assertEqual((status, json.loads(body)["message"]),
                         (401, "X-F5-Auth-Token does not exist."))

    def test_basic_beside_a_token_wins_and_is_refused(self):
        headers = {"X-F5-Auth-Token": self.unit.token, "Authorization": "Basic cG9kcGF0aDp4"}
        status, kind, body = self.unit.ask("GET", POOL, headers=headers)
        self.assertEqual((status, kind), (401, "text/html; charset=iso-8859-1"))
        self.assertIn(b"Authentication required!", body)

    def test_a_deleted_token_is_dead(self):
        own = "/mgmt/shared/authz/tokens/" + self.unit.token
        self.assertEqual(self.unit.ask("DELETE", own)[0], 200)
        self.assertEqual(self.unit.ask("GET", POOL)[0], 401)

    def test_a_token_is_extended_up_to_ten_hours(self):
        own = "/mgmt/shared/authz/tokens/" + self.unit.token
        status, _, body = self.unit.ask("PATCH", own, {"timeout": "36000"})
        self.assertEqual((status, json.loads(body)["timeout"]), (200, 36000))
        self.assertEqual(self.unit.ask("PATCH", own, {"timeout": 36001})[0], 406)

    def test_a_token_whose_life_is_over_is_told_to_have_expired(self):
        self.unit.ask("PATCH", "/mgmt/shared/authz/tokens/" + self.unit.token, {"timeout": 0})
        status, _, body = self.unit.ask("GET", POOL)
        self.assertEqual((status, json.loads(body)["message"]),
                         (401, "X-F5-Auth-Token has expired."))

    def test_the_hundred_and_first_live_token_is_refused(self):
        statuses = [self.unit.login()[0] for _ in range(100)]
        self.assertEqual(statuses, [200] * 99 + [400])
        self.assertIn("maximum active login tokens", self.unit.login()[1]["message"])

    def test_a_write_is_refused_and_counted(self):
        before = self.unit.tell(state=True)["counters"]["writes"]
        self.assertEqual(self.unit.ask("PATCH", POOL, {"description": "x"})[0], 401)
        self.assertEqual(self.unit.tell(state=True)["counters"]["writes"], before + 1)


class ShapeTests(EmulatorCase):
    def test_a_member_is_named_as_cccl_names_it(self):
        item = self.unit.get(self.member())
        name = "127.0.0.1%%0:%d" % self.pods[0].port
        self.assertEqual((item["name"], item["fullPath"], item["address"]),
                         (name, "/K8S/" + name, "127.0.0.1"))
        self.assertEqual((item["monitor"], item["ephemeral"], item["fqdn"]),
                         ("default", "false", {"autopopulate": "disabled"}))
        self.assertIn("%250:", item["selfLink"])

    def test_member_statistics_are_nested_below_localhost_keys(self):
        body = self.unit.get(POOL + "/members/stats")
        self.assertEqual(body["kind"], "tm:ltm:pool:members:memberscollectionstats")
        key, outer = next(iter(body["entries"].items()))
        self.assertEqual(key, "https://localhost" + self.member() + "/stats")
        self.assertEqual(outer["nestedStats"]["selfLink"], key + "?ver=13.1.3")
        self.assertEqual(outer["nestedStats"]["entries"]["monitorRule"],
                         {"description": "/Common/http (pool monitor)"})

    def test_the_trap_gives_pools_of_common_only(self):
        trap = "/mgmt/tm/ltm/pool/members/"
        entries = self.unit.get(trap + "stats")["entries"]
        self.assertEqual(list(entries), ["https://localhost" + trap + "~Common~old/stats"])

    def test_a_short_name_gives_pool_statistics_where_members_were_asked_for(self):
        entries = self.unit.get("/mgmt/tm/ltm/pool/old/members/stats")["entries"]
        self.assertIn("memberCnt", next(iter(entries.values()))["nestedStats"]["entries"])

    def test_a_short_name_outside_common_is_not_found(self):
        status, _, body = self.unit.ask("GET", "/mgmt/tm/ltm/pool/cfgmap_default_web_web")
        self.assertEqual((status, json.loads(body)["apiError"]), (404, 3))

    def test_an_unmonitored_member_is_unchecked(self):
        item = self.unit.get("/mgmt/tm/ltm/pool/~Common~old/members")["items"][0]
        self.assertEqual((item["state"], item["session"]), ("unchecked", "user-enabled"))
        self.assertNotIn("monitor", self.unit.get("/mgmt/tm/ltm/pool/~Common~old"))

    def test_an_empty_pool_has_neither_items_nor_entries(self):
        spare = "/mgmt/tm/ltm/pool/~K8S~spare-0/members"
        self.assertNotIn("items", self.unit.get(spare))
        self.assertNotIn("entries", self.unit.get(spare + "/stats"))

    def test_every_endpoint_the_collector_reads_answers(self):
        for path in ("ltm/pool", "ltm/pool/stats", "ltm/virtual", "ltm/virtual/stats",
                     "ltm/virtual/~K8S~default_web/stats",
                     "ltm/virtual-address", "ltm/node", "ltm/node/stats", "ltm/monitor/http",
                     "ltm/monitor/tcp", "net/route",
                     "net/self", "net/route-domain", "cm/device", "cm/failover-status",
                     "cm/sync-status", "cm/traffic-group", "sys/ready",
                     "sys/mcp-state", "sys/version", "auth/partition"):
            with self.subTest(path):
                body = self.unit.get("/mgmt/tm/" + path)
                self.assertTrue(body["kind"].startswith("tm:"))
                start = "https://localhost/mgmt/tm/%s?ver=13.1" % path
                self.assertTrue(body["selfLink"].startswith(start))

    def test_routes_and_self_addresses_are_those_configured(self):
        route = self.unit.get("/mgmt/tm/net/route")["items"][0]
        own = self.unit.get("/mgmt/tm/net/self")["items"][0]
        self.assertEqual((route["network"], route["gw"]), ("10.16.0.0/16", "10.3.1.254"))
        self.assertEqual((own["address"], own["vlan"]), ("10.3.1.10/24", "/Common/a"))

    def test_replaced_routes_are_seen_at_once(self):
        self.unit.tell(routes=[{"name": "hole", "network": "10.16.0.0/16", "blackhole": True}])
        item = self.unit.get("/mgmt/tm/net/route")["items"][0]
        self.unit.tell(routes=[{"name": "pods", "network": "10.16.0.0/16", "gw": "10.3.1.254"}])
        self.assertTrue(item["blackhole"])
        self.assertNotIn("gw", item)

    def test_what_does_not_exist_is_answered_in_the_form_of_whoever_missed_it(self):
        status, _, body = self.unit.ask("GET", "/mgmt/tm/ltm/pool/~K8S~gone")
        self.assertEqual((status, json.loads(body)["message"]),
                         (404, "01020036:3: The requested Pool (/K8S/gone) was not found."))
        status, _, body = self.unit.ask("GET", "/mgmt/tm/nothing/like/this")
        self.assertEqual((status, json.loads(body)["message"]),
                         (404, "Public URI path not registered: /tm/nothing/like/this"))


class QueryTests(EmulatorCase):
    def test_a_filter_keeps_one_partition(self):
        for spelling in ("partition%20eq%20K8S", "partition+eq+K8S"):
            items = self.unit.get("/mgmt/tm/ltm/pool?$filter=" + spelling)["items"]
            self.assertEqual({item["partition"] for item in items}, {"K8S"})
            self.assertEqual(len(items), 7)

    def test_a_selection_keeps_the_fields_named(self):
        items = self.unit.get("/mgmt/tm/ltm/pool?$select=name,fullPath")["items"]
        self.assertEqual({tuple(item) for item in items}, {("name", "fullPath")})

    def test_pages_together_are_the_whole_and_each_says_whether_there_is_more(self):
        names, skip = [], 0
        while True:
            page = self.unit.get("/mgmt/tm/ltm/pool?$top=3&$skip=%d" % skip)
            self.assertEqual((page["totalItems"], page["totalPages"], page["startIndex"]),
                             (8, 3, skip + 1))
            names += [item["fullPath"] for item in page["items"]]
            if "nextLink" not in page:
                break
            self.assertIn("https://localhost/mgmt/tm/ltm/pool?$top=3", page["nextLink"])
            skip += 3
        self.assertEqual(names, [item["fullPath"]
                                 for item in self.unit.get("/mgmt/tm/ltm/pool")["items"]])

    def test_a_page_beyond_the_end_has_no_items(self):
        self.assertNotIn("items", self.unit.get("/mgmt/tm/ltm/pool?%24top=3&%24skip=30"))

    def test_expanding_inlines_the_members_and_leaves_empty_pools_without_items(self):
        pools = self.unit.get("/mgmt/tm/ltm/pool?expandSubcollections=true&$top=2")["items"]
        self.assertEqual(len(pools[0]["membersReference"]["items"]), 2)
        self.assertNotIn("items", pools[1]["membersReference"])

    def test_an_unknown_filter_is_refused(self):
        self.assertEqual(self.unit.ask("GET", "/mgmt/tm/ltm/pool?$filter=" + quote("name eq x"))[0],
                         400)


class MonitorTests(EmulatorCase):
    def test_a_stopped_pod_goes_down_with_a_dated_reason_and_comes_back_up(self):
        pod = self.pods[1]
        self.wait_for(pod, "up")
        pod.stop()
        self.wait_for(pod, "down")
        flat = self.stats()[pod.port]
        self.assertEqual((flat["monitorStatus"], flat["status.availabilityState"],
                          flat["sessionStatus"]),
                         ("down", "offline", "enabled"))
        self.assertRegex(flat["status.statusReason"],
                         r"^/Common/http: .+ @\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\. $")
        self.pods[1] = Pod(pod.port)
        self.wait_for(self.pods[1], "up")
        self.assertEqual(self.stats()[pod.port]["status.statusReason"], "Pool member is available")

    def test_pool_and_virtual_follow_their_members(self):
        for pod in self.pods:
            self.wait_for(pod, "up")
        pool = self.stats(POOL + "/stats")["/K8S/cfgmap_default_web_web"]
        self.assertEqual((pool["activeMemberCnt"], pool["availableMemberCnt"], pool["memberCnt"]),
                         (2, 2, 2))
        self.assertEqual((pool["status.availabilityState"], pool["status.statusReason"]),
                         ("available", "The pool is available"))
        virtual = self.stats("/mgmt/tm/ltm/virtual/stats")["/K8S/default_web"]
        self.assertEqual((virtual["status.availabilityState"], virtual["destination"]),
                         ("available", "10.50.0.10:80"))

    def test_a_member_that_never_answers_goes_down_and_delays_nobody(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            dead = "127.0.0.1:%d" % silent.getsockname()[1]
            self.unit.tell(members={"spare-1": [dead, self.pods[0].text]})
            state = until(lambda: self.settled("spare-1"))
        self.unit.tell(members={"spare-1": []})
        self.assertEqual((state[dead]["state"], state[self.pods[0].text]["state"]), ("down", "up"))
        self.assertIn("/Common/http: No successful responses received before deadline. @",
                      state[dead]["reason"])
        self.assertEqual(state[self.pods[0].text]["transitions"], 1)

    def settled(self, pool):
        members = {m["member"]: m for m in self.unit.tell(state=True)["members"]
                   if m["pool"] == pool}
        return members if all(m["state"] != "checking" for m in members.values()) else None

    def test_an_answer_without_the_expected_words_is_no_success(self):
        class Wrong(Pod.Handler):
            def do_GET(self):
                self.wfile.write(b"HTTP/1.0 503 No\r\n\r\nserver is ill\n")

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        text = "127.0.0.1:%d" % server.server_address[1]
        self.unit.tell(members={"spare-2": [text]})
        state = until(lambda: self.settled("spare-2"))[text]
        self.unit.tell(members={"spare-2": []})
        server.shutdown()
        server.server_close()
        self.assertEqual(state["state"], "down")

    def test_a_disabled_member_is_available_and_a_forced_offline_one_is_not(self):
        pod = self.pods[0]
        self.wait_for(pod, "up")
        self.assertEqual(self.session_row(pod, "user-disabled"),
                         ("up", "user-disabled", "up", "user-disabled", "available", "disabled",
                          "Pool member is available, user disabled"))
        row = self.session_row(pod, "forced-offline")
        self.assertEqual(row[:6], ("user-down", "user-disabled", "forced-down", "user-disabled",
                                   "offline", "disabled"))
        self.assertEqual(self.session_row(pod, "user-enabled")[:3], ("up", "monitor-enabled", "up"))

    def session_row(self, pod, value):
        told = self.unit.tell(session={"member": pod.text, "pool": "cfgmap_default_web_web",
                                       "value": value})
        self.assertEqual(told, {"ok": True})
        item, flat = self.unit.get(self.member(self.pods.index(pod))), self.stats()[pod.port]
        return (item["state"], item["session"], flat["monitorStatus"], flat["sessionStatus"],
                flat["status.availabilityState"], flat["status.enabledState"],
                flat["status.statusReason"])

    def test_new_members_start_checking_and_known_ones_keep_their_state(self):
        pool = "spare-3"
        self.unit.tell(members={pool: [self.pods[0].text]})
        until(lambda: self.settled(pool))
        with socket.create_server(("127.0.0.1", 0)) as silent:
            text = "127.0.0.1:%d" % silent.getsockname()[1]
            self.unit.tell(members={pool: [self.pods[0].text, text]})
            states = {m["member"]: m["state"] for m in self.unit.tell(state=True)["members"]
                      if m["pool"] == pool}
        self.unit.tell(members={pool: []})
        self.assertEqual(states, {self.pods[0].text: "up", text: "checking"})


class MisbehaviourTests(EmulatorCase):
    def misbehave(self, **description):
        self.assertEqual(self.unit.tell(misbehave=description), {"ok": True})

    def test_each_error_has_the_body_of_the_real_one_and_ends_with_its_count(self):
        for code, variant, words in ((401, "expired", b"X-F5-Auth-Token has expired."),
                                     (401, "html", b"Authentication required!"),
                                     (400, "timeout", b"java.util.concurrent.TimeoutException"),
                                     (404, "waiting", b"wait for /available suffix"),
                                     (500, "mcpd", b"connection to mcpd has been lost"),
                                     (502, None, b"Proxy Error"),
                                     (503, None,
                                      b"BIG-IP\xae - Configuration Utility restarting...")):
            with self.subTest(code=code, variant=variant):
                self.misbehave(kind="status", code=code, variant=variant, count=1)
                status, _, body = self.unit.ask("GET", POOL)
                self.assertEqual(status, code)
                self.assertIn(words, body)
                self.assertEqual(self.unit.ask("GET", POOL)[0], 200)

    def test_the_published_404_lacks_its_last_brace(self):
        self.misbehave(kind="status", code=404, variant="public", count=1)
        self.assertRaises(ValueError, json.loads, self.unit.ask("GET", POOL)[2])

    def test_a_path_limits_a_misbehaviour(self):
        self.misbehave(kind="status", code=500, path="members/stats")
        self.assertEqual(self.unit.ask("GET", POOL)[0], 200)
        self.assertEqual(self.unit.ask("GET", POOL + "/members/stats")[0], 500)

    def test_a_cut_body_is_shorter_than_its_length(self):
        self.misbehave(kind="cut", fraction=0.5, count=1)
        with self.assertRaises(http.client.IncompleteRead) as cut:
            self.unit.ask("GET", POOL)
        self.assertGreater(len(cut.exception.partial), 0)

    def test_an_empty_answer_lacks_items_and_entries(self):
        self.misbehave(kind="empty")
        self.assertNotIn("items", self.unit.get("/mgmt/tm/ltm/pool"))
        self.assertNotIn("entries", self.unit.get(POOL + "/members/stats"))

    def test_a_reset_ends_the_connection_without_an_answer(self):
        self.misbehave(kind="reset", count=1)
        self.assertRaises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError),
                          self.unit.ask, "GET", POOL)
        self.assertEqual(self.unit.ask("GET", POOL)[0], 200)

    def test_garbage_is_html_with_status_200(self):
        self.misbehave(kind="garbage", count=1)
        status, _, body = self.unit.ask("GET", POOL)
        self.assertEqual(status, 200)
        self.assertRaises(ValueError, json.loads, body)

    def test_mcp_not_running_is_said_by_mcp_state_and_ready(self):
        self.misbehave(kind="mcp-not-running")
        for path, word in (("mcp-state", '"phase":{"description":"loading"}'),
                           ("ready", '"configReady":{"description":"no"}')):
            self.assertIn(word, self.unit.ask("GET", "/mgmt/tm/sys/" + path)[2].decode())
        self.unit.tell(misbehave=None)
        self.assertIn(b'"phase":{"description":"running"}',
                      self.unit.ask("GET", "/mgmt/tm/sys/mcp-state")[2])

    def test_a_standby_unit_says_so_in_both_places(self):
        self.assertEqual(self.unit.get("/mgmt/tm/cm/device")["items"][0]["failoverState"], "active")
        self.misbehave(kind="standby")
        self.assertEqual(self.unit.get("/mgmt/tm/cm/device")["items"][0]["failoverState"],
                         "standby")
        self.assertIn(b"STANDBY", self.unit.ask("GET", "/mgmt/tm/cm/failover-status")[2])

    def test_lost_tokens_no_longer_exist(self):
        self.misbehave(kind="token-lost")
        status, _, body = self.unit.ask("GET", POOL)
        self.assertEqual((status, json.loads(body)["message"]),
                         (401, "X-F5-Auth-Token does not exist."))

    def test_a_command_that_is_not_understood_is_refused(self):
        for command in ({"misbehave": {"kind": "dance"}}, {"routes": [{"name": "x"}]},
                        {"members": {"none": []}}, {"what": 1},
                        {"misbehave": {"kind": "status", "code": 418}},
                        {"session": {"member": "x", "value": "y"}}):
            with self.subTest(command):
                self.assertFalse(self.unit.tell(**command)["ok"])


class BehaviourTests(EmulatorCase):
    def test_one_connection_carries_many_requests(self):
        before = self.unit.tell(state=True)["counters"]["connections"]
        connection = self.unit.connection()
        for _ in range(5):
            self.assertEqual(self.unit.ask("GET", POOL, connection=connection)[0], 200)
        connection.close()
        self.assertEqual(self.unit.tell(state=True)["counters"]["connections"], before + 1)

    def test_an_oversized_request_is_refused(self):
        self.assertEqual(self.unit.ask("POST", "/mgmt/shared/authn/login",
                                       {"username": "x" * 70000, "password": "y"})[0], 413)


class CounterTests(unittest.TestCase):
    """With a unit of their own, for the counters start at nothing."""

    def setUp(self):
        self.unit = Emulator(configuration([]), "--verbose")
        self.addCleanup(self.unit.stop)
        self.unit.token = self.unit.login()[1]["token"]["token"]

    def counters(self):
        return self.unit.tell(state=True)["counters"]

    def test_requests_one_after_another_are_one_in_flight(self):
        for _ in range(5):
            self.unit.get("/mgmt/tm/ltm/pool")
        counters = until(lambda: self.counters() if not self.counters()["inFlight"] else None)
        self.assertEqual((counters["maxInFlight"], counters["requests"], counters["logins"]),
                         (1, 6, 1))
        self.assertEqual(counters["paths"]["/mgmt/tm/ltm/pool"], 5)

    def test_requests_at_once_are_seen_together(self):
        self.unit.tell(misbehave={"kind": "slow", "seconds": 3600, "path": "ltm/pool"})
        waiting = [self.unit.connection() for _ in range(3)]
        for connection in waiting:
            connection.request("GET", "/mgmt/tm/ltm/pool",
                               headers={"X-F5-Auth-Token": self.unit.token})
        until(lambda: self.counters()["maxInFlight"] == 3)
        self.assertEqual(self.counters()["overlaps"], ["/mgmt/tm/ltm/pool and /mgmt/tm/ltm/pool"] * 2)
        for connection in waiting:
            connection.close()

    def test_what_was_cut_off_is_in_flight_no_more(self):
        self.unit.tell(misbehave={"kind": "slow", "seconds": 3600, "path": "ltm/pool"})
        waiting = self.unit.connection()
        waiting.request("GET", "/mgmt/tm/ltm/pool", headers={"X-F5-Auth-Token": self.unit.token})
        until(lambda: self.counters()["inFlight"] == 1)
        self.unit.tell(misbehave={"kind": "drop-connections"})
        self.assertRaises(OSError, waiting.getresponse)
        self.unit.tell(misbehave=None)
        self.unit.get("/mgmt/tm/ltm/node")
        self.assertEqual(self.counters()["maxInFlight"], 1)
        self.assertEqual(self.counters()["statuses"].get("dropped"), 1)

    def test_no_secret_is_printed_or_kept_in_the_counters(self):
        headers = {"Authorization": "Basic " + PASSWORD}
        self.unit.login("another-wrong-one")
        self.unit.ask("GET", "/mgmt/tm/ltm/pool?password=" + PASSWORD, headers=headers)
        self.unit.ask("DELETE", "/mgmt/shared/authz/tokens/" + self.unit.token)
        text = until(lambda: "DELETE" in self.unit.printed()
                     and self.unit.printed()) + json.dumps(self.unit.tell(state=True))
        self.assertIn("bigip: GET /mgmt/tm/ltm/pool 401", text)
        for secret in (PASSWORD, self.unit.token, "another-wrong-one"):
            self.assertNotIn(secret, text)

    def test_no_misbehaviour_prints_a_secret_either(self):
        own = "/mgmt/shared/authz/tokens/" + self.unit.token
        for kind in ("gzip", "duplicate-keys", "clock-offset", "frozen-statistics", "token-lost"):
            self.unit.tell(misbehave={"kind": kind})
            self.unit.ask("GET", own)
            self.unit.ask("POST", own, {"password": PASSWORD})
        self.assertRaises((http.client.HTTPException, OSError), self.broken_off)
        self.unit.tell(session={"member": PASSWORD, "value": self.unit.token})
        text = self.unit.printed() + json.dumps(self.unit.tell(state=True))
        self.assertIn("(token)", text)
        for secret in (PASSWORD, self.unit.token):
            self.assertNotIn(secret, text)

    def broken_off(self):
        self.unit.tell(misbehave={"kind": "chunked", "fraction": 0.1})
        self.unit.login()


if __name__ == "__main__":
    unittest.main()
