# SPDX-License-Identifier: Apache-2.0
"""Virtual addresses, the traffic groups they lie in, and which of two units carries a group."""

import json
import os
import re
import subprocess
import tempfile
import unittest

import test_bigip_pair
import test_bigip_syslog
from bigip_support import LONG_ENOUGH, Emulator, UnitCase, configuration, until

ONE, TWO = "/Common/traffic-group-1", "/Common/traffic-group-2"
LOCAL_ONLY = "/Common/traffic-group-local-only"
ADDRESSES = "ltm/virtual-address"


def statistics(group):
    return "cm/traffic-group/%s/stats" % group.replace("/", "~")


class VirtualAddressTests(UnitCase):
    settings = {
        "virtuals": [{"name": "web", "destination": "10.50.0.10:80"},
                     {"name": "tls", "destination": "10.50.0.10:443"},
                     {"name": "all", "destination": "0.0.0.0%7:0", "partition": "T"},
                     {"name": "six", "destination": "2001:db8::28.80", "partition": "T"},
                     {"name": "common", "destination": "10.50.0.11:80", "partition": "Common"}],
        "trafficGroups": {"traffic-group-2": "ltm-1.lab"},
        "virtualAddresses": {"10.50.0.10": {"icmpEcho": "selective"}}}

    def setUp(self):
        self.tell(virtualAddresses=None)

    def one(self, path="~K8S~10.50.0.10"):
        return self.unit.get("/mgmt/tm/%s/%s" % (ADDRESSES, path))

    def test_virtual_servers_of_one_address_share_it(self):
        self.assertEqual([item["fullPath"] for item in self.unit.items(ADDRESSES)],
                         ["/K8S/10.50.0.10", "/T/0.0.0.0%7", "/T/2001:db8::28",
                          "/Common/10.50.0.11"])

    def test_an_address_has_every_field_of_the_real_one(self):
        item = self.one()
        group = "https://localhost/mgmt/tm/cm/traffic-group/~Common~traffic-group-1?ver=13.1.3"
        self.assertEqual(item, {
            "kind": "tm:ltm:virtual-address:virtual-addressstate", "name": "10.50.0.10",
            "partition": "K8S", "fullPath": "/K8S/10.50.0.10", "generation": item["generation"],
            "selfLink": "https://localhost/mgmt/tm/ltm/virtual-address/~K8S~10.50.0.10?ver=13.1.3",
            "address": "10.50.0.10", "arp": "enabled", "autoDelete": "true", "connectionLimit": 0,
            "enabled": "yes", "floating": "enabled", "icmpEcho": "selective",
            "inheritedTrafficGroup": "false", "mask": "255.255.255.255",
            "routeAdvertisement": "disabled", "serverScope": "any", "spanning": "disabled",
            "trafficGroup": ONE, "trafficGroupReference": {"link": group}, "unit": 1})
        self.assertEqual(self.unit.get("/mgmt/tm/" + ADDRESSES)["kind"],
                         "tm:ltm:virtual-address:virtual-addresscollectionstate")

    def test_masks_and_words_follow_the_address(self):
        every, six = self.one("~T~0.0.0.0%257"), self.one("~T~2001:db8::28")
        self.assertEqual((every["address"], every["mask"]), ("any%7", "any"))
        self.assertEqual(six["mask"], ":".join(["ffff"] * 8))

    def test_filters_pages_selections_and_what_may_not_be_seen(self):
        items = self.unit.items(ADDRESSES + "?$filter=partition+eq+T&$select=name")
        self.assertEqual(items, [{"name": "0.0.0.0%7"}, {"name": "2001:db8::28"}])
        page = self.unit.get("/mgmt/tm/%s?$top=3&$skip=3" % ADDRESSES)
        self.assertEqual((len(page["items"]), page["totalItems"], page["pageIndex"]), (1, 4, 2))
        self.tell(misbehave={"kind": "no-access", "partition": "K8S", "count": 2})
        self.assertEqual(len(self.unit.items(ADDRESSES)), 3)
        status, body = self.unit.read(ADDRESSES + "/~K8S~10.50.0.10")
        self.assertEqual((status, json.loads(body)["message"]),
                         (404, "01020036:3: The requested Virtual Address (/K8S/10.50.0.10) was "
                               "not found."))

    def test_only_reading_is_allowed(self):
        for path in (ADDRESSES, ADDRESSES + "/~K8S~10.50.0.10", "cm/traffic-group"):
            for method in ("HEAD", "POST", "PATCH", "DELETE"):
                self.assertEqual(self.unit.ask(method, "/mgmt/tm/" + path, {})[0], 401)

    def test_fields_are_told_and_taken_back(self):
        before = self.one()
        self.tell(virtualAddresses={"/K8S/10.50.0.10": {"trafficGroup": TWO, "enabled": "no",
                                                        "arp": "disabled"}})
        item = self.one()
        self.assertEqual((item["trafficGroup"], item["enabled"], item["arp"], item["unit"],
                          item["icmpEcho"], item["floating"]),
                         (TWO, "no", "disabled", 2, "selective", "enabled"))
        self.assertIn("~Common~traffic-group-2?", item["trafficGroupReference"]["link"])
        self.assertGreater(item["generation"], before["generation"])
        self.tell(virtualAddresses={"/K8S/10.50.0.10": None})
        self.assertEqual(dict(self.one(), generation=0), dict(before, generation=0))

    def test_an_address_that_stays_where_it_is_does_not_float(self):
        self.tell(virtualAddresses={"10.50.0.10": {"trafficGroup": "traffic-group-local-only"}})
        item = self.one()
        self.assertEqual((item["trafficGroup"], item["floating"], item["unit"]),
                         (LOCAL_ONLY, "disabled", 0))
        self.tell(virtualAddresses=None)
        self.assertEqual(self.one()["floating"], "enabled")

    def test_wrong_commands_are_refused_and_change_nothing(self):
        for fields in ({"arp": "maybe"}, {"enabled": True}, {"trafficGroup": "traffic-group-9"},
                       {"kind": "other"}, {"routeAdvertisement": "sometimes"}, 5):
            with self.subTest(fields):
                self.assertFalse(self.unit.tell(virtualAddresses={"10.50.0.10": fields})["ok"])
        self.assertIn("no virtual server", self.unit.tell(
            virtualAddresses={"/K8S/10.50.0.99": {"arp": "disabled"}})["error"])
        self.assertEqual(self.one()["arp"], "enabled")

    def test_releases_before_13_advertise_or_do_not(self):
        self.tell(virtualAddresses={"10.50.0.10": {"routeAdvertisement": "selective"}})
        old = Emulator(configuration([], version="12.1.3")).enter()
        self.addCleanup(old.stop)
        words = {word: old.tell(virtualAddresses={"10.50.0.10": {"routeAdvertisement": word}})["ok"]
                 for word in ("enabled", "selective")}
        self.assertEqual(words, {"enabled": True, "selective": False})


class GroupObjectTests(UnitCase):
    settings = {"trafficGroups": {"traffic-group-2": "ltm-1.lab"}}

    def setUp(self):
        self.tell(misbehave=None)

    def test_groups_that_float_and_the_one_that_does_not(self):
        items = self.unit.items("cm/traffic-group")
        self.assertEqual([(item["fullPath"], item["isFloating"], item["unitId"])
                          for item in items],
                         [(ONE, "true", 1), (TWO, "true", 2), (LOCAL_ONLY, "false", 0)])
        own = self.unit.get("/mgmt/tm/cm/traffic-group/~Common~traffic-group-1")
        self.assertEqual(own, {
            "kind": "tm:cm:traffic-group:traffic-groupstate", "name": "traffic-group-1",
            "partition": "Common", "fullPath": ONE, "generation": 1, "selfLink":
            "https://localhost/mgmt/tm/cm/traffic-group/~Common~traffic-group-1?ver=13.1.3",
            "autoFailbackEnabled": "false", "autoFailbackTime": 60, "failoverMethod": "ha-order",
            "haLoadFactor": 1, "isFloating": "true", "mac": "none", "monitor": {}, "unitId": 1})

    def test_statistics_are_keyed_by_group_and_unit(self):
        body = self.unit.get("/mgmt/tm/" + statistics(ONE))
        start = "https://localhost/mgmt/tm/cm/traffic-group/~Common~traffic-group-1"
        self.assertEqual((body["kind"], body["selfLink"]),
                         ("tm:cm:traffic-group:traffic-groupstats", start + "/stats?ver=13.1.3"))
        key = start + "/~Common~traffic-group-1:~Common~ltm-1.lab/stats"
        self.assertEqual(list(body["entries"]), [key])
        self.assertEqual(self.unit.fields(statistics(ONE)), [
            {"activeReason": "Highest Ranked Device", "currentLoad": 2,
             "deviceName": "/Common/ltm-1.lab", "failoverState": "active", "nextActive": "false",
             "nextLoad": 2, "trafficGroup": ONE}])

    def test_statistics_of_all_of_none_and_of_what_is_not_there(self):
        every = "cm/traffic-group/stats"
        self.assertEqual([row["trafficGroup"] for row in self.unit.fields(every)], [ONE, TWO])
        self.assertEqual(len(self.unit.fields(every + "?$top=1&$skip=1")), 1)
        self.assertNotIn("entries", self.unit.get("/mgmt/tm/" + statistics(LOCAL_ONLY)))
        self.assertEqual(self.unit.read(statistics("/Common/traffic-group-9"))[0], 404)
        self.assertEqual(self.unit.read(statistics(ONE) + "/more")[0], 404)

    def test_misbehaviours_reach_groups_too(self):
        self.tell(misbehave={"kind": "standby"})
        self.assertEqual(self.unit.fields(statistics(TWO))[0]["failoverState"], "standby")
        self.tell(misbehave={"kind": "key-form", "form": "numbered"})
        self.assertTrue(self.unit.entries(statistics(ONE))[0][0].endswith("/stats/0"))
        self.tell(misbehave={"kind": "empty"})
        self.assertEqual(self.unit.items("cm/traffic-group"), [])

    def test_groups_of_nobody_are_refused(self):
        for groups in ({"traffic-group-9": "active"}, {"traffic-group-1": "offline"},
                       {"traffic-group-local-only": "active"}):
            self.assertFalse(self.unit.tell(trafficGroups=groups)["ok"])

    def test_configurations_that_cannot_be_used_are_refused(self):
        for settings in ({"trafficGroups": {"traffic-group-2": "ltm-9.lab"}},
                         {"trafficGroups": {"traffic-group-local-only": "ltm-1.lab"}},
                         {"trafficGroups": ["traffic-group-2"]},
                         {"virtualAddresses": {"10.50.0.99": {"arp": "disabled"}}}):
            with self.subTest(settings), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "config.json")
                with open(path, "w") as file:
                    json.dump(configuration([], **settings), file)
                command = self.unit.command()
                command[command.index("--config") + 1] = path
                command[command.index("--control") + 1] = os.path.join(folder, "control")
                ended = subprocess.run(command, capture_output=True, timeout=LONG_ENOUGH)
                self.assertEqual((ended.returncode, ended.stderr[:7]), (2, b"bigip: "))


class CarryingTests(test_bigip_pair.PairCase):
    """Both units active, each with a group of its own, unless a test says otherwise."""

    def pair(self, **named):
        return super().pair(trafficGroups={"traffic-group-2": "ltm-2.lab"}, **named)

    def carriers(self, unit, group):
        rows = unit.fields(statistics(group))
        return sorted(row["deviceName"][len("/Common/"):] for row in rows
                      if row["failoverState"] == "active")

    def both_say(self, units, one, two):
        def settled():
            return all((self.carriers(unit, ONE), self.carriers(unit, TWO)) == (one, two)
                       for unit in units)
        until(settled)

    def details(self, unit):
        body = unit.get("/mgmt/tm/cm/failover-status")
        row = next(iter(body["entries"].values()))["nestedStats"]["entries"]
        lines = next(row[key] for key in row if key.endswith("/details"))
        return row["summary"]["description"], [
            line["nestedStats"]["entries"]["details"]["description"]
            for line in lines["nestedStats"]["entries"].values()]

    def test_a_unit_that_carries_a_group_is_active(self):
        units = self.pair()
        self.both_say(units, ["ltm-1.lab"], ["ltm-2.lab"])
        for number, unit in enumerate(units, 1):
            self.assertEqual(self.roles(unit), {"ltm-1.lab": "active", "ltm-2.lab": "active"})
            self.assertEqual(self.details(unit),
                             ("1/2 active", ["active for /Common/traffic-group-%d" % number]))
        rows = units[0].fields(statistics(TWO))
        self.assertEqual([(row["nextActive"], row["currentLoad"], row["nextLoad"])
                          for row in rows], [("true", 1, 2), ("false", 1, 1)])

    def test_a_failover_moves_every_group_and_another_brings_all_back(self):
        first, second = self.pair()
        self.assertTrue(first.tell(failover=True)["ok"])
        first.enter()
        self.both_say((first, second), ["ltm-2.lab"], ["ltm-2.lab"])
        self.assertEqual(self.roles(first), {"ltm-1.lab": "standby", "ltm-2.lab": "active"})
        self.assertEqual(self.details(second)[1], ["active for " + ONE, "active for " + TWO])
        self.assertEqual(self.details(first), ("2/2 standby", ["standby for " + ONE,
                                                               "standby for " + TWO]))
        self.assertTrue(second.tell(failover=True)["ok"])
        second.enter()
        self.both_say((first, second), ["ltm-1.lab"], ["ltm-1.lab"])

    def test_a_unit_takes_over_from_one_that_is_not_active_and_gives_back(self):
        units = first, second = self.pair()
        for role in ("offline", "forced-offline", "standby"):
            second.tell(role=role)
            self.both_say(units, ["ltm-1.lab"], ["ltm-1.lab"])
            self.assertEqual(self.roles(first)["ltm-2.lab"], role)
            row = first.fields(statistics(TWO))[1]
            self.assertEqual((row["failoverState"], row["nextActive"]),
                             (role, "true" if role == "standby" else "false"))
            second.tell(role="active")
            self.both_say(units, ["ltm-1.lab"], ["ltm-2.lab"])

    def test_single_groups_are_told_to_one_unit_and_mended(self):
        units = first, second = self.pair()
        first.tell(trafficGroups={"traffic-group-2": "active"})
        self.both_say(units, ["ltm-1.lab"], ["ltm-1.lab", "ltm-2.lab"])
        second.tell(trafficGroups={TWO: "standby"})
        self.both_say(units, ["ltm-1.lab"], ["ltm-1.lab"])
        self.assertEqual(self.roles(first), {"ltm-1.lab": "active", "ltm-2.lab": "standby"})
        self.assertEqual(self.word(second, "cm/failover-status"), "STANDBY")
        self.assertEqual(second.tell(state=True)["trafficGroups"],
                         {ONE: "standby", TWO: "standby"})
        first.tell(trafficGroups={"traffic-group-2": None})
        second.tell(trafficGroups=None)
        self.both_say(units, ["ltm-1.lab"], ["ltm-2.lab"])

    def test_a_failover_forgets_what_was_told_of_single_groups(self):
        units = first, second = self.pair()
        second.tell(trafficGroups={"traffic-group-1": "active", "traffic-group-2": "standby"})
        first.tell(trafficGroups={"traffic-group-1": "standby"})
        self.both_say(units, ["ltm-2.lab"], [])
        first.tell(failover=True)
        first.enter()
        self.both_say(units, ["ltm-2.lab"], ["ltm-2.lab"])

    def test_a_group_may_be_told_with_nothing_configured(self):
        units = first, second = test_bigip_pair.PairCase.pair(self)
        second.tell(trafficGroups={"traffic-group-1": "active"})
        until(lambda: self.roles(first) == {"ltm-1.lab": "active", "ltm-2.lab": "active"})
        self.assertEqual(second.tell(state=True)["role"], "active")
        second.tell(trafficGroups={"traffic-group-1": None})
        until(lambda: self.carriers(first, ONE) == self.carriers(second, ONE) == ["ltm-1.lab"])

    def test_the_default_pair_has_one_group_with_both_units_in_it(self):
        first, _ = test_bigip_pair.PairCase.pair(self)
        rows = first.fields(statistics(ONE))
        self.assertEqual([(row["deviceName"], row["failoverState"], row["nextActive"])
                          for row in rows], [("/Common/ltm-1.lab", "active", "false"),
                                             ("/Common/ltm-2.lab", "standby", "true")])
        self.assertEqual([item["fullPath"] for item in first.items("cm/traffic-group")],
                         [ONE, LOCAL_ONLY])

    def test_the_floating_address_is_served_by_the_carrier_of_the_first_group(self):
        first, second = self.pair(floating=True)
        until(lambda: "floating on" in first.printed())
        self.assertNotIn("floating on", second.printed())
        self.assertTrue(first.tell(failover=True)["ok"])
        until(lambda: "floating on" in second.printed())


class JournalTests(test_bigip_syslog.SyslogCase):
    def test_a_group_taken_over_is_told_and_a_unit_that_was_active_stays_so(self):
        self.sink = test_bigip_syslog.Sink()
        self.addCleanup(self.sink.socket.close)
        self.unit = Emulator(configuration([], trafficGroups={"traffic-group-2": "ltm-1.lab"},
                                           syslog={"to": self.sink.to}))
        self.addCleanup(self.unit.stop)
        for word in ("standby", "active"):
            self.tell(trafficGroups={"traffic-group-2": word})
        self.tell(role="standby")
        self.tell(role="active")
        self.sink.line("010c0019:5: Active")
        told = [re.search(r"010c\S+ (.*)", line).group(1) for line in self.sink.lines]
        self.assertEqual(told, ["Active for traffic group /Common/traffic-group-2.", "Standby",
                                "Leaving Standby for Active.",
                                "Active for traffic group /Common/traffic-group-1.",
                                "Active for traffic group /Common/traffic-group-2.", "Active"])


if __name__ == "__main__":
    unittest.main()
