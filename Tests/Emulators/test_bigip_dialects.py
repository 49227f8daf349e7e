# SPDX-License-Identifier: Apache-2.0
"""What each TMOS release writes, and what it leaves out."""

import json
import unittest

from bigip_support import Emulator, configuration, until

POOL = "ltm/pool/~K8S~cfgmap_default_web_web"
DEAD = "127.0.0.1:1"
FRESH = ["11.6.0", "12.1.3", "13.1.3", "14.1.2", "15.1.8", "16.1.4"]


class DialectTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pools = configuration([DEAD])["pools"] + [
            {"name": "two", "members": [DEAD], "monitor": "min 1 of { /Common/http /Common/tcp }"}]
        cls.units = {version: Emulator(configuration([DEAD], version=version, pools=pools)).enter()
                     for version in FRESH}

    @classmethod
    def tearDownClass(cls):
        for unit in cls.units.values():
            unit.stop()

    def since(self, question):
        """The versions for which the question is answered with yes."""
        return [version for version, unit in self.units.items() if question(unit)]

    def has(self, path, field):
        return self.since(lambda unit: field in unit.fields(path)[0])

    def test_counters_come_with_the_releases_that_brought_them(self):
        self.assertEqual(self.has(POOL + "/stats", "availableMemberCnt"), FRESH[2:])
        self.assertEqual(self.has(POOL + "/stats", "curPriogrp"), FRESH[3:])
        for path in (POOL + "/stats", POOL + "/members/stats", "ltm/virtual/stats"):
            self.assertEqual(self.has(path, "mr.msgIn"), FRESH[5:])

    def test_old_members_know_no_names_and_some_name_their_node(self):
        for field, versions in (("ephemeral", FRESH[1:]), ("fqdn", FRESH[1:]),
                                ("nameReference", FRESH[1:2])):
            self.assertEqual(self.since(lambda unit: field in unit.items(POOL + "/members")[0]),
                             versions)

    def test_one_objects_statistics_are_keyed_as_the_release_keys_them(self):
        own = "~K8S~cfgmap_default_web_web"
        keys = {version: unit.entries(POOL + "/stats")[0][0].split("/ltm/pool/")[1]
                for version, unit in self.units.items()}
        for version in FRESH:
            doubled = version < "14" or version >= "16"
            self.assertEqual(keys[version], "%s/%sstats" % (own, own + "/" if doubled else ""))

    def test_only_the_newest_has_keys_that_differ_from_the_links(self):
        def differs(unit):
            return any(key != own.split("?")[0]
                       for key, own, _ in unit.entries(POOL + "/members/stats"))
        self.assertEqual(self.since(differs), FRESH[5:])

    def test_a_space_follows_the_monitor_until_13_0(self):
        self.assertEqual(self.since(lambda unit: unit.items("ltm/pool")[0]["monitor"][-1] == " "),
                         FRESH[:2])

    def test_a_failed_member_is_explained_by_one_part_by_several_or_by_a_fixed_text(self):
        reasons = {version: until(lambda: self.down_reason(unit))
                   for version, unit in self.units.items()}
        self.assertEqual(reasons["11.6.0"], "Pool member has been marked down by a monitor")
        self.assertRegex(reasons["13.1.3"], r"^/Common/http: .+ @\S+ \S+\. $")
        self.assertRegex(reasons["16.1.4"], r"^/Common/http: .+\. /Common/tcp: .+ @\S+ \S+\. $")

    def down_reason(self, unit):
        row = unit.fields("ltm/pool/~K8S~two/members/stats")[0]
        return row["monitorStatus"] == "down" and row["status.statusReason"]

    def test_a_rule_of_several_monitors_loses_its_braces_in_statistics(self):
        unit = self.units["13.1.3"]
        self.assertEqual(unit.get("/mgmt/tm/ltm/pool/~K8S~two")["monitor"],
                         "min 1 of { /Common/http /Common/tcp }")
        self.assertEqual(unit.fields("ltm/pool/~K8S~two/stats")[0]["monitorRule"],
                         "min 1 of /Common/http /Common/tcp")
        self.assertEqual(unit.fields("ltm/pool/~K8S~two/members/stats")[0]["monitorRule"],
                         "min 1 of /Common/http /Common/tcp (pool monitor)")

    def test_capacity_became_a_word(self):
        self.assertEqual(self.since(lambda unit: unit.items("net/route-domain")[0]
                                    ["throughputCapacity"] == "infinite"), FRESH[3:])

    def test_gtm_had_no_types_before_12(self):
        untyped = self.since(lambda unit: unit.read("gtm/wideip")[0] == 200)
        typed = self.since(lambda unit: unit.read("gtm/wideip/a")[0] == 200)
        self.assertEqual((untyped, typed), (FRESH[:1], FRESH[1:]))

    def test_every_answer_names_its_release(self):
        for version, unit in self.units.items():
            self.assertIn("?ver=" + version, json.loads(unit.read("ltm/pool")[1])["selfLink"])
            self.assertEqual(unit.items("cm/device")[0]["version"], version)


if __name__ == "__main__":
    unittest.main()
