# SPDX-License-Identifier: Apache-2.0
"""Tests of the Kubernetes API server's emulator: the real program over HTTPS, a certificate from openssl.

    python3 Tests/Emulators/test_kubernetes.py
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import urlencode

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "never-print-this-5c1e"
LONG_ENOUGH = 30
NODES, SERVICES, CONFIGMAPS = "/api/v1/nodes", "/api/v1/services", "/api/v1/configmaps"
SLICES, BETA_SLICES = (f"/apis/discovery.k8s.io/{version}/endpointslices" for version in ("v1", "v1beta1"))
CILIUM_NODES, BLOCKS = "/apis/cilium.io/v2/ciliumnodes", "/apis/crd.projectcalico.org/v1/blockaffinities"
DEPLOYMENTS, DAEMON_SETS = "/apis/apps/v1/deployments", "/apis/apps/v1/daemonsets"
VIRTUAL_SERVERS, TRANSPORT_SERVERS = "/apis/cis.f5.com/v1/virtualservers", "/apis/cis.f5.com/v1/transportservers"
SYSTEM_MAPS = "/api/v1/namespaces/kube-system/configmaps"
SYSTEM_DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"


def until(question):
    """Polls until the question is answered with something true."""
    end = time.monotonic() + LONG_ENOUGH
    while not (answer := question()):
        if time.monotonic() > end:
            raise AssertionError(f"still not so after {LONG_ENOUGH} s")
        time.sleep(0.02)
    return answer


def node(name, cidr="10.16.0.0/24", **labels):
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}, "spec": {"podCIDR": cidr}}


def config_map(name, namespace="default", **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def named(kind, name, namespace=None, **rest):
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}


def endpoint_slice(name="web-1"):
    return {"kind": "EndpointSlice", "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": ["10.16.0.5"], "conditions": {"ready": True}, "nodeName": "n1", "zone": "a"},
                          {"addresses": ["10.16.0.6"]}]}


class WatchStream:
    """An open watch: its events, one a line."""

    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def line(self):
        return self.response.readline()

    def event(self, type_="other than BOOKMARK"):
        """(type, object) of the next event of that type; bookmarks are passed over unless they are wanted."""
        while line := self.line():
            event = json.loads(line)
            if event["type"] == type_ or event["type"] != "BOOKMARK":
                return event["type"], event["object"]
        raise AssertionError("the watch ended")

    def events(self, count):
        return [(type_, thing["metadata"]["name"]) for type_, thing in (self.event() for _ in range(count))]

    def rest(self):
        """Everything until it ends; an exception if it ends abruptly."""
        return self.response.read()

    def close(self):
        self.response.close()
        self.connection.close()


class Emulator:
    """The program under test, its control socket, and a client."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kubernetes-"))
        self.certificate, self.key = self.folder / "c.pem", self.folder / "k.pem"
        self.make_certificate()
        self.token_file = self.folder / "token"
        self.token_file.write_text(TOKEN + "\n")
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(self.command() + list(options), stdout=self.log, stderr=self.log)
        self.port = until(self.listening)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(str(self.folder / "control"))
        self.replies = self.control.makefile("rb")
        self.context = ssl.create_default_context(cafile=self.certificate)
        self.watches = []

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=api.lab", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)

    def command(self):
        return [sys.executable, "-B", os.path.join(HERE, "kubernetes.py"), "--listen", "127.0.0.1:0",
                "--certificate", self.certificate, "--key", self.key, "--token-file", self.token_file,
                "--control", self.folder / "control"]

    def printed(self):
        return (self.folder / "log").read_text()

    def listening(self):
        if self.process.poll() is not None:
            raise AssertionError("the emulator ended: " + self.printed())
        match = re.search(r"kubernetes: listening on 127\.0\.0\.1:(\d+)", self.printed())
        return int(match.group(1)) if match else None

    def tell(self, **command):
        self.control.sendall(json.dumps(command).encode() + b"\n")
        return json.loads(self.replies.readline())

    def connection(self, timeout=LONG_ENOUGH):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=timeout)

    def ask(self, path, method="GET", token=TOKEN, connection=None, body=None, **query):
        """The response, of which the body is still to be read."""
        connection = connection or self.connection()
        connection.request(method, path + "?" + urlencode(query), body=body and json.dumps(body),
                           headers={"Authorization": f"Bearer {token}"})
        return connection, connection.getresponse()

    def get(self, path, method="GET", token=TOKEN, **query):
        """(status, body)"""
        connection, response = self.ask(path, method, token, **query)
        body = response.read()
        connection.close()
        return response.status, json.loads(body)

    def list(self, path, **query):
        status, body = self.get(path, **query)
        assert status == 200, (status, body)
        return body

    def watch(self, path, **query):
        connection, response = self.ask(path, watch="1", **query)
        assert response.status == 200, (response.status, response.read())
        self.watches.append(WatchStream(connection, response))
        return self.watches[-1]

    def close_watches(self):
        while self.watches:
            self.watches.pop().close()

    def stop(self):
        self.close_watches()
        self.replies.close()
        self.control.close()
        self.process.terminate()
        self.process.wait(LONG_ENOUGH)
        self.log.close()
        shutil.rmtree(self.folder)


def names(body):
    return [item["metadata"]["name"] for item in body["items"]]


class EmulatorCase(unittest.TestCase):
    """One emulator for the tests of a class; each begins with it healed and empty."""
    minor = "19"

    @classmethod
    def setUpClass(cls):
        cls.api = Emulator("--minor", cls.minor)
        cls.addClassCleanup(cls.api.stop)

    def setUp(self):
        self.tell(faults={})
        self.tell(bookmark=2)
        self.tell(compact=True)
        self.empty()
        self.addCleanup(self.api.close_watches)

    def empty(self):
        for kind, path in (("Node", NODES), ("ConfigMap", CONFIGMAPS), ("Service", SERVICES),
                           ("Deployment", DEPLOYMENTS), ("DaemonSet", DAEMON_SETS)):
            self.tell(delete=[{"kind": kind, "name": item["metadata"]["name"],
                               "namespace": item["metadata"].get("namespace")} for item in self.api.list(path)["items"]])

    def tell(self, **command):
        reply = self.api.tell(**command)
        self.assertTrue(reply["ok"], reply)
        return reply

    def put(self, *things):
        self.tell(put=list(things))

    def delete(self, kind, name, namespace=None):
        self.tell(delete=[{"kind": kind, "namespace": namespace, "name": name}])

    def version(self):
        return str(self.tell(state=True)["resourceVersion"])

    def assert_status(self, answer, code, reason):
        status, body = answer
        self.assertEqual((status, body["kind"], body["apiVersion"], body["status"], body["code"], body["reason"]),
                         (code, "Status", "v1", "Failure", code, reason))
        self.assertTrue(body["message"])


class ListTests(EmulatorCase):
    def test_a_list_has_its_kind_its_version_and_its_items_in_order(self):
        self.assertEqual(self.api.list(CONFIGMAPS)["items"], [])
        self.put(config_map("b", "x"), config_map("a", "x"), config_map("c", "default"), config_map("d", "x-y"))
        body = self.api.list(CONFIGMAPS)
        self.assertEqual((body["kind"], body["apiVersion"]), ("ConfigMapList", "v1"))
        self.assertEqual(body["metadata"], {"resourceVersion": self.version()})
        # As etcd orders its keys: "x-y/d" is before "x/a".
        self.assertEqual(names(body), ["c", "d", "a", "b"])

    def test_every_object_has_identity_version_and_age(self):
        self.put(node("n1"), {**node("n2"), "metadata": {"name": "n2", "creationTimestamp": "2024-05-06T07:08:09Z"}})
        first, second = self.api.list(NODES)["items"]
        self.assertEqual(first["metadata"]["creationTimestamp"], "2020-01-01T00:00:00Z")
        self.assertEqual(second["metadata"]["creationTimestamp"], "2024-05-06T07:08:09Z")
        self.assertEqual(int(second["metadata"]["resourceVersion"]), int(first["metadata"]["resourceVersion"]) + 1)
        self.assertNotEqual(first["metadata"]["uid"], second["metadata"]["uid"])
        # As of built-in kinds; the list says what they are.
        self.assertNotIn("kind", first)
        self.put(node("n1", "10.16.9.0/24"))
        again = self.api.list(NODES)["items"][0]
        self.assertEqual(again["metadata"]["uid"], first["metadata"]["uid"])
        self.delete("Node", "n1")
        self.put(node("n1"))
        self.assertNotEqual(self.api.list(NODES)["items"][0]["metadata"]["uid"], first["metadata"]["uid"])

    def test_pages_together_are_the_list_as_it_was_at_the_first(self):
        self.put(*(node(f"n{number}") for number in range(7)))
        version = self.version()
        page = self.api.list(NODES, limit=3)
        self.assertEqual(page["metadata"]["remainingItemCount"], 4)
        found, versions = names(page), {page["metadata"]["resourceVersion"]}
        self.delete("Node", "n5")
        self.put(node("n3-and-a-half"))
        while token := page["metadata"].get("continue"):
            page = self.api.list(NODES, limit=3, **{"continue": token})
            found += names(page)
            versions.add(page["metadata"]["resourceVersion"])
        self.assertEqual(found, [f"n{number}" for number in range(7)])
        self.assertEqual(versions, {version})
        self.assertEqual(names(self.api.list(NODES, limit=9)), ["n0", "n1", "n2", "n3", "n3-and-a-half", "n4", "n6"])

    def test_a_page_of_what_is_selected_does_not_know_how_many_remain(self):
        self.put(*(config_map(f"c{number}", f5type="virtual-server" if number % 2 else "none") for number in range(8)))
        query = {"limit": 2, "labelSelector": "f5type=virtual-server"}
        page = self.api.list(CONFIGMAPS, **query)
        self.assertNotIn("remainingItemCount", page["metadata"])
        rest = self.api.list(CONFIGMAPS, **query, **{"continue": page["metadata"]["continue"]})
        self.assertEqual(names(page) + names(rest), ["c1", "c3", "c5", "c7"])

    def test_a_continue_token_expires_when_history_is_forgotten_and_one_that_is_none_is_refused(self):
        self.put(node("n1"), node("n2"))
        token = self.api.list(NODES, limit=1)["metadata"]["continue"]
        self.tell(compact=True)
        self.assert_status(self.api.get(NODES, limit=1, **{"continue": token}), 410, "Expired")
        self.assert_status(self.api.get(NODES, limit=1, **{"continue": "no-token"}), 400, "BadRequest")

    def test_labels_select(self):
        self.put(node("n1", zone="a", tier="x"), node("n2", zone="a"), node("n3"))
        for selector, expected in (("zone=a", ["n1", "n2"]), ("zone=a,tier=x", ["n1"]), ("zone=b", []),
                                   ("", ["n1", "n2", "n3"])):
            self.assertEqual(names(self.api.list(NODES, labelSelector=selector)), expected)
        self.assert_status(self.api.get(NODES, labelSelector="zone in (a)"), 400, "BadRequest")

    def test_long_lists_are_chunked_as_gos_server_does_it(self):
        for count, header in ((1, "Content-Length"), (50, "Transfer-Encoding")):
            self.put(*(node(f"n{number}") for number in range(count)))
            connection, response = self.api.ask(NODES)
            self.assertIsNotNone(response.getheader(header))
            self.assertEqual(len(json.loads(response.read())["items"]), count)
            connection.close()

    def test_beta_slices_have_the_node_in_their_topology(self):
        self.put(endpoint_slice())
        body = self.api.list(BETA_SLICES)
        self.assertEqual((body["kind"], body["apiVersion"]), ("EndpointSliceList", "discovery.k8s.io/v1beta1"))
        first, second = body["items"][0]["endpoints"]
        topology = {"kubernetes.io/hostname": "n1", "topology.kubernetes.io/zone": "a"}
        self.assertEqual(first, {"addresses": ["10.16.0.5"], "conditions": {"ready": True}, "topology": topology})
        self.assertEqual(second, {"addresses": ["10.16.0.6"]})
        type_, thing = self.api.watch(BETA_SLICES).event()
        self.assertEqual((type_, thing["apiVersion"], thing["endpoints"][0]["topology"]),
                         ("ADDED", "discovery.k8s.io/v1beta1", topology))

    def test_what_the_server_does_not_have_is_not_found(self):
        for path in (SLICES, CILIUM_NODES, BLOCKS, VIRTUAL_SERVERS, TRANSPORT_SERVERS, "/api/v1/secrets", "/",
                     "/api/v1/namespaces", "/api/v1/namespaces/default", "/api/v1/namespaces/default/secrets",
                     "/api/v1/namespaces/default/nodes", "/api/v1/namespaces/default/nodes/n1",
                     "/api/v1/configmaps/c", "/api/v1/namespaces/default/configmaps/c/status"):
            self.assert_status(self.api.get(path), 404, "NotFound")

    def test_custom_resources_are_there_once_they_are_offered(self):
        api = Emulator()
        self.addCleanup(api.stop)
        self.assertEqual(api.get(BLOCKS)[0], 404)
        self.assertTrue(api.tell(offer=["blockaffinities"])["ok"])
        self.assertTrue(api.tell(put=[{"kind": "BlockAffinity", "metadata": {"name": "n1-a"},
                                       "spec": {"cidr": "10.16.0.0/26", "node": "n1"}}])["ok"])
        item, = api.list(BLOCKS)["items"]
        self.assertEqual((item["kind"], item["apiVersion"], item["spec"]["node"]),
                         ("BlockAffinity", "crd.projectcalico.org/v1", "n1"))
        self.assertEqual(api.get(CILIUM_NODES)[0], 404)

    def test_custom_resources_of_the_f5_controller_are_namespaced(self):
        api = Emulator()
        self.addCleanup(api.stop)
        self.assertTrue(api.tell(offer=["virtualservers", "transportservers"])["ok"])
        self.assertTrue(api.tell(put=[named("VirtualServer", "cart", "shop", spec={"host": "cart.lab"}),
                                      named("TransportServer", "mail")])["ok"])
        item, = api.list(VIRTUAL_SERVERS)["items"]
        self.assertEqual((item["kind"], item["apiVersion"], item["metadata"]["namespace"], item["spec"]["host"]),
                         ("VirtualServer", "cis.f5.com/v1", "shop", "cart.lab"))
        self.assertEqual(names(api.list("/apis/cis.f5.com/v1/namespaces/default/transportservers")), ["mail"])
        self.assert_status(api.get("/apis/cis.f5.com/v1/namespaces/default/virtualservers/cart"), 404, "NotFound")
        self.assertEqual(api.get("/apis/cis.f5.com/v1/namespaces/shop/virtualservers/cart"), (200, item))

    def test_workloads_are_listed(self):
        self.put(named("Deployment", "ctlr", "kube-system", spec={"replicas": 1}), named("DaemonSet", "cilium"))
        body = self.api.list(DEPLOYMENTS)
        self.assertEqual((body["kind"], body["apiVersion"], names(body)), ("DeploymentList", "apps/v1", ["ctlr"]))
        self.assertEqual(body["items"][0]["spec"], {"replicas": 1})
        body = self.api.list(DAEMON_SETS)
        self.assertEqual((body["kind"], body["apiVersion"], names(body)), ("DaemonSetList", "apps/v1", ["cilium"]))

    def test_fields_select(self):
        self.put(config_map("a", "x"), config_map("b", "x"), config_map("a", "y"), config_map("b", "y", f5type="z"))
        for selector, expected in (("metadata.name=a", ["x/a", "y/a"]), ("metadata.namespace==x", ["x/a", "x/b"]),
                                   ("metadata.name=b,metadata.namespace=y", ["y/b"]), ("metadata.name=c", [])):
            self.assertEqual(self.keys(CONFIGMAPS, fieldSelector=selector), expected)
        self.assertEqual(self.keys(CONFIGMAPS, fieldSelector="metadata.name=b", labelSelector="f5type=z"), ["y/b"])

    def keys(self, path, **query):
        return ["{namespace}/{name}".format(**item["metadata"]) for item in self.api.list(path, **query)["items"]]

    def test_other_fields_do_not_select(self):
        for path, field in ((CONFIGMAPS, "data.a"), (DEPLOYMENTS, "spec.replicas"), (NODES, "metadata.namespace")):
            answer = self.api.get(path, fieldSelector=f"{field}=b")
            self.assert_status(answer, 400, "BadRequest")
            self.assertEqual(answer[1]["message"], f"field label not supported: {field}")
            self.assertEqual(self.api.get(path, watch="1", fieldSelector=f"{field}=b"), answer)
        for selector in ("metadata.name", "metadata.name!=a"):
            self.assert_status(self.api.get(CONFIGMAPS, fieldSelector=selector), 400, "BadRequest")

    def test_a_namespace_has_lists_of_its_own(self):
        self.put(*(config_map(f"c{number}", namespace)
                   for namespace in ("kube", "kube-system", "z") for number in range(3)))
        self.assertEqual(self.keys(SYSTEM_MAPS), [f"kube-system/c{number}" for number in range(3)])
        self.assertEqual(self.keys(SYSTEM_MAPS, fieldSelector="metadata.name=c1"), ["kube-system/c1"])
        self.assertEqual(self.keys(SYSTEM_MAPS, fieldSelector="metadata.namespace=kube"), [])
        self.assertEqual(self.keys("/api/v1/namespaces/unheard-of/configmaps"), [])
        page = self.api.list(SYSTEM_MAPS, limit=1)
        self.assertEqual((names(page), page["metadata"]["remainingItemCount"]), (["c0"], 2))
        self.put(config_map("c1a", "kube-system"))
        rest = self.api.list(SYSTEM_MAPS, limit=9, **{"continue": page["metadata"]["continue"]})
        self.assertEqual((names(rest), "continue" in rest["metadata"]), (["c1", "c2"], False))

    def test_a_page_of_selected_fields_does_not_know_how_many_remain(self):
        self.put(*(config_map("c", f"n{number}") for number in range(3)))
        page = self.api.list(CONFIGMAPS, limit=1, fieldSelector="metadata.name=c")
        self.assertIn("continue", page["metadata"])
        self.assertNotIn("remainingItemCount", page["metadata"])

    def test_one_object_is_as_the_lists_have_it(self):
        self.put(config_map("c", "kube-system"), node("n1"), named("Deployment", "ctlr", "kube-system", spec={}))
        item, = self.api.list(CONFIGMAPS)["items"]
        self.assertEqual(self.api.get(SYSTEM_MAPS + "/c"), (200, {"kind": "ConfigMap", "apiVersion": "v1", **item}))
        self.assertEqual(self.api.get(NODES + "/n1")[1]["kind"], "Node")
        status, body = self.api.get(SYSTEM_DEPLOYMENTS + "/ctlr")
        self.assertEqual((status, body["kind"], body["apiVersion"]), (200, "Deployment", "apps/v1"))
        self.put(endpoint_slice())
        body = self.api.list("/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices/web-1")
        self.assertEqual(body["endpoints"][0]["topology"]["kubernetes.io/hostname"], "n1")

    def test_one_object_that_is_not_there_is_named(self):
        self.put(config_map("c", "default"))
        for path, message, details in (
                (SYSTEM_MAPS + "/c", 'configmaps "c" not found', {"name": "c", "kind": "configmaps"}),
                (NODES + "/n1", 'nodes "n1" not found', {"name": "n1", "kind": "nodes"}),
                (SYSTEM_DEPLOYMENTS + "/x", 'deployments.apps "x" not found',
                 {"name": "x", "group": "apps", "kind": "deployments"})):
            answer = self.api.get(path)
            self.assert_status(answer, 404, "NotFound")
            self.assertEqual((answer[1]["message"], answer[1]["details"]), (message, details))


class WatchTests(EmulatorCase):
    def test_events_from_a_version_on_come_as_they_happened_and_go_on_live(self):
        self.put(node("n1"), node("n2"))
        version = self.version()
        self.put(node("n1", "10.16.9.0/24"))
        self.delete("Node", "n2")
        watch = self.api.watch(NODES, resourceVersion=version)
        type_, thing = watch.event()
        self.assertEqual((type_, thing["kind"], thing["apiVersion"], thing["spec"]["podCIDR"]),
                         ("MODIFIED", "Node", "v1", "10.16.9.0/24"))
        type_, thing = watch.event()
        self.assertEqual((type_, thing["spec"]["podCIDR"]), ("DELETED", "10.16.0.0/24"))
        self.assertEqual(thing["metadata"]["resourceVersion"], self.version())
        self.put(node("n3"))
        self.assertEqual(watch.events(1), [("ADDED", "n3")])

    def test_what_changes_nothing_is_no_event(self):
        self.put(node("n1"))
        version = self.version()
        watch = self.api.watch(NODES, resourceVersion=version)
        thing = node("n1")
        thing["metadata"]["resourceVersion"] = "5"
        self.put(thing, node("n1"))
        self.assertEqual(self.version(), version)
        self.put(node("n2"))
        self.assertEqual(watch.events(1), [("ADDED", "n2")])

    def test_a_watch_without_a_version_begins_with_everything(self):
        self.put(node("n2"), node("n1"))
        for query in ({}, {"resourceVersion": "0"},
                      {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}):
            watch = self.api.watch(NODES, allowWatchBookmarks="true", **query)
            self.assertEqual(watch.events(2), [("ADDED", "n1"), ("ADDED", "n2")])
            self.put(node("n3"))
            self.assertEqual(watch.events(1), [("ADDED", "n3")])
            self.delete("Node", "n3")

    def test_bookmarks_come_where_they_are_allowed_and_tell_the_version(self):
        self.tell(bookmark=0.1)
        self.put(node("n1"))
        version = self.version()
        silent = self.api.watch(NODES, resourceVersion=version, timeoutSeconds=1)
        watch = self.api.watch(NODES, resourceVersion=version, allowWatchBookmarks="true")
        for _ in range(2):
            self.assertEqual(watch.event("BOOKMARK"), ("BOOKMARK", {
                "kind": "Node", "apiVersion": "v1", "metadata": {"resourceVersion": version, "creationTimestamp": None},
                "spec": {}, "status": {}}))
        self.put(config_map("c"))
        until(lambda: watch.event("BOOKMARK")[1]["metadata"]["resourceVersion"] == self.version())
        self.assertEqual(silent.rest(), b"")

    def test_a_selected_object_comes_and_goes_by_its_labels(self):
        self.put(config_map("a", f5type="virtual-server"), config_map("b"))
        watch = self.api.watch(CONFIGMAPS, resourceVersion=self.version(), labelSelector="f5type=virtual-server")
        self.put(config_map("b", f5type="virtual-server"), config_map("a"), config_map("c"))
        self.put(config_map("b", f5type="virtual-server", more="x"))
        self.delete("ConfigMap", "b", "default")
        events = [watch.event() for _ in range(4)]
        self.assertEqual([(type_, thing["metadata"]["name"]) for type_, thing in events],
                         [("ADDED", "b"), ("DELETED", "a"), ("MODIFIED", "b"), ("DELETED", "b")])
        # Told as it was when it still matched, at the version at which it ceased to.
        self.assertEqual(events[1][1]["metadata"]["labels"], {"f5type": "virtual-server"})
        self.assertGreater(int(events[1][1]["metadata"]["resourceVersion"]),
                           int(events[0][1]["metadata"]["resourceVersion"]))

    def test_bookmarks_of_workloads_are_as_hollow_as_go_writes_them(self):
        self.tell(bookmark=0.1)
        template = {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}}
        numbers = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
        none = dict.fromkeys(numbers, 0)
        for path, strategy, status in ((DEPLOYMENTS, "strategy", {}), (DAEMON_SETS, "updateStrategy", none)):
            watch = self.api.watch(path, resourceVersion=self.version(), allowWatchBookmarks="true")
            thing = watch.event("BOOKMARK")[1]
            self.assertEqual((thing["spec"], thing["status"]),
                             ({"selector": None, "template": template, strategy: {}}, status))

    def test_one_object_is_watched_by_its_fields(self):
        self.put(config_map("c", "kube-system"), config_map("c", "default"))
        fields = "metadata.name=c,metadata.namespace=kube-system"
        watch = self.api.watch(CONFIGMAPS, fieldSelector=fields)
        self.assertEqual(watch.event()[1]["metadata"]["namespace"], "kube-system")
        self.put(config_map("c", "default", a="b"), config_map("d", "kube-system"))
        self.put(config_map("c", "kube-system", a="b"))
        self.delete("ConfigMap", "c", "kube-system")
        self.assertEqual(watch.events(2), [("MODIFIED", "c"), ("DELETED", "c")])

    def test_a_namespace_is_watched_by_its_path(self):
        self.put(named("Deployment", "a", "default"), named("Deployment", "b", "kube-system"))
        watch = self.api.watch(SYSTEM_DEPLOYMENTS)
        self.put(named("Deployment", "c", "default"), named("Deployment", "d", "kube-system"))
        self.assertEqual(watch.events(2), [("ADDED", "b"), ("ADDED", "d")])

    def test_a_watch_ends_in_time_and_its_connection_serves_on(self):
        connection, response = self.api.ask(NODES, watch="true", resourceVersion=self.version(), timeoutSeconds="1")
        began = time.monotonic()
        self.assertEqual(response.read(), b"")
        self.assertGreater(time.monotonic() - began, 0.5)
        self.assertEqual(self.api.ask(NODES, connection=connection)[1].status, 200)
        connection.close()

    def assert_expired(self, line):
        event = json.loads(line)
        self.assertEqual(event["type"], "ERROR")
        self.assert_status((410, event["object"]), 410, "Expired")

    def test_a_version_before_the_kept_history_is_an_error_in_the_watch(self):
        self.put(node("n1"))
        first = self.version()
        self.put(*(node("n1", f"10.{number % 250}.{number // 250}.0/24") for number in range(1_000)))
        watch = self.api.watch(NODES, resourceVersion=first)
        self.assertEqual(watch.events(1_000), [("MODIFIED", "n1")] * 1_000)
        self.put(node("n2"))
        self.assert_expired(self.api.watch(NODES, resourceVersion=first).rest())
        self.assert_expired(self.api.watch(NODES, resourceVersion="1").rest())
        # Each kind has a history of its own.
        self.assertEqual(self.api.watch(SERVICES, resourceVersion=first, timeoutSeconds=1).rest(), b"")

    def test_many_changes_at_once_reach_an_open_watch(self):
        watch = self.api.watch(NODES, resourceVersion=self.version())
        self.put(*(node(f"n{number:04}") for number in range(3_000)))
        self.assertEqual(watch.events(3_000)[-1], ("ADDED", "n2999"))

    def test_compaction_ends_the_open_watches_and_what_was_told_before(self):
        version = self.version()
        watches = [self.api.watch(path, resourceVersion=version) for path in (NODES, SERVICES)]
        self.tell(compact=True)
        for watch in watches:
            self.assert_expired(watch.rest())
        self.assert_expired(self.api.watch(NODES, resourceVersion=version).rest())
        version = self.api.list(NODES)["metadata"]["resourceVersion"]
        self.assertEqual(self.api.watch(NODES, resourceVersion=version, timeoutSeconds=1).rest(), b"")

    def test_a_version_of_the_future_is_waited_for(self):
        version = int(self.version())
        watch = self.api.watch(NODES, resourceVersion=version + 2)
        self.put(node("n1"), node("n2"), node("n3"))
        self.assertEqual(watch.events(1), [("ADDED", "n3")])

    def test_dropped_watches_end_without_their_last_chunk(self):
        watch = self.api.watch(NODES, resourceVersion=self.version())
        self.tell(drop=True)
        self.assertRaises((http.client.IncompleteRead, OSError), watch.rest)

    def test_versions_that_are_no_numbers_are_refused(self):
        self.assert_status(self.api.get(NODES, watch="1", resourceVersion="abc"), 400, "BadRequest")


class LatestTests(EmulatorCase):
    minor = "32"

    def test_it_says_its_version(self):
        self.assertEqual(self.api.get("/version"), (200, {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}))

    def test_slices_are_of_v1_only(self):
        self.put(endpoint_slice())
        item, = self.api.list(SLICES)["items"]
        self.assertEqual(item["endpoints"][0]["nodeName"], "n1")
        self.assertEqual(self.api.get(BETA_SLICES)[0], 404)

    def test_a_streamed_list_has_a_marked_end_and_goes_on_as_a_watch(self):
        self.put(node("n2"), node("n1", zone="a"))
        version = self.version()
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        watch = self.api.watch(NODES, **query)
        self.assertEqual(watch.events(2), [("ADDED", "n1"), ("ADDED", "n2")])
        metadata = watch.event("BOOKMARK")[1]["metadata"]
        self.assertEqual((metadata["resourceVersion"], metadata["annotations"]),
                         (version, {"k8s.io/initial-events-end": "true"}))
        self.put(node("n3"))
        self.assertEqual(watch.events(1), [("ADDED", "n3")])
        selected = self.api.watch(NODES, labelSelector="zone=a", **query)
        self.assertEqual(selected.events(1), [("ADDED", "n1")])
        self.assertIn("annotations", selected.event("BOOKMARK")[1]["metadata"])
        self.assertNotIn("annotations", watch.event("BOOKMARK")[1]["metadata"])

    def test_a_streamed_list_has_its_conditions(self):
        self.assert_status(self.api.get(NODES, watch="1", sendInitialEvents="true"), 422, "Invalid")
        query = {"watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        self.assert_status(self.api.get(NODES, resourceVersion=int(self.version()) + 9, **query), 504, "Timeout")
        self.tell(faults={"unstreamed": True})
        self.assert_status(self.api.get(NODES, **query), 422, "Invalid")

    def test_slices_in_between_are_of_both_versions(self):
        api = Emulator("--minor", "22")
        self.addCleanup(api.stop)
        api.tell(put=[endpoint_slice()])
        self.assertEqual([len(api.list(path)["items"]) for path in (SLICES, BETA_SLICES)], [1, 1])
        ancient = Emulator("--minor", "16")
        self.addCleanup(ancient.stop)
        self.assertEqual([ancient.get(path)[0] for path in (SLICES, BETA_SLICES, "/api/v1/endpoints")], [404, 404, 200])


class AccessTests(EmulatorCase):
    def test_only_the_token_of_the_file_opens(self):
        for path in (NODES, "/version", "/nothing"):
            self.assert_status(self.api.get(path, token="wrong"), 401, "Unauthorized")
        before = self.tell(counts=True)["refused"]
        self.api.token_file.write_text("another")
        self.assertEqual(self.api.get(NODES)[0], 401)
        self.assertEqual(self.api.get(NODES, token="another")[0], 200)
        self.api.token_file.write_text("")
        self.assertEqual(self.api.get(NODES, token="")[0], 401)
        self.api.token_file.write_text(TOKEN + "\n")
        self.assertEqual(self.tell(counts=True)["refused"], before + 2)
        self.assertNotIn(TOKEN, self.api.printed())

    def test_it_is_ready(self):
        connection, response = self.api.ask("/readyz")
        self.assertEqual((response.status, response.read()), (200, b"ok"))
        connection.close()

    def test_nothing_can_be_written(self):
        before = self.tell(counts=True)["writes"]
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
            self.assert_status(self.api.get(NODES, method), 405, "MethodNotAllowed")
        connection, response = self.api.ask(NODES, "HEAD")
        self.assertEqual((response.status, response.read()), (405, b""))
        connection.close()
        self.assertEqual(self.tell(counts=True)["writes"], before + 7)

    def test_counts_and_state(self):
        before = self.tell(counts=True)
        self.put(node("n1"), config_map("c"))
        self.api.list(NODES)
        self.api.get(CILIUM_NODES)
        watch = self.api.watch(NODES)
        after = self.tell(counts=True)
        asked = [after["lists"][path] - before["lists"][path] for path in (NODES, CILIUM_NODES, SERVICES)]
        self.assertEqual(asked, [1, 1, 0])
        self.assertEqual(after["watches"][NODES] - before["watches"][NODES], 1)
        self.assertEqual(after["open"], 1)
        watch.close()
        until(lambda: self.tell(counts=True)["open"] == 0)
        for path in (SYSTEM_MAPS, SYSTEM_MAPS + "/c"):
            self.api.get(path)
        after = self.tell(counts=True)
        self.assertEqual((after["lists"][SYSTEM_MAPS], after["gets"][SYSTEM_MAPS + "/c"]), (1, 1))
        objects = self.tell(state=True)["objects"]
        self.assertEqual((objects["Node"], objects["ConfigMap"], objects["BlockAffinity"]), (1, 1, 0))

    def test_a_command_that_is_not_understood_changes_nothing(self):
        version = self.version()
        for command in ({"put": [node("n1"), {"kind": "Secret", "metadata": {"name": "p"}}]}, {"put": [{"kind": "Node"}]},
                        {"put": [node("n1"), {"kind": "Node", "metadata": {}}]}, {"put": "n1"}, {"what": 1}, {},
                        {"put": [node("n1"), {"kind": "Node", "metadata": {"name": "n2", "labels": "x"}}]},
                        {"delete": [{"kind": "Node", "name": "n1"}]}, {"offer": ["pods"]}, {"bookmark": 0},
                        {"faults": {"dance": True}}, {"faults": {"status": 418}}, {"faults": {"cut": 2}}, {"faults": 1}):
            with self.subTest(command):
                reply = self.api.tell(**command)
                self.assertFalse(reply["ok"])
                self.assertTrue(reply["error"])
        self.assertEqual(self.version(), version)

    def test_what_is_no_http_is_refused_as_a_status(self):
        plain = socket.create_connection(("127.0.0.1", self.api.port))
        with self.api.context.wrap_socket(plain, server_hostname="127.0.0.1") as raw:
            raw.sendall(b"GET / HTTP/3.0 x\r\n\r\n")
            response = http.client.HTTPResponse(raw)
            response.begin()
            self.assert_status((response.status, json.loads(response.read())), 400, "BadRequest")

    def test_it_ends_at_once_when_told_to(self):
        api = Emulator()
        self.addCleanup(api.stop)
        api.watch(NODES)
        api.process.terminate()
        self.assertEqual(api.process.wait(5), 0)


LEASES = "/apis/coordination.k8s.io/v1/namespaces/podpath/leases"


def lease(name="l", holder="a", duration=15, annotations=None, **metadata):
    return {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
            "metadata": {"name": name, "namespace": "podpath", "annotations": annotations or {}, **metadata},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": duration,
                     "renewTime": "2026-11-27T20:00:00.000000Z"}}


class LeaseTests(EmulatorCase):
    def write(self, path, method, thing):
        return self.api.get(path, method, body=thing)

    def test_a_lease_is_made_once_and_read(self):
        self.assert_status(self.api.get(LEASES + "/once"), 404, "NotFound")
        status, made = self.write(LEASES, "POST", lease("once"))
        self.assertEqual((status, made["spec"]["holderIdentity"]), (201, "a"))
        self.assertEqual(self.api.get(LEASES + "/once"), (200, made))
        self.assert_status(self.write(LEASES, "POST", lease("once")), 409, "Conflict")

    def test_only_the_newest_version_is_replaced(self):
        _, made = self.write(LEASES, "POST", lease("race"))
        made["spec"]["holderIdentity"] = "b"
        status, written = self.write(LEASES + "/race", "PUT", made)
        self.assertEqual((status, written["spec"]["holderIdentity"]), (200, "b"))
        self.assertNotEqual(written["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"])
        self.assertEqual(written["metadata"]["uid"], made["metadata"]["uid"])
        self.assert_status(self.write(LEASES + "/race", "PUT", made), 409, "Conflict")
        self.assertEqual(self.api.get(LEASES + "/race"), (200, written))

    def test_what_is_no_lease_is_refused(self):
        self.assert_status(self.write(LEASES + "/none", "PUT", lease("none")), 404, "NotFound")
        for bad in (node("n1"), lease(duration=0), lease(namespace="other"), lease(annotations={"a": "x" * (256 << 10)}),
                    {**lease(), "spec": {"renewTime": "yesterday"}}):
            self.assert_status(self.write(LEASES, "POST", bad), 422, "Invalid")
        self.assert_status(self.write(LEASES + "/l", "DELETE", None), 405, "MethodNotAllowed")
        self.assert_status(self.api.get(LEASES, "POST", token="wrong"), 401, "Unauthorized")


class FaultTests(EmulatorCase):
    def misbehave(self, **faults):
        self.tell(faults=faults)

    def test_a_status_is_answered_to_every_request_until_healed(self):
        for code, reason in ((500, "InternalError"), (503, "ServiceUnavailable"), (403, "Forbidden"),
                             (429, "TooManyRequests")):
            self.misbehave(status=code)
            for path in (NODES, "/version"):
                self.assert_status(self.api.get(path), code, reason)
        self.assert_status(self.api.get(NODES, watch="1"), 429, "TooManyRequests")
        self.misbehave()
        self.assertEqual(self.api.get(NODES)[0], 200)

    def test_a_status_may_say_when_to_come_again(self):
        self.misbehave(status=429, retryAfter=7)
        connection, response = self.api.ask(NODES)
        self.assertEqual(response.getheader("Retry-After"), "7")
        self.assertEqual(json.loads(response.read())["details"], {"retryAfterSeconds": 7})
        connection.close()

    def test_paths_restrict_the_faults(self):
        self.misbehave(status=500, paths=[NODES])
        self.assertEqual([self.api.get(path)[0] for path in (NODES, SERVICES)], [500, 200])
        self.misbehave(status=500, paths=[SYSTEM_MAPS])
        self.assertEqual([self.api.get(path)[0] for path in (SYSTEM_MAPS, CONFIGMAPS)], [500, 200])

    def test_a_slow_answer_comes_late_or_when_healed(self):
        self.misbehave(slow=0.5)
        began = time.monotonic()
        self.assertEqual(self.api.get(NODES)[0], 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        self.misbehave(slow=3_600)
        connection = self.api.connection()
        connection.request("GET", NODES, headers={"Authorization": f"Bearer {TOKEN}"})
        time.sleep(0.2)
        self.misbehave()
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_a_cut_list_lacks_its_end(self):
        self.put(node("n1"), node("n2"))
        whole = len(json.dumps(self.api.list(NODES), separators=(",", ":")))
        self.misbehave(cut=0.5)
        connection, response = self.api.ask(NODES)
        with self.assertRaises(http.client.IncompleteRead) as cut:
            response.read()
        self.assertEqual(len(cut.exception.partial), whole // 2)
        connection.close()

    def test_watches_are_disconnected_at_an_age(self):
        old = self.api.watch(NODES, resourceVersion=self.version())
        self.misbehave(disconnect=0.4)
        young = self.api.watch(NODES, resourceVersion=self.version())
        began = time.monotonic()
        for watch in (old, young):
            self.assertRaises((http.client.IncompleteRead, OSError), watch.rest)
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_a_hanging_server_answers_nothing_and_its_watches_are_silent_until_healed(self):
        self.tell(bookmark=0.1)
        watch = self.api.watch(NODES, resourceVersion=self.version(), allowWatchBookmarks="1")
        self.misbehave(hang=True)
        self.put(node("n1"))
        connection = self.api.connection(timeout=0.5)
        with self.assertRaises(TimeoutError):
            self.api.ask(NODES, connection=connection)
        connection.close()
        waiting = self.api.connection()
        waiting.request("GET", NODES, headers={"Authorization": f"Bearer {TOKEN}"})
        watch.connection.sock.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            # What came before it hung may still be read.
            while True:
                self.assertEqual(json.loads(watch.line())["type"], "BOOKMARK")
        self.misbehave()
        self.assertRaises((http.client.RemoteDisconnected, OSError), waiting.getresponse)
        waiting.close()

    def test_a_watch_that_fell_silent_goes_on_when_healed(self):
        watch = self.api.watch(NODES, resourceVersion=self.version())
        self.misbehave(hang=True)
        self.put(node("n1"))
        time.sleep(0.3)
        self.misbehave()
        self.assertEqual(watch.events(1), [("ADDED", "n1")])

    def test_each_watch_sends_one_line_of_garbage(self):
        open_ = self.api.watch(NODES, resourceVersion=self.version())
        self.misbehave(garbage=True)
        for watch in (open_, self.api.watch(NODES, resourceVersion=self.version())):
            self.assertRaises(ValueError, json.loads, watch.line())
        self.put(node("n1"))
        self.assertEqual(open_.events(1), [("ADDED", "n1")])

    def test_continue_tokens_may_be_expired(self):
        self.put(node("n1"), node("n2"))
        token = self.api.list(NODES, limit=1)["metadata"]["continue"]
        self.misbehave(expire=True)
        self.assertEqual(self.api.get(NODES, limit=1)[0], 200)
        self.assert_status(self.api.get(NODES, limit=1, **{"continue": token}), 410, "Expired")


if __name__ == "__main__":
    unittest.main()
