# SPDX-License-Identifier: Apache-2.0
"""What the unit logs when something changes, and how it may reach the collector."""

import re
import socket
import unittest

from bigip_support import LONG_ENOUGH, Emulator, Pod, configuration, until

POOL = "cfgmap_default_web_web"


class Sink:
    """A syslog server that keeps what it gets."""

    def __init__(self, kind=socket.SOCK_DGRAM):
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(LONG_ENOUGH)
        self.socket.bind(("127.0.0.1", 0))
        self.to = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.lines = []

    def line(self, *parts):
        """Reads on until a line holds all of the parts."""
        while True:
            text = self.socket.recv(65535).decode()
            self.lines.append(text)
            if all(part in text for part in parts):
                return text

    def take(self, number):
        return [self.socket.recv(65535) for _ in range(number)]


class SyslogCase(unittest.TestCase):
    def begin(self, members=(), sink=None, **syslog):
        self.sink = sink or Sink()
        self.addCleanup(self.sink.socket.close)
        raw = dict(syslog, to=self.sink.to)
        self.unit = Emulator(configuration(list(members), syslog=raw))
        self.addCleanup(self.unit.stop)
        return self.unit

    def tell(self, **command):
        answer = self.unit.tell(**command)
        self.assertTrue(answer["ok"], answer)


class EventTests(SyslogCase):
    def test_a_pod_that_goes_and_returns_is_told_for_member_pool_and_virtual(self):
        pod = Pod()
        self.begin([pod.text])
        until(lambda: self.unit.tell(state=True)["pools"][POOL] == "available")
        pod.stop()
        member = "Pool /K8S/%s member /K8S/127.0.0.1%%0:%d" % (POOL, pod.port)
        line = self.sink.line("01070638:5: %s monitor status down." % member)
        self.assertRegex(line, r"^<133>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ltm-1\.lab notice "
                               r"mcpd\[\d+\]: 01070638:5: ")
        self.assertRegex(line, r"\[ /Common/http: down; last error: /Common/http: .+ "
                               r"@\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\. {2}\] {2}"
                               r"\[ was up for 0hr:0min:\d+sec \]$")
        self.assertRegex(self.sink.line("01010028:3"),
                         r"^<131>.* err tmm\[\d+\]: .*No members available for pool /K8S/")
        self.sink.line("01071682:5: SNMP_TRAP: Virtual /K8S/default_web has become unavailable")
        self.assertNotIn("monitor status up", "".join(self.sink.lines))
        again = Pod(pod.port)
        self.addCleanup(again.stop)
        line = self.sink.line("01070727:5: %s monitor status up." % member)
        self.assertRegex(line, r"\[ /Common/http: up \] {2}\[ was down for 0hr:0min:\d+sec \]$")
        self.sink.line("01010221:3: Pool /K8S/%s now has available members" % POOL)
        self.sink.line("01071681:5: SNMP_TRAP: Virtual /K8S/default_web has become available")

    def test_a_virtual_in_a_folder_is_told_by_its_full_path(self):
        pod, sink = Pod(), Sink()
        self.addCleanup(sink.socket.close)
        where = {"partition": "AS3", "subPath": "mail"}
        raw = configuration([], syslog={"to": sink.to})
        raw["pools"] = [dict(where, name="mail_pool", nameForm="as3", members=[pod.text])]
        raw["virtuals"] = [dict(where, name="mail_http", destination="10.50.0.14:80", pool="/AS3/mail/mail_pool")]
        unit = Emulator(raw)
        self.addCleanup(unit.stop)
        until(lambda: unit.tell(state=True)["pools"]["mail_pool"] == "available")
        pod.stop()
        sink.line("01010028:3: No members available for pool /AS3/mail/mail_pool")
        sink.line("01071682:5: SNMP_TRAP: Virtual /AS3/mail/mail_http has become unavailable")

    def test_the_first_up_is_told_when_it_is_asked_for(self):
        pod = Pod()
        self.addCleanup(pod.stop)
        self.begin([pod.text], firstUp=True)
        self.sink.line("monitor status up. [ /Common/http: up ]  [ was unchecked for 0hr:0min:")

    def test_sessions_nodes_and_roles_are_told(self):
        self.begin(["127.0.0.1:1"])
        member = {"member": "127.0.0.1:1", "pool": POOL}
        self.tell(session=dict(member, value="user-disabled"))
        self.sink.line("01070639:5", "session status forced disabled.")
        self.tell(session=dict(member, value="forced-offline"))
        self.sink.line("01070638:5", "monitor status forced down. [ /Common/http: up ]  [ was ")
        self.tell(session=dict(member, value="user-enabled"))
        self.sink.line("01070639:5", "session status enabled.")
        self.tell(node={"node": "127.0.0.1", "value": "down", "partition": "K8S"})
        self.sink.line("01070640:5: Node /K8S/127.0.0.1%0 address 127.0.0.1 monitor status down.")
        self.tell(node={"node": "127.0.0.1", "value": "up", "partition": "K8S"})
        self.sink.line("01070728:5")
        self.tell(role="standby")
        self.sink.line("sod[", "010c0018:5: Standby")
        self.tell(role="active")
        self.sink.line("010c006d:5: Leaving Standby for Active")
        self.sink.line("010c0053:5: Active for traffic group")
        self.sink.line("010c0019:5: Active")


class FormTests(SyslogCase):
    def form(self, **syslog):
        self.begin(**syslog)
        self.tell(role="standby")
        return self.sink.line("Standby")

    def test_without_priority(self):
        self.assertRegex(self.form(form="bsd-no-pri"), r"^[A-Z][a-z]{2} [ \d]\d .* ltm-1\.lab")

    def test_the_newer_form(self):
        self.assertRegex(self.form(form="rfc5424"),
                         r"^<133>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                         r"ltm-1\.lab sod \d+ - - 010c")

    def test_a_slot_and_milliseconds(self):
        self.assertRegex(self.form(slot=2, milliseconds=True),
                         r"^<133>\S+ [ \d]\d \d\d:\d\d:\d\d\.\d{3} slot2/ltm-1\.lab ")

    def test_a_clock_near_the_end_of_the_year(self):
        self.begin()
        self.tell(clock=-86400 * 40)
        self.tell(role="standby")
        old = self.sink.line("Standby")
        self.tell(clock=0)
        self.tell(role="active")
        self.assertNotEqual(re.match(r"<133>(\w+ +\d+)", old).group(1),
                            re.match(r"<133>(\w+ +\d+)", self.sink.line("Active")).group(1))

    def test_a_stream(self):
        sink = Sink(socket.SOCK_STREAM)
        sink.socket.listen()
        self.begin(sink=sink, transport="tcp")
        self.tell(syslog={"lines": ["one", "two"]})
        with sink.socket.accept()[0] as stream, stream.makefile("rb") as lines:
            stream.settimeout(LONG_ENOUGH)
            self.assertEqual([lines.readline(), lines.readline()], [b"one\n", b"two\n"])


class TreatmentTests(SyslogCase):
    lines = ["line %02d " % number + "x" * 50 for number in range(20)]

    def test_given_lines_are_sent_as_they_are(self):
        self.begin()
        self.tell(syslog={"lines": self.lines})
        self.assertEqual([line.decode() for line in self.sink.take(20)], self.lines)

    def test_twice_shuffled_short_and_late(self):
        self.begin()
        self.tell(syslog={"lines": self.lines, "duplicate": True, "shuffle": True, "truncate": 7,
                          "delay": 0.05})
        got = [line.decode() for line in self.sink.take(40)]
        self.assertEqual(sorted(got), sorted([line[:7] for line in self.lines] * 2))
        self.assertNotEqual(got, sorted(got))

    def test_own_lines_are_treated_until_further_notice(self):
        self.begin()
        self.tell(syslog={"duplicate": True, "truncate": 30})
        self.tell(role="standby")
        first, second = self.sink.take(2)
        self.assertEqual((first, len(first)), (second, 30))
        self.tell(syslog={"drop": True})
        self.tell(role="active")
        self.tell(syslog=None)
        self.tell(role="standby")
        self.assertIn(b"Standby", self.sink.take(1)[0])

    def test_elsewhere_and_nowhere(self):
        unit = Emulator(configuration([]))
        self.addCleanup(unit.stop)
        sink = Sink()
        self.addCleanup(sink.socket.close)
        self.assertFalse(unit.tell(syslog={"lines": ["x"]})["ok"])
        self.assertTrue(unit.tell(syslog={"lines": ["x"], "to": sink.to})["ok"])
        self.assertEqual(sink.take(1), [b"x"])


if __name__ == "__main__":
    unittest.main()
