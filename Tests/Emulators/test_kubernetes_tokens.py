# SPDX-License-Identifier: Apache-2.0
"""Tests of the Kubernetes API server's emulator: TokenReviews, of an old server and of a new one.

    python3 Tests/Emulators/test_kubernetes_tokens.py
"""
import json
import time
import unittest

from test_kubernetes import TOKEN, EmulatorCase

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
EXTRA = "authentication.kubernetes.io/"
USER = "system:serviceaccount:podpath:podpath-agent"


class TokenCase:
    """The same of every version."""

    def setUp(self):
        super().setUp()
        self.put_pod()

    def put_pod(self, uid="u-1", **metadata):
        metadata = {"name": "agent-n1", "namespace": "podpath", "uid": uid} | metadata
        self.tell(put=[{"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "n1"}}])

    def token(self, **order):
        return self.tell(token={"pod": "agent-n1"} | order)["token"]

    def post(self, spec, authorization=TOKEN, kind="TokenReview"):
        connection = self.api.connection()
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": kind, "spec": spec})
        connection.request("POST", REVIEWS, body, {"Authorization": f"Bearer {authorization}", "Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def review(self, token, audiences=("podpath",)):
        status, answer = self.post({"token": token, "audiences": list(audiences)})
        self.assertEqual((status, answer["kind"], answer["spec"]["token"]), (201, "TokenReview", token))
        return answer["status"]

    def assert_refused(self, token, words, **query):
        status = self.review(token, **query)
        # What is false is left out.
        self.assertEqual(sorted(status), ["error", "user"])
        self.assertIn(words, status["error"])
        self.assertNotIn(token, status["error"])

    def test_a_pods_token_is_its_own(self):
        status = self.review(self.token())
        self.assertEqual((status["authenticated"], status["audiences"]), (True, ["podpath"]))
        user = status["user"]
        self.assertEqual(user["username"], USER)
        self.assertEqual((user["extra"][EXTRA + "pod-name"], user["extra"][EXTRA + "pod-uid"]), (["agent-n1"], ["u-1"]))
        self.assertEqual(user["extra"].get(EXTRA + "node-name"), self.node_name)

    def test_another_audience_is_refused(self):
        self.assert_refused(self.token(audience="vault"), 'token audiences ["vault"] is invalid')
        self.assertTrue(self.review(self.token(audience="vault"), audiences=["vault", "x"])["authenticated"])

    def test_an_expired_token_is_refused(self):
        self.assert_refused(self.token(seconds=-1), "has expired")

    def test_nobodys_token_is_refused(self):
        forged = self.token()[:-8] + "AAAAAAAA"
        for token in ("x", "a.b.c", forged, "ü", "e30.e30.e30"):
            self.assert_refused(token, "invalid bearer token")

    def test_a_token_dies_with_its_pod(self):
        token = self.token()
        self.put_pod(deletionTimestamp=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        self.assertTrue(self.review(token)["authenticated"])
        self.put_pod(deletionTimestamp="2020-01-01T00:00:00Z")
        self.assert_refused(token, "invalidated")
        self.tell(delete=[{"kind": "Pod", "namespace": "podpath", "name": "agent-n1"}])
        self.assert_refused(token, "invalidated")
        self.put_pod(uid="u-2")
        self.assert_refused(token, "invalidated")
        self.assertTrue(self.review(self.token())["authenticated"])

    def test_pods_are_told_by_name(self):
        status, pod = self.api.get("/api/v1/namespaces/podpath/pods/agent-n1")
        self.assertEqual((status, pod["metadata"]["uid"], pod["spec"]["nodeName"]), (200, "u-1", "n1"))
        self.assertEqual(self.api.get("/api/v1/namespaces/podpath/pods/agent-n9")[0], 404)

    def test_faults_reach_reviews_and_reviews_are_no_writes(self):
        before = self.tell(counts=True)
        self.review(self.token())
        after = self.tell(counts=True)
        self.assertEqual((after["reviews"] - before["reviews"], after["writes"]), (1, before["writes"]))
        for code in (403, 429, 503):
            self.tell(faults={"status": code, "paths": [REVIEWS]})
            self.assertEqual(self.post({"token": "x"})[0], code)
        self.assertEqual(self.api.get("/version")[0], 200)

    def test_who_may_not_ask_is_not_answered(self):
        self.assertEqual(self.post({"token": "x"}, authorization="other")[0], 401)
        self.assertEqual(self.post({"token": ""})[0], 422)
        self.assertEqual(self.post({})[0], 400)
        self.assertEqual(self.post({"token": "x"}, kind="Pod")[0], 422)

    def test_no_pod_no_token(self):
        self.assertFalse(self.api.tell(token={"pod": "nobody"})["ok"])


class OldTests(TokenCase, EmulatorCase):
    minor, node_name = "19", None


class NewTests(TokenCase, EmulatorCase):
    minor, node_name = "32", ["n1"]


if __name__ == "__main__":
    unittest.main()
