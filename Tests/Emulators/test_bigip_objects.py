# SPDX-License-Identifier: Apache-2.0
"""Objects in every form: folders, route domains, names, nodes, monitors, routes, partitions."""

import json
import unittest

from bigip_support import Emulator, UnitCase, configuration, until

WEB = {"fqdn": "web.example", "port": 80, "name": "web",
       "addresses": ["127.0.0.1", "2607:f8b0:400a:80a::200e"]}


class MemberFormTests(UnitCase):
    settings = {
        "pools": [
            {"name": "domains", "members": ["10.10.0.2%10:80", "2001:db8::1%2.80",
                                            "[2001:db8::2]:80"]},
            {"name": "pool", "subPath": "Shared", "nameForm": "as3", "shareNodes": True,
             "members": ["10.1.0.1:80"]},
            {"name": "ten", "partition": "T", "members": ["10.2.0.1:80"]},
            {"name": "names", "members": [WEB, {"fqdn": "none.example", "port": 81}]},
            {"name": "odd", "members": [{"member": "2001:db8::3.80", "priorityGroup": 7,
                                         "name": "2001:0db8:0000::0003.80"}]},
            {"name": "with space", "members": []}],
        "virtuals": [], "routeDomains": [{"id": 10, "name": "ten", "partitionDefault": "T"}]}

    def rows(self, pool):
        return self.unit.items("ltm/pool/%s/members" % pool)

    def test_a_route_domain_is_in_name_address_and_escaped_in_keys(self):
        first, second, third = self.rows("~K8S~domains")
        self.assertEqual((first["name"], first["address"]), ("10.10.0.2%10:80", "10.10.0.2%10"))
        self.assertEqual((second["name"], second["address"]), ("2001:db8::1%2.80", "2001:db8::1%2"))
        self.assertEqual((third["name"], third["address"]), ("2001:db8::2%0.80", "2001:db8::2"))
        keys = [key for key, _, _ in self.unit.entries("ltm/pool/~K8S~domains/members/stats")]
        self.assertTrue(keys[0].endswith("~K8S~10.10.0.2%2510:80/stats"), keys[0])
        self.assertEqual(self.unit.fields("ltm/pool/~K8S~domains/members/stats")[0]["addr"],
                         "10.10.0.2%10")

    def test_a_partitions_own_domain_stands_in_the_name_alone(self):
        item = self.rows("~T~ten")[0]
        self.assertEqual((item["name"], item["address"]), ("10.2.0.1%10:80", "10.2.0.1"))
        found = {item["name"]: item["defaultRouteDomain"]
                 for item in self.unit.items("auth/partition")}
        self.assertEqual(found, {"Common": 0, "K8S": 0, "T": 10})
        self.assertEqual([item["id"] for item in self.unit.items("net/route-domain")], [0, 10])

    def test_a_folder_is_part_of_the_path_and_shared_nodes_lie_in_common(self):
        pool = self.unit.get("/mgmt/tm/ltm/pool/~K8S~Shared~pool")
        self.assertEqual((pool["fullPath"], pool["partition"], pool["subPath"]),
                         ("/K8S/Shared/pool", "K8S", "Shared"))
        item = self.rows("~K8S~Shared~pool")[0]
        self.assertEqual((item["fullPath"], item["partition"]), ("/Common/10.1.0.1:80", "Common"))
        row = self.unit.fields("ltm/pool/~K8S~Shared~pool/members/stats")[0]
        self.assertEqual((row["poolName"], row["nodeName"]),
                         ("/K8S/Shared/pool", "/Common/10.1.0.1"))

    def test_a_name_has_a_template_and_ephemeral_members(self):
        template, four, six, empty = self.rows("~K8S~names")
        self.assertEqual((template["name"], template["address"], template["state"],
                          template["session"], template["ephemeral"]),
                         ("web:80", "any6", "fqdn-up", "user-enabled", "false"))
        self.assertEqual(template["fqdn"]["tmName"], "web.example")
        self.assertEqual((four["name"], four["ephemeral"]), ("_auto_127.0.0.1:80", "true"))
        self.assertEqual((six["name"], six["address"]),
                         ("_auto_2607.f8b0.400a.80a..200e:80", "2607:f8b0:400a:80a::200e"))
        self.assertEqual(empty["state"], "fqdn-up-no-addr")
        row = self.unit.fields("ltm/pool/~K8S~names/members/stats")[0]
        self.assertEqual((row["addr"], row["monitorStatus"], row["status.availabilityState"],
                          row["status.statusReason"]),
                         ("::", "fqdn-up", "available", "The DNS server(s) are available"))

    def test_a_template_does_not_make_a_pool_available(self):
        def settled():
            row = self.unit.fields("ltm/pool/~K8S~names/stats")[0]
            return row["status.availabilityState"] == "offline" and row
        self.assertEqual(until(settled)["memberCnt"], 2)

    def test_a_name_may_be_spelt_as_nobody_would(self):
        item = self.rows("~K8S~odd")[0]
        self.assertEqual((item["name"], item["address"], item["priorityGroup"]),
                         ("2001:0db8:0000::0003.80", "2001:db8::3", 7))

    def test_a_space_in_a_name_is_escaped(self):
        pool = self.unit.get("/mgmt/tm/ltm/pool/~K8S~with%20space")
        self.assertIn("~K8S~with%20space?", pool["selfLink"])

    def test_members_of_one_partition_do_not_show_in_another(self):
        items = self.unit.items("ltm/pool?$filter=partition+eq+T")
        self.assertEqual([item["fullPath"] for item in items], ["/T/ten"])


class StateTests(UnitCase):
    members = ["127.0.0.1:1"]
    row = "ltm/pool/~K8S~cfgmap_default_web_web/members/stats"

    def parts(self):
        item = self.unit.items(self.row[:-len("/stats")])[0]
        fields = self.unit.fields(self.row)[0]
        return (item["state"], item["session"], fields["monitorStatus"], fields["sessionStatus"],
                fields["status.availabilityState"], fields["status.enabledState"])

    def test_a_node_takes_its_members_with_it(self):
        until(lambda: self.parts()[0] == "down")
        self.tell(node={"node": "127.0.0.1", "value": "down"})
        self.assertEqual(self.parts()[2:5], ("address-down", "enabled", "offline"))
        node = self.unit.get("/mgmt/tm/ltm/node/~K8S~127.0.0.1%250")
        self.assertEqual((node["state"], node["monitor"]), ("down", "/Common/icmp"))
        self.tell(node={"node": "127.0.0.1", "value": "user-disabled"})
        self.assertEqual(self.parts()[2:],
                         ("down", "addr-disabled", "offline", "disabled-by-parent"))
        self.assertEqual(self.unit.fields("ltm/node/stats")[0]["sessionStatus"], "user-disabled")
        self.tell(node={"node": "127.0.0.1", "value": "user-enabled"})
        self.assertEqual(self.parts()[2:], ("down", "enabled", "offline", "enabled"))

    def test_down_by_hand_but_enabled(self):
        self.tell(session={"member": "127.0.0.1:1", "value": "user-down"})
        self.assertEqual(self.parts(), ("user-down", "user-enabled", "forced-down", "enabled",
                                        "offline", "enabled"))
        self.tell(session={"member": "127.0.0.1:1", "value": "user-enabled"})

    def test_any_state_can_be_shown_of_a_member_or_of_a_whole_cidr(self):
        fields = {"state": "irule-down", "monitorStatus": "irule-down", "availability": "available"}
        self.tell(override={"member": "127.0.0.1:1", "fields": fields})
        self.assertEqual(self.parts()[::2], ("irule-down", "irule-down", "available"))
        self.assertEqual(self.unit.fields("ltm/pool/stats")[0]["activeMemberCnt"], 1)
        self.tell(override={"member": "127.0.0.1:1", "fields": None})
        self.tell(override={"cidr": "127.0.0.0/24", "fields": {"availability": "unavailable"}})
        self.assertEqual(self.parts()[4], "unavailable")
        self.tell(override={"cidr": "127.0.0.0/24", "fields": None})
        self.assertNotEqual(self.parts()[4], "unavailable")

    def test_wrong_commands_are_refused(self):
        for command in ({"node": {"node": "10.9.9.9", "value": "down"}},
                        {"node": {"node": "127.0.0.1", "value": "ill"}},
                        {"override": {"cidr": "nothing", "fields": "down"}},
                        {"denied": {"net/self": 418}}, {"role": "boss"}, {"primary": 3},
                        {"failover": True}, {"generator": {"behaviour": "dance"}},
                        {"monitors": "maybe"}, {"gtm": {"planets": {}}}):
            with self.subTest(command):
                self.assertFalse(self.unit.tell(**command)["ok"])


class NetTests(UnitCase):
    settings = {
        "username": "podpath", "zebos": "C 10.3.1.0/24 is directly connected",
        "selfIPs": [{"name": "own", "address": "10.3.1.10%10/24", "vlan": "/Common/a"},
                    {"name": "float", "address": "10.3.1.11/24", "vlan": "/Common/a",
                     "floating": True}],
        "vlans": [{"name": "/Common/b", "tag": 77}],
        "routes": [{"name": "pods", "network": "10.16.0.0/16", "gw": "10.3.1.254"},
                   {"name": "hole", "network": "10.17.0.0/16", "blackhole": True,
                    "partition": "K8S"}],
        "liveRoutes": [{"destination": "10.16.3.0/24", "nextHop": "10.3.1.253"}],
        "monitors": [{"name": "/Common/" + name, "type": name} for name in
                     ("https", "tcp", "tcp-half-open", "icmp", "gateway-icmp", "udp")],
        "pools": [], "partitions": [{"name": "Empty"}],
        "virtuals": [{"name": "six", "destination": "2001:db8::28%100.8080", "partition": "T",
                      "subPath": "Shared", "vlans": ["/Common/a"],
                      "snat": {"type": "snat", "pool": "/Common/s"}},
                     {"name": "four", "destination": "10.50.0.10%10:80", "snat": "automap",
                      "disabled": True}],
        "arp": [{"name": "k8s-10.16.3.7", "ipAddress": "10.16.3.7", "macAddress": "0a:0a:0a"}]}

    def test_live_routes_are_static_connected_and_learnt_ones(self):
        rows = {row["destination"]: row for row in self.unit.fields("net/route/stats")}
        self.assertEqual({key: row["origin"] for key, row in rows.items()},
                         {"10.16.0.0/16": "static", "10.17.0.0/16": "static",
                          "10.3.1.0%10/24": "connected", "10.3.1.0/24": "connected",
                          "10.16.3.0/24": "dynamic"})
        self.assertEqual(rows["10.17.0.0/16"]["type"], "blackhole")
        self.tell(liveRoutes=[])
        self.assertEqual(len(self.unit.fields("net/route/stats")), 4)
        self.tell(liveRoutes=self.settings["liveRoutes"])

    def test_a_path_may_be_denied_in_every_way(self):
        for code in (400, 401, 403, 404):
            self.tell(denied={"net/route/stats": code})
            self.assertEqual((self.unit.read("net/route/stats")[0], self.unit.read("net/self")[0]),
                             (code, 200))
        self.tell(denied=None)
        self.assertEqual(self.unit.read("net/route/stats")[0], 200)

    def test_self_addresses_vlans_and_what_routing_offers(self):
        own, floating = self.unit.items("net/self")
        self.assertEqual((own["address"], own["trafficGroup"][-10:]),
                         ("10.3.1.10%10/24", "local-only"))
        self.assertEqual((floating["floating"], floating["trafficGroup"][-1]), ("enabled", "1"))
        self.assertEqual([(item["name"], item["tag"]) for item in self.unit.items("net/vlan")][0],
                         ("b", 77))
        self.assertEqual(self.unit.items("net/routing/bgp"), [])
        self.assertIn("net/routing/bgp", json.dumps(self.unit.items("net/routing")))
        self.assertEqual(self.unit.items("net/arp")[0]["ipAddress"], "10.16.3.7")

    def test_a_route_lies_in_its_partition(self):
        items = self.unit.items("net/route?$filter=partition+eq+K8S")
        self.assertEqual([item["fullPath"] for item in items], ["/K8S/hole"])

    def test_monitors_lie_in_the_collection_of_their_type(self):
        for name in ("http", "https", "tcp", "tcp-half-open", "icmp", "gateway-icmp", "udp"):
            items = self.unit.items("ltm/monitor/" + name)
            self.assertEqual([item["fullPath"] for item in items], ["/Common/" + name])

    def test_virtual_servers_in_every_form(self):
        six, four = self.unit.items("ltm/virtual")
        self.assertEqual((six["fullPath"], six["destination"]),
                         ("/T/Shared/six", "/T/2001:db8::28%100.8080"))
        self.assertEqual((six["vlans"], six["vlansEnabled"], six["source"]),
                         (["/Common/a"], True, "::/0"))
        self.assertEqual(six["sourceAddressTranslation"]["type"], "snat")
        self.assertEqual((four["disabled"], four["sourceAddressTranslation"]),
                         (True, {"type": "automap"}))
        self.assertNotIn("enabled", four)
        self.assertEqual([item["address"] for item in self.unit.items("ltm/virtual-address")],
                         ["2001:db8::28%100", "10.50.0.10%10"])
        self.assertEqual(self.unit.fields("ltm/virtual/~T~Shared~six/stats")[0]["tmName"],
                         "/T/Shared/six")
        self.assertEqual(self.unit.read("ltm/virtual-address/~T~2001:db8::28%25100/stats")[0], 404)

    def test_bash_is_for_administrators(self):
        body = {"command": "run", "utilCmdArgs": "-c 'imish -r 0 -e \"show ip route\"'"}
        self.assertEqual(self.unit.ask("POST", "/mgmt/tm/util/bash", body)[0], 400)
        admin = Emulator(configuration([], userRole="admin", zebos="C 10.3.1.0/24")).enter()
        status, _, text = admin.ask("POST", "/mgmt/tm/util/bash", body)
        silent = admin.ask("POST", "/mgmt/tm/util/bash", dict(body, utilCmdArgs="-c 'true'"))[2]
        counters = admin.tell(state=True)["counters"]
        admin.stop()
        self.assertEqual((status, json.loads(text)["commandResult"]), (200, "C 10.3.1.0/24"))
        self.assertNotIn("commandResult", json.loads(silent))
        self.assertEqual((counters["bash"], counters["writes"]), (2, 0))

    def test_available_says_that_a_worker_runs(self):
        self.assertEqual(self.unit.read("ltm/pool/available")[0], 200)


if __name__ == "__main__":
    unittest.main()
