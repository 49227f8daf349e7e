# SPDX-License-Identifier: Apache-2.0
"""What a controller does to pools: rewrites, gaps, two writers, busy."""

import unittest

from bigip_support import POOL, UnitCase, until

PATH = POOL[len("/mgmt/tm/"):] + "/members"
DEAD, OTHER = "127.0.0.1:1", "10.0.0.2:80"


class GeneratorTests(UnitCase):
    members = [DEAD, OTHER]

    def setUp(self):
        self.tell(generator=None)
        self.tell(misbehave=None)
        self.tell(members={"cfgmap_default_web_web": [DEAD, OTHER], "spare-0": []})

    def addresses(self, path=PATH):
        return [item["address"] for item in self.unit.items(path)]

    def state(self):
        return self.unit.items(PATH)[0]["state"]

    def test_a_rewrite_leaves_members_without_a_verdict(self):
        until(lambda: self.state() == "down")
        known = self.unit.tell(state=True)["members"][0]["transitions"]
        generation = self.unit.get(POOL)["generation"]
        self.tell(generator={"behaviour": "rewrite", "pool": "cfgmap_default_web_web"})
        self.assertGreater(self.unit.tell(state=True)["members"][0]["transitions"], known)
        self.assertGreater(self.unit.get(POOL)["generation"], generation)
        until(lambda: self.state() == "down")

    def test_a_pool_is_emptied_and_filled_again(self):
        for behaviour in ("emptied", "delete-add"):
            self.tell(generator={"behaviour": behaviour, "pool": "cfgmap_default_web_web",
                                 "seconds": 1.0})
            self.assertEqual(self.addresses(), [])
            until(lambda: self.addresses() == ["127.0.0.1", "10.0.0.2"])

    def test_it_may_be_ended_while_the_pool_is_empty(self):
        self.tell(generator={"behaviour": "emptied", "seconds": 3600})
        self.tell(generator=None)
        self.assertEqual(self.addresses(), [])

    def test_two_writers_take_turns_until_they_are_ended(self):
        self.tell(generator={"behaviour": "two-writers", "pool": "cfgmap_default_web_web",
                             "first": [DEAD], "second": [OTHER], "seconds": 0.05})
        for _ in range(2):
            until(lambda: self.addresses() == ["10.0.0.2"])
            until(lambda: self.addresses() == ["127.0.0.1"])

    def test_a_member_stays_behind_and_an_address_moves(self):
        self.tell(generator={"behaviour": "stale", "pool": "cfgmap_default_web_web",
                             "member": "10.0.0.9:80"})
        self.assertEqual(self.addresses(), ["127.0.0.1", "10.0.0.2", "10.0.0.9"])
        self.tell(generator={"behaviour": "ip-reuse", "pool": "spare-0", "member": OTHER,
                             "from": "cfgmap_default_web_web"})
        self.assertEqual(self.addresses(), ["127.0.0.1", "10.0.0.9"])
        self.assertEqual(self.addresses("ltm/pool/~K8S~spare-0/members"), ["10.0.0.2"])

    def test_a_busy_unit_refuses(self):
        self.tell(generator={"behaviour": "busy", "seconds": 3600})
        declare = self.unit.ask("GET", "/mgmt/shared/appsvcs/declare")
        self.assertEqual((declare[0], b"try again in 2 minutes" in declare[2]), (503, True))
        self.assertIn(b"asynchronous task", self.unit.ask("GET", POOL)[2])
        self.assertEqual(self.unit.read("cm/device")[0], 200)


if __name__ == "__main__":
    unittest.main()
