# SPDX-License-Identifier: Apache-2.0
"""Many pools at once: 150,000 members that are made when they are asked for."""

import ipaddress
import unittest

from bigip_support import UnitCase

PLENTY = {"pools": 1500, "membersPerPool": 100, "supernet": "10.0.0.0/8", "prefix": 24}
POOL = "ltm/pool/~K8S~generated-%d"
MOST_MEMORY = 150 << 20


class ScaleTests(UnitCase):
    settings = {"generated": PLENTY}

    def resident(self):
        with open("/proc/%d/statm" % self.unit.process.pid) as file:
            return int(file.read().split()[1]) * 4096

    def test_members_are_spread_over_the_nodes_and_up(self):
        rows = self.unit.fields(POOL % 0 + "/members/stats")
        networks = {ipaddress.ip_interface(row["addr"] + "/24").network for row in rows}
        self.assertEqual((len(rows), len(networks)), (100, 100))
        self.assertEqual({row["monitorStatus"] for row in rows}, {"up"})
        self.assertEqual(rows[0]["addr"], "10.0.0.2")
        again = self.unit.fields(POOL % 150 + "/members/stats")[0]
        self.assertEqual(again["addr"], "10.0.0.3")

    def test_everything_can_be_asked_for_and_little_is_kept(self):
        before = self.resident()
        there = self.unit.tell(state=True)["generatedMembers"]
        self.assertGreater(there, 149000)
        self.assertEqual(self.unit.get("/mgmt/tm/ltm/node?$top=5&$skip=140000")["totalItems"],
                         there)
        rows = self.unit.fields("ltm/pool/stats?$top=100")
        self.assertEqual((len(rows), rows[-1]["activeMemberCnt"]), (100, 100))
        for number in range(0, 1500, 50):
            self.assertEqual(len(self.unit.fields(POOL % number + "/members/stats")), 100)
        self.assertLess(self.resident(), max(MOST_MEMORY, before * 2))

    def test_pages_of_members(self):
        items = self.unit.items(POOL % 7 + "/members?$top=10&$skip=95")
        self.assertEqual([item["address"] for item in items],
                         [item["address"] for item in self.unit.items(POOL % 7 + "/members")[95:]])

    def test_a_whole_cidr_goes_down_in_every_pool_it_reaches(self):
        self.tell(override={"cidr": "10.0.5.0/24", "fields": "down"})
        rows = self.unit.fields(POOL % 0 + "/members/stats")
        self.assertEqual([row["addr"] for row in rows if row["monitorStatus"] == "down"],
                         ["10.0.5.2"])
        self.assertEqual(self.unit.fields(POOL % 0 + "/stats")[0]["activeMemberCnt"], 99)
        self.assertEqual(self.unit.fields(POOL % 1 + "/stats")[0]["activeMemberCnt"], 100)
        self.tell(override={"cidr": "10.0.5.0/24", "fields": None})

    def test_a_generated_pool_can_be_given_other_members(self):
        self.tell(members={"generated-3": ["10.77.0.1:80"]})
        row = self.unit.fields(POOL % 3 + "/members/stats")[0]
        self.assertEqual((row["addr"], row["monitorStatus"]), ("10.77.0.1", "up"))
        self.assertEqual(self.unit.fields(POOL % 3 + "/stats")[0]["memberCnt"], 1)

    def test_a_single_member_is_found(self):
        item = self.unit.get("/mgmt/tm/" + POOL % 0 + "/members/~K8S~10.0.7.2%250:80")
        self.assertEqual((item["address"], item["state"]), ("10.0.7.2", "up"))


if __name__ == "__main__":
    unittest.main()
