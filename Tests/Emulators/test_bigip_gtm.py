# SPDX-License-Identifier: Apache-2.0
"""The DNS module: objects, states that follow from one another, keys the wrong way round."""

import unittest

from bigip_support import Emulator, UnitCase, configuration

GTM = {"servers": [{"name": "ltm", "virtualServers": [
           {"name": "web", "destination": "10.50.0.10:80", "translationAddress": "192.0.2.10"},
           {"name": "api", "destination": "10.50.0.11:80", "state": "offline", "reason": "gone"}]}],
       "pools": [{"name": "web", "members": ["ltm:web", "ltm:api"]},
                 {"name": "unused"},
                 {"name": "names", "type": "cname", "members": ["www.example"]},
                 {"name": "web6", "type": "aaaa", "members": ["ltm:web"], "disabled": True}],
       "wideIPs": [{"name": "www.example", "pools": ["web"]}, {"name": "idle.example"},
                   {"name": "six.example", "type": "aaaa", "pools": ["web6"]}]}
SILENT = {"state": "offline",
          "reason": " Monitor /Common/bigip : no reply from big3d: timed out"}


class GTMTests(UnitCase):
    settings = {"gtm": GTM}

    def tearDown(self):
        self.tell(gtm={"virtuals": {"ltm:web": None}, "pools": {"web": None}, "wideIPs": {}})

    def state(self, path, field="status.availabilityState"):
        return self.unit.fields(path + "/stats")[0][field]

    def test_types_have_collections_of_their_own(self):
        for path, names in (("wideip/a", ["www.example", "idle.example"]),
                            ("wideip/aaaa", ["six.example"]), ("wideip/mx", []),
                            ("pool/a", ["web", "unused"]), ("pool/cname", ["names"])):
            self.assertEqual([item["name"] for item in self.unit.items("gtm/" + path)], names)
        self.assertEqual(self.unit.read("gtm/wideip/b")[0], 404)
        self.assertIs(self.unit.items("gtm/pool/aaaa")[0]["disabled"], True)

    def test_members_are_keyed_the_other_way_round(self):
        items = self.unit.items("gtm/pool/a/~Common~web/members")
        self.assertEqual(items[0]["fullPath"], "/Common/ltm:web")
        key, _, row = self.unit.entries("gtm/pool/a/~Common~web/members/stats")[0]
        self.assertTrue(key.endswith("/members/web:~Common~ltm/stats"), key)
        self.assertEqual((row["serverName"], row["vsName"]), ("/Common/ltm", "web"))

    def test_a_name_among_members_has_a_space_for_a_virtual(self):
        key, _, row = self.unit.entries("gtm/pool/cname/~Common~names/members/stats")[0]
        self.assertTrue(key.endswith("/%20:www.example/stats"), key)
        self.assertEqual(row["vsName"], " ")

    def test_states_follow_from_below(self):
        pool, wide_ip = "gtm/pool/a/~Common~web", "gtm/wideip/a/~Common~www.example"
        self.assertEqual((self.state(pool), self.state(wide_ip)), ("available", "available"))
        self.tell(gtm={"virtuals": {"ltm:web": SILENT}})
        self.assertEqual((self.state(pool), self.state(wide_ip)), ("offline", "offline"))
        row = self.unit.fields("gtm/server/~Common~ltm/virtual-servers/web/stats")[0]
        self.assertEqual(row["status.statusReason"], SILENT["reason"])

    def test_a_state_may_be_set_against_what_lies_below(self):
        self.tell(gtm={"pools": {"web": {"state": "offline", "reason": "by hand"}}})
        self.assertEqual(self.state("gtm/pool/a/~Common~web", "status.statusReason"), "by hand")

    def test_unused_objects_look_unused(self):
        self.assertEqual(self.state("gtm/pool/a/~Common~unused", "status.statusReason"),
                         "No enabled pool members available")
        self.assertEqual(self.state("gtm/wideip/a/~Common~idle.example"), "unknown")

    def test_virtual_servers_of_a_server(self):
        items = self.unit.items("gtm/server/~Common~ltm/virtual-servers")
        self.assertEqual((items[0]["destination"], items[0]["translationAddress"]),
                         ("10.50.0.10:80", "192.0.2.10"))
        rows = self.unit.fields("gtm/server/~Common~ltm/virtual-servers/stats")
        self.assertEqual([row["status.availabilityState"] for row in rows],
                         ["available", "offline"])

    def test_wide_ips_come_in_pages(self):
        page = self.unit.get("/mgmt/tm/gtm/wideip/a?$top=1")
        self.assertEqual((len(page["items"]), page["totalItems"]), (1, 2))


class WithoutTests(unittest.TestCase):
    def unit(self, **more):
        unit = Emulator(configuration([], **more)).enter()
        self.addCleanup(unit.stop)
        return unit

    def test_a_unit_without_it_is_empty_or_does_not_know_the_path(self):
        empty, absent = self.unit(), self.unit(gtm="404")
        for path in ("gtm/wideip/a", "gtm/pool/aaaa", "gtm/server", "gtm/wideip/a/stats"):
            self.assertEqual((empty.read(path)[0], absent.read(path)[0]), (200, 404))
            self.assertFalse({"items", "entries"} & set(empty.get("/mgmt/tm/" + path)))

    def test_members_may_be_named_without_partition(self):
        unit = self.unit(gtm=dict(GTM, memberForm="short"))
        item = unit.items("gtm/pool/a/~Common~web/members")[0]
        self.assertEqual(item["fullPath"], "ltm:web")
        self.assertNotIn("partition", item)
        self.assertIn("/web:ltm/stats", unit.entries("gtm/pool/a/~Common~web/members/stats")[0][0])


if __name__ == "__main__":
    unittest.main()
