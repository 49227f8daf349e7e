# SPDX-License-Identifier: Apache-2.0
"""Leases (coordination.k8s.io/v1) of the API server's emulator: made, read, and replaced by whoever names the newest
version. What else of an object is checked: that it is one, its names, and that a duration is above zero, as the real
one has it."""

import json
import re
import threading
import time
import uuid

PATH = re.compile(r"/apis/coordination\.k8s\.io/v1/namespaces/([a-z0-9.-]{1,253})/leases(?:/([a-z0-9.-]{1,253}))?")
# The real one refuses annotations beyond it.
ANNOTATIONS = 256 << 10


class Leases:
    def __init__(self, version):
        self.lock, self.version, self.objects = threading.Lock(), version, {}
        self.writes = 0

    @staticmethod
    def has(path):
        return PATH.fullmatch(path) is not None

    def answer(self, method, path, body):
        """Status and object; of an error its code and words."""
        namespace, name = PATH.fullmatch(path).groups()
        with self.lock:
            if method == "GET" and name:
                found = self.objects.get((namespace, name))
                return (200, found) if found else missing(name)
            if method == "POST" and not name:
                return self.write(namespace, body, is_new=True)
            if method == "PUT" and name:
                return self.write(namespace, body, name=name)
            return 405, "the server does not allow this method on the requested resource"

    def write(self, namespace, body, name=None, is_new=False):
        try:
            lease = checked(json.loads(body), namespace, name)
        except ValueError as error:
            return 422, str(error)
        key = (namespace, lease["metadata"]["name"])
        old = self.objects.get(key)
        if is_new and old:
            return 409, f'leases.coordination.k8s.io "{key[1]}" already exists'
        if not is_new and not old:
            return missing(key[1])
        named = lease["metadata"].get("resourceVersion")
        if old and named not in (None, old["metadata"]["resourceVersion"]):
            return 409, (f'Operation cannot be fulfilled on leases.coordination.k8s.io "{key[1]}": the object has been '
                         "modified; please apply your changes to the latest version and try again")
        self.version += 1
        self.writes += 1
        metadata = lease["metadata"] | {"resourceVersion": str(self.version),
                                        "uid": (old or {"metadata": {"uid": str(uuid.uuid4())}})["metadata"]["uid"]}
        metadata.setdefault("creationTimestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        self.objects[key] = {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": metadata,
                             "spec": lease["spec"]}
        return 201 if is_new else 200, self.objects[key]


def missing(name):
    return 404, f'leases.coordination.k8s.io "{name}" not found'


def checked(lease, namespace, name):
    if not isinstance(lease, dict) or lease.get("kind") != "Lease" or not isinstance(lease.get("metadata"), dict):
        raise ValueError("the object is no Lease")
    metadata, spec = lease["metadata"], lease.get("spec")
    if metadata.get("namespace", namespace) != namespace or not metadata.get("name"):
        raise ValueError("the namespace of the object and of the request differ, or it has no name")
    if name not in (None, metadata["name"]):
        raise ValueError("the name of the object and of the request differ")
    if not isinstance(spec, dict) or not isinstance(spec.get("holderIdentity", ""), str):
        raise ValueError("spec.holderIdentity: must be a string")
    if not isinstance(spec.get("leaseDurationSeconds", 1), int) or spec.get("leaseDurationSeconds", 1) <= 0:
        raise ValueError("spec.leaseDurationSeconds: Invalid value: must be greater than 0")
    for field in ("acquireTime", "renewTime"):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec.get(field, "2000-01-01T00:00:00.000000Z")):
            raise ValueError(f"spec.{field}: must be a MicroTime")
    notes = metadata.get("annotations", {})
    if sum(len(key.encode()) + len(value.encode()) for key, value in notes.items()) > ANNOTATIONS:
        raise ValueError(f"metadata.annotations: Too long: must have at most {ANNOTATIONS} bytes")
    return lease
