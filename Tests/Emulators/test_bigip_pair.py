# SPDX-License-Identifier: Apache-2.0
"""Two units: roles, failover, replication, the floating address, and a chassis with blades."""

import http.client
import os
import re
import socket
import ssl
import tempfile
import unittest

from bigip_support import POOL, Emulator, Pod, UnitCase, configuration, until

ROUTES = [{"name": "other", "network": "10.18.0.0/16", "gw": "10.3.1.253"}]


def two_units(members=(), sync=None, floating=False, **more):
    """The active one and the standby one."""
    folders = [tempfile.mkdtemp(prefix="bigip-") for _ in range(2)]
    address = ("--floating", "127.0.0.1:%d" % free_port()) if floating else ()
    units = []
    for number, role in enumerate(("active", "standby")):
        other = 1 - number
        peer = {"hostname": "ltm-%d.lab" % (other + 1),
                "control": os.path.join(folders[other], "control")}
        raw = configuration(list(members), hostname="ltm-%d.lab" % (number + 1), role=role,
                            peer=peer, sync=sync, **more)
        units.append(Emulator(raw, *address, folder=folders[number]).enter())
    return units


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class PairCase(unittest.TestCase):
    def pair(self, *arguments, **named):
        units = two_units(*arguments, **named)
        for unit in units:
            self.addCleanup(unit.stop)
        return units

    def roles(self, unit):
        return {item["hostname"]: item["failoverState"] for item in unit.items("cm/device")}

    def word(self, unit, path="cm/sync-status"):
        return unit.fields(path)[0]["status"]

    def members(self, unit):
        return [item["address"] for item in unit.items("ltm/pool/~K8S~spare-0/members")]


class RoleTests(PairCase):
    def test_both_units_know_both_and_each_knows_itself(self):
        for number, unit in enumerate(self.pair(), 1):
            self.assertEqual(self.roles(unit), {"ltm-1.lab": "active", "ltm-2.lab": "standby"})
            own = [item["hostname"] for item in unit.items("cm/device")
                   if item["selfDevice"] == "true"]
            self.assertEqual(own, ["ltm-%d.lab" % number])

    def test_a_failover_changes_both_and_takes_the_tokens_of_one(self):
        first, second = self.pair()
        self.assertTrue(first.tell(failover=True)["ok"])
        self.assertEqual((first.read("cm/device")[0], second.read("cm/device")[0]), (401, 200))
        first.enter()
        for unit in (first, second):
            self.assertEqual(self.roles(unit), {"ltm-1.lab": "standby", "ltm-2.lab": "active"})
        self.assertEqual(self.word(second, "cm/failover-status"), "ACTIVE")
        self.assertIn(b"Failover standby for 0d 00:00:", first.read("sys/failover")[1])
        rows = first.fields("cm/traffic-group/~Common~traffic-group-1/stats")
        self.assertEqual([row["failoverState"] for row in rows], ["standby", "active"])

    def test_a_failover_may_come_in_the_middle_of_a_poll(self):
        first, second = self.pair()
        first.tell(misbehave={"kind": "failover", "skip": 2})
        self.assertEqual([first.read("ltm/pool")[0] for _ in range(3)], [200, 200, 401])
        self.assertEqual(self.roles(second)["ltm-2.lab"], "active")

    def test_a_failover_to_a_dead_peer_is_reported(self):
        first, second = self.pair()
        second.process.terminate()
        second.process.wait(60)
        self.assertIn("does not answer", first.tell(failover=True)["error"])

    def test_roles_can_be_wrong_on_both_and_forced_on_one(self):
        first, second = self.pair()
        for role in ("active", "standby"):
            for unit in (first, second):
                unit.tell(role=role)
            until(lambda: set(self.roles(first).values()) == {role})
            until(lambda: set(self.roles(second).values()) == {role})
        first.tell(role="forced-offline")
        self.assertEqual(self.word(first, "cm/failover-status"), "FORCED OFFLINE")
        until(lambda: "forced-offline" in self.roles(second).values())

    def test_a_token_of_one_is_unknown_to_the_other(self):
        first, second = self.pair()
        second.token = first.token
        self.assertIn(b"does not exist", second.read("cm/device")[1])


class SyncTests(PairCase):
    def test_changes_reach_the_peer_after_the_lag_either_way(self):
        first, second = self.pair(sync={"lag": 0.05})
        first.tell(members={"spare-0": ["10.0.0.1:80"]})
        until(lambda: self.members(second) == ["10.0.0.1"])
        second.tell(routes=ROUTES)
        until(lambda: first.items("net/route")[0]["name"] == "other")
        for unit in (first, second):
            until(lambda: self.word(unit) == "In Sync")

    def test_by_hand_nothing_is_replicated_until_it_is_asked_for(self):
        first, second = self.pair(sync=None)
        first.tell(members={"spare-0": ["10.0.0.1:80"]})
        first.tell(routes=ROUTES)
        self.assertEqual(self.word(first), "Changes Pending")
        until(lambda: self.word(second) == "Changes Pending")
        self.assertEqual(self.members(second), [])
        self.assertTrue(first.tell(sync="now")["ok"])
        self.assertEqual((self.members(second), second.items("net/route")[0]["name"]),
                         (["10.0.0.1"], "other"))
        self.assertEqual((self.word(first), self.word(second)), ("In Sync", "In Sync"))

    def test_a_long_lag_is_seen_as_pending(self):
        first, second = self.pair(sync={"lag": 3600})
        first.tell(members={"spare-0": ["10.0.0.1:80"]})
        self.assertEqual((self.word(first), self.members(second)), ("Changes Pending", []))

    def test_what_a_dead_peer_missed_is_kept(self):
        first, second = self.pair(sync={"lag": 0})
        second.process.terminate()
        second.process.wait(60)
        first.tell(members={"spare-0": ["10.0.0.1:80"]})
        until(lambda: self.word(first) == "Disconnected")
        self.assertTrue(first.tell(state=True)["syncPending"])

    def test_the_status_can_be_anything(self):
        first, _ = self.pair()
        first.tell(syncStatus={"status": "Awaiting Initial Sync", "color": "blue"})
        self.assertEqual(first.fields("cm/sync-status")[0]["color"], "blue")
        first.tell(syncStatus=None)
        self.assertEqual(self.word(first), "In Sync")
        path = "cm/device-group/~Common~pair/stats"
        self.assertEqual(len(first.fields(path)), 2)
        self.assertEqual(first.get("/mgmt/tm/" + path)["kind"],
                         "tm:cm:device-group:device-groupstats")


class MonitorTests(PairCase):
    def test_one_units_members_may_all_be_down_there_alone(self):
        pod = Pod()
        self.addCleanup(pod.stop)
        first, second = self.pair([pod.text])
        status = "ltm/pool/~K8S~cfgmap_default_web_web/stats"
        second.tell(monitors="cut")
        until(lambda: second.fields(status)[0]["status.availabilityState"] == "offline")
        until(lambda: first.fields(status)[0]["status.availabilityState"] == "available")
        second.tell(monitors="normal")
        until(lambda: second.fields(status)[0]["status.availabilityState"] == "available")

    def test_a_unit_may_be_cut_off_from_the_start(self):
        pod = Pod()
        unit = Emulator(configuration([pod.text], blocked=True)).enter()
        self.addCleanup(unit.stop)
        self.addCleanup(pod.stop)
        until(lambda: unit.fields(POOL[len("/mgmt/tm/"):] + "/members/stats")[0]["monitorStatus"]
              == "down")


class FloatingTests(PairCase):
    def answer_there(self, port):
        """The status that the floating address answers; None when nobody does."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                with context.wrap_socket(plain) as wrapped:
                    wrapped.sendall(b"GET /mgmt/tm/cm/device HTTP/1.0\r\n"
                                    b"X-F5-Auth-Token: %s\r\n\r\n" % self.token.encode())
                    return wrapped.recv(12)[-3:]
        except OSError:
            return None

    def test_the_active_unit_answers_and_after_a_failover_the_other(self):
        first, second = self.pair(floating=True)
        port = until(lambda: re.search(r"floating on 127.0.0.1:(\d+)", first.printed()))
        port, self.token = int(port.group(1)), first.token
        until(lambda: self.answer_there(port) == b"200")
        first.tell(failover=True)
        until(lambda: self.answer_there(port) == b"401")
        self.token = second.token
        until(lambda: self.answer_there(port) == b"200")
        second.tell(role="standby")
        until(lambda: self.answer_there(port) is None)


class ChassisTests(UnitCase):
    settings = {"cluster": {"slots": [1, 2], "primary": 1}}

    def primaries(self):
        return [each["name"] for each in self.unit.items("sys/cluster")[0]["members"]
                if each["primary"] == "true"]

    def test_a_new_primary_blade_ends_connections_and_loses_tokens(self):
        self.assertEqual(self.primaries(), ["1"])
        kept = self.unit.connection()
        self.assertEqual(self.unit.ask("GET", POOL, connection=kept)[0], 200)
        self.tell(primary=2)
        self.assertRaises((OSError, http.client.HTTPException),
                          self.unit.ask, "GET", POOL, connection=kept)
        kept.close()
        self.assertEqual(self.unit.read("sys/cluster")[0], 502)
        self.assertEqual(self.unit.read("sys/cluster")[0], 401)
        self.unit.enter()
        self.assertEqual(self.primaries(), ["2"])

    def test_other_hardware_has_no_blades(self):
        unit = Emulator(configuration([])).enter()
        self.addCleanup(unit.stop)
        self.assertEqual(unit.items("sys/cluster"), [])


if __name__ == "__main__":
    unittest.main()
