#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An emulator of what a Kubernetes API server lets one read: lists in pages and watches, over HTTPS. What it has
is put into it through a unix socket, through which it also misbehaves on request. Standard library only; it never
prints a token.

    kubernetes.py --listen ADDRESS:PORT --certificate C --key K --token-file FILE --control SOCKET [--minor 19]

Once it listens it prints `kubernetes: listening on ADDRESS:PORT`; port 0 picks one. The token file is read at
each request. Served are GETs of /version, /readyz and of nodes, pods, services, configmaps, endpoints, endpointslices
(v1beta1 from 1.17 to 1.24, v1 from 1.21 on), deployments, daemonsets and, once they are switched on, ciliumnodes,
blockaffinities, virtualservers and transportservers: cluster wide, those of one namespace, or one by its name. A
list takes limit, continue and selectors; a watch takes resourceVersion, selectors, allowWatchBookmarks,
timeoutSeconds and, from 1.32 on, sendInitialEvents. Leases, and nothing else, may be written: see kubernetes_leases. The selectors are labelSelector (key=value, joined by commas)
and fieldSelector (likewise, of metadata.name and metadata.namespace alone).

A POST is answered where it asks for a TokenReview: of tokens that were made here, for a pod that must still be there.
From 1.30 on a token names its node.

Versions begin at the time of day in milliseconds: to an emulator that was started anew those of before are too old.

The control socket takes one JSON object a line and answers each with one, {"ok": true, …} or
{"ok": false, "error": "…"}. Either all of a command is done, or nothing:
    {"put": [object, …]}        creates or updates; what changes nothing makes no event
    {"delete": [{"kind": …, "namespace": …, "name": …}, …]}
    {"offer": ["ciliumnodes", "blockaffinities", "virtualservers", "transportservers"]}
    {"state": true}             the version, and how many objects there are of each kind
    {"counts": true}            lists (pages), watches and gets (of one object) asked for by path, watches open now,
                                requests refused for their token, attempts of other methods than GET, TokenReviews
    {"token": {"namespace": …, "serviceAccount": …, "pod": …, "audience": …, "seconds": …}}
                                makes one: {"ok": true, "token": "…"}
    {"faults": {…}}             takes the place of the faults before; {} heals
    {"compact": true}           forgets all history, and ends all watches with the error 410
    {"drop": true}              closes the connections of all watches
    {"bookmark": 2}             seconds between bookmarks
The faults, of which several may be set at once:
    {"status": 503, "retryAfter": 1} for every request · {"slow": 3} before each answer · {"cut": 0.5} of a list's
    body, chunked and without the last chunk · {"disconnect": 5}: watches are dropped when they are that old ·
    {"hang": true}: requests are not answered (when it heals their connections close) and watches fall silent ·
    {"garbage": true}: each watch sends one line that is not JSON · {"expire": true}: continue tokens are too old ·
    {"unstreamed": true}: sendInitialEvents is answered 422, as where the feature gate is off (1.33) ·
    {"paths": ["/api/v1/nodes"]}: the others happen there only
"""
import argparse
import base64
import bisect
import collections
import hmac
import json
import math
import os
import pathlib
import random
import re
import select
import signal
import socket
import socketserver
import ssl
import threading
import time
import typing
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from kubernetes_leases import Leases
from kubernetes_tokens import Tokens

# Events of each kind that a watch may begin before.
HISTORY = 1_000
# Events that a watch's client may be behind before it is dropped.
BACKLOG = 500_000
SNAPSHOTS, SNAPSHOT_SECONDS = 64, 300
BATCH = 500
TICK = 0.1
IDLE_SECONDS = 300
CREATED = "2020-01-01T00:00:00Z"
BETA = "discovery.k8s.io/v1beta1"
# Go's HTTP server states the length of what fits its buffer.
LARGEST_UNCHUNKED = 2_048
LONGEST_LINE = 1 << 28
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"

REASONS = {
    400: ("BadRequest", "the request is invalid"),
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", 'forbidden: User "system:serviceaccount:default:emulated" cannot get this at the cluster scope'),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    409: ("Conflict", "the object has been modified"),
    410: ("Expired", "The provided continue parameter is too old to display a consistent list result. You must start "
                     "a new list without the continue parameter."),
    422: ("Invalid", "the request is invalid"),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted"),
}
NO_FAULTS = {}
FORBIDDEN_OPTIONS = 'ListOptions.meta.k8s.io "" is invalid: %s: Forbidden: %s'


class Refusal(Exception):
    """What is answered in place of what was asked for."""

    def __init__(self, code, message=None, retry_after=None, details=None):
        super().__init__(code)
        self.code, self.retry_after = code, retry_after
        self.details = details if retry_after is None else {"retryAfterSeconds": retry_after}
        self.reason, words = REASONS.get(code, ("Unknown", "unknown"))
        self.message = message or words

    @property
    def status(self):
        details = {"details": self.details} if self.details else {}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
                "reason": self.reason, **details, "code": self.code}


class Resource(typing.NamedTuple):
    kind: str
    api: str
    plural: str
    is_namespaced: bool
    # What the object of a bookmark holds besides its metadata.
    hollow: dict = {}
    since: int = 0
    until: float = math.inf
    is_custom: bool = False

    @property
    def root(self):
        return f"/api{'s' if '/' in self.api else ''}/{self.api}"

    @property
    def path(self):
        return f"{self.root}/{self.plural}"

    def missing(self, name):
        group = self.api.partition("/")[0] if "/" in self.api else ""
        details = {"name": name, "group": group, "kind": self.plural}
        return Refusal(404, f'{self.plural}{"." if group else ""}{group} "{name}" not found',
                       details={field: value for field, value in details.items() if value})

    def dressed(self, thing):
        """As this version of the API tells of an object."""
        thing = in_beta(thing) if self.api == BETA else thing
        return {"kind": self.kind, "apiVersion": self.api, **thing}

    def listed(self, thing):
        """Only items of custom kinds say in a list what they are."""
        return self.dressed(thing) if self.is_custom else in_beta(thing) if self.api == BETA else thing

    def bookmark(self, version, annotations=None):
        # Written from Go's structures, which know no absence of a time.
        metadata = {"resourceVersion": str(version)} | ({} if self.is_custom else {"creationTimestamp": None})
        return {"metadata": metadata | ({"annotations": annotations} if annotations else {}), **self.hollow}


def in_beta(piece):
    """v1 → v1beta1: the node stands in the topology."""
    endpoints = piece.get("endpoints")
    return piece | {"endpoints": [endpoint_in_beta(one) for one in endpoints]} if endpoints else piece


def endpoint_in_beta(endpoint):
    moved = {"nodeName": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
    topology = {moved[name]: value for name, value in endpoint.items() if name in moved and value}
    rest = {name: value for name, value in endpoint.items() if name not in moved}
    return rest | ({"topology": topology} if topology else {})


HOLLOW_SLICE = {"addressType": "", "endpoints": None, "ports": None}
HOLLOW_TEMPLATE = {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}}
HOLLOW_WORKLOAD = {"selector": None, "template": HOLLOW_TEMPLATE}
HOLLOW_DEPLOYMENT = {"spec": HOLLOW_WORKLOAD | {"strategy": {}}, "status": {}}
HOLLOW_DAEMON_SET = {"spec": HOLLOW_WORKLOAD | {"updateStrategy": {}}, "status": dict.fromkeys(
    ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0)}
RESOURCES = (
    Resource("Node", "v1", "nodes", False, {"spec": {}, "status": {}}),
    Resource("Pod", "v1", "pods", True, {"spec": {"containers": None}, "status": {}}),
    Resource("Service", "v1", "services", True, {"spec": {}, "status": {"loadBalancer": {}}}),
    Resource("ConfigMap", "v1", "configmaps", True),
    Resource("Endpoints", "v1", "endpoints", True),
    Resource("EndpointSlice", "discovery.k8s.io/v1", "endpointslices", True, HOLLOW_SLICE, since=21),
    Resource("EndpointSlice", BETA, "endpointslices", True, HOLLOW_SLICE, since=17, until=25),
    Resource("Deployment", "apps/v1", "deployments", True, HOLLOW_DEPLOYMENT),
    Resource("DaemonSet", "apps/v1", "daemonsets", True, HOLLOW_DAEMON_SET),
    Resource("CiliumNode", "cilium.io/v2", "ciliumnodes", False, is_custom=True),
    Resource("BlockAffinity", "crd.projectcalico.org/v1", "blockaffinities", False, is_custom=True),
    Resource("VirtualServer", "cis.f5.com/v1", "virtualservers", True, is_custom=True),
    Resource("TransportServer", "cis.f5.com/v1", "transportservers", True, is_custom=True),
)
BY_PATH = {resource.path: resource for resource in RESOURCES}
BY_KIND = {resource.kind: resource for resource in RESOURCES}


class Selection(typing.NamedTuple):
    """Which objects are asked for: what their labels and fields of their metadata must be."""
    labels: list
    fields: list

    def has(self, thing):
        metadata = thing["metadata"]
        labels = metadata.get("labels") or {}
        return (all(labels.get(key) == value for key, value in self.labels)
                and all(metadata.get(field) == value for field, value in self.fields))


class Place(typing.NamedTuple):
    """What a path means: a collection, that of one namespace, or one object."""
    path: str
    resource: Resource
    namespace: str | None
    name: str | None

    def selection(self, query):
        fields = query.fields(self.resource)
        return Selection(query.labels(), fields + ([("namespace", self.namespace)] if self.namespace else []))

    @property
    def key(self):
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


PLACE = re.compile("(/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?")


def place_of(path):
    match = PLACE.fullmatch(path)
    if match is None:
        return None
    root, namespace, plural, name = match.groups()
    resource = BY_PATH.get(f"{root}/{plural}")
    # One object is found in its namespace, and what has none is in no namespace.
    if resource is None or (namespace and not resource.is_namespaced) or (
            name and resource.is_namespaced and not namespace):
        return None
    return Place(path, resource, namespace, name)


class Change(typing.NamedTuple):
    """An object came (no previous), changed or went (no current)."""
    version: int
    current: dict | None
    previous: dict | None


def prepared(thing):
    """(kind, key, object) of an object as it was put: without what depends on who asks for it."""
    resource, metadata = BY_KIND.get(thing["kind"]), dict(thing["metadata"])
    if resource is None:
        raise ValueError(f"no kind {thing['kind']}, only {', '.join(BY_KIND)}")
    name, namespace = metadata.get("name"), metadata.pop("namespace", None) or "default"
    if not isinstance(name, str) or not name or not isinstance(namespace, str):
        raise ValueError(f"a {resource.kind} without a name")
    if not isinstance(metadata.get("labels") or {}, dict):
        raise ValueError(f"labels of {resource.kind} {name}")
    if resource.is_namespaced:
        metadata["namespace"] = namespace
    rest = {field: value for field, value in thing.items() if field not in ("kind", "apiVersion")}
    return resource.kind, f"{namespace}/{name}" if resource.is_namespaced else name, rest | {"metadata": metadata}


def versioned(thing, version):
    return thing | {"metadata": thing["metadata"] | {"resourceVersion": str(version)}}


def encoded(body):
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def escaped(body):
    """As Go writes what stands in a string."""
    return body.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def packed(version, start):
    token = encoded({"v": "meta.k8s.io/v1", "rv": version, "start": start})
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def unpacked(token):
    try:
        place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(place["rv"]), str(place["start"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "continue key is not valid") from None


class Watch:
    """An open watch. It is touched under the store's lock only."""

    def __init__(self, place, query, connection):
        self.place, self.resource, self.connection = place, place.resource, connection
        self.selection, self.has_bookmarks = place.selection(query), query.flag("allowWatchBookmarks")
        self.began = self.marked = time.monotonic()
        self.ends = self.began + (query.number("timeoutSeconds") or random.uniform(1_800, 3_600))
        self.queue = collections.deque()
        self.after = 0
        self.expired = None
        self.is_dropped = False
        self.spoilt_by = None

    def tell(self, change):
        """Objects come and go also by their labels."""
        if change.version <= self.after:
            return
        is_now, was = (thing is not None and self.selection.has(thing) for thing in change[1:])
        if is_now:
            self.queue.append(("MODIFIED" if was else "ADDED", change.current))
        elif was:
            self.queue.append(("DELETED", versioned(change.previous, change.version)))
        if len(self.queue) > BACKLOG:
            self.drop()

    def drop(self):
        self.is_dropped = True
        hang_up(self.connection)

    def due(self, store):
        """Lines to be sent now, and how it ends after them, if it does: "drop" or "end"."""
        now, faults = time.monotonic(), store.faults_at(self.place.path)
        if self.is_dropped or now - self.began >= faults.get("disconnect", math.inf):
            return [], "drop"
        if faults.get("hang"):
            return [], None
        lines = self.garbage(faults) + self.batch()
        if self.queue:
            return lines, None
        if self.expired:
            return [*lines, {"type": "ERROR", "object": Refusal(410, self.expired).status}], "end"
        if now >= self.ends:
            return lines, "end"
        return lines + self.bookmarks(store, now), None

    def garbage(self, faults):
        """Once for each time that the fault is set."""
        if not faults.get("garbage") or self.spoilt_by is faults:
            return []
        self.spoilt_by = faults
        return ["{this is not JSON"]

    def batch(self):
        events = [self.queue.popleft() for _ in range(min(len(self.queue), BATCH))]
        return [{"type": kind, "object": self.resource.dressed(thing)} for kind, thing in events]

    def bookmarks(self, store, now):
        if not self.has_bookmarks or now < self.marked + store.bookmark or store.version < self.after:
            return []
        self.marked = now
        return [{"type": "BOOKMARK", "object": self.resource.dressed(self.resource.bookmark(store.version))}]


def hang_up(connection):
    """Past TLS, whose object another thread may be using."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass


class Store:
    """What the API server has, has had, and who watches it. Objects in it are never changed, only replaced."""

    def __init__(self, minor):
        self.minor = minor
        self.changed = threading.Condition()
        self.version = int(time.time() * 1_000)
        self.objects = {kind: {} for kind in BY_KIND}
        self.history = {kind: collections.deque() for kind in BY_KIND}
        self.forgotten = dict.fromkeys(BY_KIND, self.version)
        self.snapshots = collections.OrderedDict()
        self.watches = set()
        self.offered = set()
        self.bookmark = 2
        self.faults = NO_FAULTS
        self.asked = {"lists": dict.fromkeys(BY_PATH, 0), "watches": dict.fromkeys(BY_PATH, 0), "gets": {}}
        self.refused = self.writes = 0
        self.leases = Leases(self.version)
        self.tokens = Tokens(minor, lambda namespace, name: self.objects["Pod"].get(f"{namespace}/{name}"))

    # What is asked

    def place(self, path):
        found = place_of(path)
        if found is None or not found.resource.since <= self.minor < found.resource.until:
            return None
        return None if found.resource.is_custom and found.resource.plural not in self.offered else found

    def faults_at(self, path):
        faults = self.faults
        return faults if path in faults.get("paths", (path,)) else NO_FAULTS

    def count(self, command, path, query):
        with self.changed:
            if Leases.has(path) or command == "POST" and path == TOKEN_REVIEWS:
                return
            if command != "GET":
                self.writes += 1
            elif place := place_of(path):
                kind = "gets" if place.name else "watches" if query.flag("watch") else "lists"
                self.asked[kind][path] = self.asked[kind].get(path, 0) + 1

    def count_refused(self):
        with self.changed:
            self.refused += 1

    def page(self, place, query):
        """The whole list, or as much of it as was asked for."""
        resource, selection = place.resource, place.selection(query)
        limit, token = query.number("limit"), query.text("continue")
        with self.changed:
            version, start = unpacked(token) if token else (self.version, "")
            every = self.frozen(resource.kind, version)
            things = within(place.namespace, every)
            items, end = taken(things, start, selection, limit)
            metadata = {"resourceVersion": str(version)}
            if end < len(things):
                self.keep(resource.kind, version, every)
                metadata["continue"] = packed(version, things[end][0])
                # How many of them match is not known.
                metadata |= {} if query.is_selective else {"remainingItemCount": len(things) - end}
        return {"kind": resource.kind + "List", "apiVersion": resource.api, "metadata": metadata,
                "items": [resource.listed(item) for item in items]}

    def one(self, place):
        with self.changed:
            thing = self.objects[place.resource.kind].get(place.key)
        if thing is None:
            raise place.resource.missing(place.name)
        return place.resource.dressed(thing)

    def frozen(self, kind, version):
        """All of a kind as they were at that version, in their order."""
        deadline, things = self.snapshots.get((kind, version), (0, ()))
        if time.monotonic() < deadline:
            return things
        if version == self.version:
            return sorted(self.objects[kind].items(), key=lambda entry: entry[0])
        raise Refusal(410)

    def keep(self, kind, version, things):
        self.snapshots[kind, version] = time.monotonic() + SNAPSHOT_SECONDS, things
        self.snapshots.move_to_end((kind, version))
        while len(self.snapshots) > SNAPSHOTS:
            self.snapshots.popitem(last=False)

    def open(self, place, query, connection):
        watch, version = Watch(place, query, connection), query.number("resourceVersion")
        has_begin = self.has_begin(place, query, version)
        with self.changed:
            if has_begin and version > self.version:
                raise Refusal(504, f"Too large resource version: {version}, current: {self.version}")
            if has_begin:
                self.begin(watch)
            elif version and version < self.forgotten[watch.resource.kind]:
                watch.expired = f"too old resource version: {version} ({self.forgotten[watch.resource.kind]})"
            else:
                watch.after = version or self.version
                for change in self.history[watch.resource.kind]:
                    watch.tell(change)
            self.watches.add(watch)
        return watch

    def streams(self, place):
        return self.minor >= 32 and not self.faults_at(place.path).get("unstreamed")

    def has_begin(self, place, query, version):
        """Whether a watch begins with all that there is."""
        if self.minor < 32 or "sendInitialEvents" not in query:
            return not version
        if not self.streams(place):
            raise Refusal(422, FORBIDDEN_OPTIONS % ("sendInitialEvents", "sendInitialEvents is forbidden for watch "
                                                    "unless the WatchList feature gate is enabled"))
        if query.text("resourceVersionMatch") != "NotOlderThan":
            raise Refusal(422, FORBIDDEN_OPTIONS % ("resourceVersionMatch", "sendInitialEvents requires setting "
                                                    "resourceVersionMatch to NotOlderThan"))
        return query.flag("sendInitialEvents")

    def begin(self, watch):
        for _, thing in self.frozen(watch.resource.kind, self.version):
            watch.tell(Change(self.version, thing, None))
        # A server that streams lists takes every watch from the begin for one.
        if self.streams(watch.place) and watch.has_bookmarks:
            end = watch.resource.bookmark(self.version, {"k8s.io/initial-events-end": "true"})
            watch.queue.append(("BOOKMARK", end))

    def close(self, watch):
        with self.changed:
            self.watches.discard(watch)

    def step(self, watch):
        """What the watch is to send, or nothing after a while."""
        with self.changed:
            lines, end = watch.due(self)
            if not lines and not end:
                self.changed.wait(TICK)
        return lines, end

    # What is told

    def put(self, things):
        entries = [prepared(thing) for thing in things]
        with self.changed:
            for kind, key, thing in entries:
                self.put_one(kind, key, thing)
            self.changed.notify_all()

    def put_one(self, kind, key, thing):
        previous = self.objects[kind].get(key)
        kept = previous["metadata"] if previous else {"uid": str(uuid.uuid4()), "creationTimestamp": CREATED}
        given = {field: value for field, value in thing["metadata"].items() if value is not None}
        identity = {field: kept[field] for field in ("uid", "creationTimestamp")}
        current = thing | {"metadata": identity | given}
        if previous is None or versioned(current, 0) != versioned(previous, 0):
            self.version += 1
            self.objects[kind][key] = versioned(current, self.version)
            self.record(kind, Change(self.version, self.objects[kind][key], previous))

    def delete(self, names):
        entries = [prepared({"kind": one["kind"], "metadata": {"name": one["name"], "namespace": one.get("namespace")}})
                   for one in names]
        with self.changed:
            for kind, key, _ in entries:
                if key not in self.objects[kind]:
                    raise ValueError(f"no {kind} {key}")
            for kind, key in dict.fromkeys((kind, key) for kind, key, _ in entries):
                self.version += 1
                self.record(kind, Change(self.version, None, self.objects[kind].pop(key)))
            self.changed.notify_all()

    def record(self, kind, change):
        history = self.history[kind]
        history.append(change)
        if len(history) > HISTORY:
            self.forgotten[kind] = history.popleft().version
        for watch in self.watches:
            if watch.resource.kind == kind:
                watch.tell(change)

    def compact(self):
        with self.changed:
            # Whatever version was told until now is one of the past.
            self.version += 1
            self.forgotten = dict.fromkeys(BY_KIND, self.version)
            self.snapshots.clear()
            for history in self.history.values():
                history.clear()
            for watch in self.watches:
                watch.expired = "The resourceVersion for the provided watch is too old."
            self.changed.notify_all()

    def drop(self):
        with self.changed:
            for watch in self.watches:
                watch.drop()
            self.changed.notify_all()

    def misbehave(self, faults):
        with self.changed:
            self.faults = checked(faults)
            self.changed.notify_all()

    def make_token(self, order):
        with self.changed:
            return self.tokens.make(order)

    def set_bookmark(self, seconds):
        if not is_seconds(seconds) or not seconds:
            raise ValueError("bookmark: seconds")
        with self.changed:
            self.bookmark = seconds
            self.changed.notify_all()

    def offer(self, plurals):
        custom = [resource.plural for resource in RESOURCES if resource.is_custom]
        if not isinstance(plurals, list) or not set(plurals) <= set(custom):
            raise ValueError(f"offer: some of {', '.join(custom)}")
        with self.changed:
            self.offered |= set(plurals)

    def state(self):
        with self.changed:
            objects = {kind: len(found) for kind, found in self.objects.items()}
            return {"resourceVersion": self.version, "objects": objects}

    def counts(self):
        with self.changed:
            asked = {kind: dict(found) for kind, found in self.asked.items()}
            return asked | {"open": len(self.watches), "refused": self.refused, "writes": self.writes,
                            "reviews": self.tokens.reviews}


def within(namespace, things):
    return [entry for entry in things if entry[0].startswith(namespace + "/")] if namespace else things


def taken(things, start, selection, limit):
    """What matches from there on, up to the limit, and where that ends."""
    items = []
    for index in range(bisect.bisect_left(things, start, key=lambda entry: entry[0]), len(things)):
        if limit and len(items) == limit:
            return items, index
        if selection.has(things[index][1]):
            items.append(things[index][1])
    return items, len(things)


def is_seconds(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def is_flag(value):
    return isinstance(value, bool)


def is_list(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


FAULTS = {"status": lambda value: value in REASONS, "retryAfter": is_seconds, "slow": is_seconds,
          "cut": lambda value: is_seconds(value) and value <= 1, "disconnect": is_seconds, "hang": is_flag,
          "garbage": is_flag, "expire": is_flag, "unstreamed": is_flag, "paths": is_list}


def checked(faults):
    for name, value in faults.items():
        if name not in FAULTS or not FAULTS[name](value):
            raise ValueError(f"no such fault: {name}")
    return faults


class Query:
    def __init__(self, text):
        self.values = parse_qs(text, keep_blank_values=True)

    def __contains__(self, name):
        return name in self.values

    def text(self, name):
        return self.values.get(name, [""])[0]

    def flag(self, name):
        return name in self.values and self.text(name).lower() not in ("false", "0")

    def number(self, name):
        if not re.fullmatch("[0-9]{0,19}", self.text(name)):
            raise Refusal(400, f"{name}: not a number")
        return int(self.text(name) or 0)

    @property
    def is_selective(self):
        return bool(self.text("labelSelector") or self.text("fieldSelector"))

    def labels(self):
        return self.terms("labelSelector", r"([^\s=!()]+)=([^\s=!()]*)")

    def fields(self, resource):
        """Names within the metadata, and their values."""
        known = {"metadata.name": "name"} | ({"metadata.namespace": "namespace"} if resource.is_namespaced else {})
        terms = self.terms("fieldSelector", "([^=!]+)==?([^=!]*)")
        for label, _ in terms:
            if label not in known:
                raise Refusal(400, f"field label not supported: {label}")
        return [(known[label], value) for label, value in terms]

    def terms(self, name, form):
        found = [re.fullmatch(form, term) for term in self.text(name).split(",") if term]
        if not all(found):
            raise Refusal(400, "unable to parse requirement: only key=value is known here")
        return [term.groups() for term in found]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "kubernetes", ""
    disable_nagle_algorithm = True
    is_abrupt = False

    def log_message(self, *_):
        pass

    def __getattr__(self, name):
        """Any method is understood, that any but GET be refused alike."""
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self):
        path, _, text = self.path.partition("?")
        query, store = Query(text), self.server.store
        self.read_body()
        store.count(self.command, path, query)
        if not self.endures(path):
            return self.abort()
        try:
            self.respond(path, query, store.faults_at(path))
        except Refusal as refusal:
            self.refuse(refusal)

    def read_body(self):
        length = self.headers.get("Content-Length", "0")
        is_asking = self.command == "GET" and length == "0"
        if not is_asking and (self.command != "POST" or self.path != TOKEN_REVIEWS):
            self.close_connection = True
        self.body = self.rfile.read(int(length)) if re.fullmatch("[0-9]{1,7}", length) else b""

    def endures(self, path):
        """Waits as long as the faults want it, unless they are replaced; False if there is to be no answer."""
        store, faults = self.server.store, self.server.store.faults_at(path)
        end = math.inf if faults.get("hang") else time.monotonic() + faults.get("slow", 0)
        while store.faults_at(path) is faults and time.monotonic() < end:
            if self.has_left():
                return False
            with store.changed:
                store.changed.wait(min(TICK, max(end - time.monotonic(), 0)))
        return end < math.inf

    def has_left(self):
        """Whoever waits for an answer has nothing more to say but goodbye."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        return bool(poll.poll(0))

    def abort(self):
        self.close_connection = self.is_abrupt = True
        hang_up(self.connection)

    def respond(self, path, query, faults):
        store = self.server.store
        if "status" in faults:
            raise Refusal(faults["status"], retry_after=faults.get("retryAfter"))
        if not self.server.is_authorized(self.headers.get("Authorization", "")):
            store.count_refused()
            raise Refusal(401)
        if Leases.has(path):
            return self.answer_lease(path)
        if self.command == "POST" and path == TOKEN_REVIEWS:
            return self.review()
        if self.command != "GET":
            raise Refusal(405)
        if path == "/readyz":
            return self.answer(200, b"ok", "text/plain; charset=utf-8")
        if path == "/version":
            version = {"major": "1", "minor": str(store.minor), "gitVersion": f"v1.{store.minor}.0"}
            return self.answer(200, encoded(version))
        place = store.place(path)
        if place is None:
            raise Refusal(404)
        if place.name:
            return self.answer(200, encoded(store.one(place)))
        if query.flag("watch"):
            return self.watch(place, query)
        self.list(place, query, faults)

    def answer_lease(self, path):
        status, found = self.server.store.leases.answer(self.command, path, self.body)
        if status >= 400:
            raise Refusal(status, found)
        self.answer(status, encoded(found))

    def review(self):
        try:
            question = json.loads(self.body)
            token, kind = question["spec"]["token"], question["kind"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400) from None
        if not isinstance(token, str) or not token or kind != "TokenReview":
            raise Refusal(422)
        store = self.server.store
        with store.changed:
            answer = store.tokens.review(question)
        self.answer(201, escaped(encoded(answer)))

    def list(self, place, query, faults):
        if faults.get("expire") and query.text("continue"):
            raise Refusal(410)
        body = encoded(self.server.store.page(place, query))
        if "cut" in faults:
            self.begin(200, chunked=True)
            self.wfile.write(chunk(body[: int(len(body) * faults["cut"])]))
            return self.abort()
        self.answer(200, body)

    def watch(self, place, query):
        store = self.server.store
        watch = store.open(place, query, self.connection)
        try:
            self.begin(200, chunked=True)
            end = None
            while not end:
                lines, end = store.step(watch)
                self.wfile.write(b"".join(chunk(line_of(line)) for line in lines))
                if end == "drop" or not lines and not end and self.has_left():
                    return self.abort()
            self.wfile.write(LAST_CHUNK)
        finally:
            store.close(watch)

    def refuse(self, refusal):
        headers = {} if refusal.retry_after is None else {"Retry-After": str(math.ceil(refusal.retry_after))}
        self.answer(refusal.code, encoded(refusal.status), **headers)

    def send_error(self, code, message=None, explain=None):
        """What http.server itself refuses."""
        self.close_connection, self.request_version = True, self.protocol_version
        self.refuse(Refusal(code, message))

    def answer(self, status, body, content_type="application/json", **headers):
        is_chunked = len(body) > LARGEST_UNCHUNKED
        if not is_chunked:
            headers["Content-Length"] = str(len(body))
        self.begin(status, content_type, is_chunked, **headers)
        if self.command != "HEAD":
            self.wfile.write(chunk(body) + LAST_CHUNK if is_chunked else body)

    def begin(self, status, content_type="application/json", chunked=False, **headers):
        self.send_response(status)
        framing = {"Transfer-Encoding": "chunked"} if chunked else {}
        ending = {"Connection": "close"} if self.close_connection else {}
        standing = {"Cache-Control": "no-cache, private", "Content-Type": content_type}
        for name, value in (standing | framing | ending | headers).items():
            self.send_header(name, value)
        self.end_headers()


LAST_CHUNK = b"0\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def line_of(event):
    return (event.encode() if isinstance(event, str) else encoded(event)) + b"\n"


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, address, context, store, token_file):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.context, self.store, self.token_file = context, store, pathlib.Path(token_file)
        super().__init__(address, Handler)

    def server_bind(self):
        """Without the base class's reverse name lookup, which may hang in a namespace."""
        socketserver.TCPServer.server_bind(self)

    def finish_request(self, request, client_address):
        """The handshake is made in the connection's own thread: no client delays another."""
        request.settimeout(IDLE_SECONDS)
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            if not Handler(wrapped, client_address, self).is_abrupt:
                say_goodbye(wrapped)

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""

    def is_authorized(self, credentials):
        try:
            token = self.token_file.read_text().strip()
        except (OSError, ValueError):
            return False
        return bool(token) and hmac.compare_digest(credentials.encode(), f"Bearer {token}".encode())


def say_goodbye(wrapped):
    """Sends TLS's close_notify, and does not wait for the client's."""
    wrapped.settimeout(0)
    try:
        wrapped.unwrap()
    except OSError:
        pass


class Control(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path, store):
        self.verbs = {
            "put": store.put, "delete": store.delete, "offer": store.offer, "faults": store.misbehave,
            "bookmark": store.set_bookmark, "state": lambda _: store.state(), "counts": lambda _: store.counts(),
            "compact": lambda _: store.compact(), "drop": lambda _: store.drop(), "token": store.make_token,
        }
        pathlib.Path(path).unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            super().__init__(str(path), ControlLines)
        finally:
            os.umask(old)

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""

    def reply(self, line):
        try:
            command = json.loads(line)
            if not isinstance(command, dict) or len(command) != 1 or not command.keys() <= self.verbs.keys():
                raise ValueError(f"one of {', '.join(self.verbs)}")
            (verb, value), = command.items()
            return {"ok": True} | (self.verbs[verb](value) or {})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}


class ControlLines(socketserver.StreamRequestHandler):
    def handle(self):
        while (line := self.rfile.readline(LONGEST_LINE)).endswith(b"\n"):
            self.wfile.write(encoded(self.server.reply(line)) + b"\n")


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def main():
    parser = argparse.ArgumentParser(description="emulator of the read side of a Kubernetes API server")
    for name in ("--listen", "--certificate", "--key", "--token-file", "--control"):
        parser.add_argument(name, required=True)
    parser.add_argument("--minor", type=int, default=19)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    address, _, port = options.listen.rpartition(":")
    store, context = Store(options.minor), tls_context(options.certificate, options.key)
    server = Server((address.strip("[]"), int(port)), context, store, options.token_file)
    control = Control(options.control, store)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print(f"kubernetes: listening on {address}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
