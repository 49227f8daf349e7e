# SPDX-License-Identifier: Apache-2.0
"""The tokens of pods' ServiceAccounts: made as a kubelet has them made, and reviewed as the API server does it."""
import base64
import calendar
import hashlib
import hmac
import json
import os
import time
import uuid

# Since when a token names its node, by default.
NODE_SINCE = 30
# A pod may be deleted for so long before its tokens die with it.
LEEWAY = 60
EXTRA = "authentication.kubernetes.io/"


def encoded(thing):
    data = thing if isinstance(thing, bytes) else json.dumps(thing, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Denied(Exception):
    """A token that is none, in the API server's words."""


class Tokens:
    """`pod` finds a pod's object by namespace and name, or None."""

    def __init__(self, minor, pod):
        self.minor, self.pod, self.key = minor, pod, os.urandom(32)
        self.reviews = 0

    # What a kubelet asks for

    def make(self, order):
        """{"namespace", "serviceAccount", "pod", "audience", "seconds"} → a token of that pod."""
        namespace, account = order.get("namespace", "podpath"), order.get("serviceAccount", "podpath-agent")
        now = int(time.time())
        claims = {"aud": [order.get("audience", "podpath")], "iat": now, "nbf": now,
                  "exp": now + order.get("seconds", 3600), "iss": "https://kubernetes.default.svc.cluster.local",
                  "jti": str(uuid.uuid4()), "sub": f"system:serviceaccount:{namespace}:{account}"}
        bound = {"namespace": namespace, "serviceaccount": {"name": account, "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, account))}}
        if name := order.get("pod"):
            pod = self.pod(namespace, name)
            if pod is None:
                raise ValueError(f"no pod {namespace}/{name}")
            bound["pod"] = {"name": name, "uid": pod["metadata"]["uid"]}
            if self.minor >= NODE_SINCE:
                bound["node"] = {"name": pod["spec"]["nodeName"], "uid": str(uuid.uuid4())}
        claims["kubernetes.io"] = bound
        body = f'{encoded({"alg": "RS256", "kid": "emulated"})}.{encoded(claims)}'
        return {"token": f"{body}.{encoded(self.signature(body))}"}

    def signature(self, body):
        """Not RSA: nobody but this process checks it. As long as RSA's."""
        return hmac.new(self.key, body.encode(), hashlib.sha512).digest() * 4

    # What the API server says

    def review(self, question):
        self.reviews += 1
        spec = question["spec"]
        answer = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {"creationTimestamp": None},
                  "spec": spec}
        try:
            claims = self.verified(spec["token"])
            audiences = self.audiences(claims, spec.get("audiences") or [])
        except Denied as denied:
            # What is false is left out.
            return answer | {"status": {"user": {}, "error": str(denied)}}
        return answer | {"status": {"authenticated": True, "user": self.user(claims), "audiences": audiences}}

    def verified(self, token):
        body, _, signature = token.rpartition(".")
        try:
            is_ours = hmac.compare_digest(decoded(signature), self.signature(body))
            claims = json.loads(decoded(body.split(".")[1])) if is_ours else None
        except (ValueError, IndexError):
            claims = None
        if claims is None:
            raise Denied("invalid bearer token")
        if claims["exp"] < time.time():
            raise Denied("[invalid bearer token, service account token has expired]")
        self.check_pod(claims["kubernetes.io"])
        return claims

    def check_pod(self, bound):
        if "pod" not in bound:
            return
        pod = self.pod(bound["namespace"], bound["pod"]["name"])
        if pod is None or pod["metadata"]["uid"] != bound["pod"]["uid"]:
            raise Denied("[invalid bearer token, service account token has been invalidated]")
        deleted = pod["metadata"].get("deletionTimestamp")
        if deleted and time.time() - calendar.timegm(time.strptime(deleted, "%Y-%m-%dT%H:%M:%SZ")) > LEEWAY:
            raise Denied("[invalid bearer token, service account token has been invalidated]")

    @staticmethod
    def audiences(claims, wanted):
        found = [each for each in wanted if each in claims["aud"]]
        if wanted and not found:
            names = [" ".join(json.dumps(each) for each in some) for some in (claims["aud"], wanted)]
            raise Denied(f"[invalid bearer token, token audiences [{names[0]}] is invalid for the target audiences [{names[1]}]]")
        return found or claims["aud"]

    @staticmethod
    def user(claims):
        bound = claims["kubernetes.io"]
        extra = {}
        if "pod" in bound:
            extra |= {EXTRA + "pod-name": [bound["pod"]["name"]], EXTRA + "pod-uid": [bound["pod"]["uid"]]}
        if "node" in bound:
            extra |= {EXTRA + "node-name": [bound["node"]["name"]], EXTRA + "node-uid": [bound["node"]["uid"]],
                      EXTRA + "credential-id": [f'JTI={claims["jti"]}']}
        groups = ["system:serviceaccounts", f'system:serviceaccounts:{bound["namespace"]}', "system:authenticated"]
        return {"username": claims["sub"], "uid": bound["serviceaccount"]["uid"], "groups": groups, "extra": extra}
