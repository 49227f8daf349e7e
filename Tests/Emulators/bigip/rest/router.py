# SPDX-License-Identifier: Apache-2.0
"""From a request to its answer: login and tokens, then collections, single objects, statistics.

Read-only: any write is refused. Two traps of the real thing are kept. `ltm/pool/members/stats`
gives pool statistics, of /Common only; a short pool name (`ltm/pool/x/members/stats`) means
/Common/x and gives pool-level statistics under a kind that promises members.
"""

import base64
import json
import re
from urllib.parse import unquote

from bigip.rest import errors, objects, statistics
from bigip.rest.errors import Answer
from bigip.rest.objects import escape, kind
from bigip.rest.queries import Query, QueryError
from bigip.tokens import LONGEST

LOGIN = "/mgmt/shared/authn/login"
TOKENS = "/mgmt/shared/authz/tokens"
PROVIDER = "https://localhost/mgmt/cm/system/authn/providers/local/login"
COLLECTIONS = {
    "ltm/pool": (objects.pools, "Pool"), "ltm/node": (objects.nodes, "Node"),
    "ltm/virtual": (objects.virtuals, "Virtual Server"),
               "ltm/virtual-address": (objects.virtual_addresses, "Virtual Address"),
    "ltm/monitor/http": (objects.monitors, "Monitor"), "net/route": (objects.routes, "Route"),
    "net/self": (objects.self_ips, "Self IP"), "net/route-domain": (objects.route_domains,
                                                                    "Route Domain"),
    "auth/partition": (objects.partitions, "folder"), "cm/device": (objects.devices, "device"),
}
for monitor_type in ("https", "tcp", "tcp-half-open", "icmp", "gateway-icmp", "udp"):
    COLLECTIONS["ltm/monitor/" + monitor_type] = (lambda device: [], "Monitor")
SINGLE_ROWS = {
    "sys/ready": statistics.ready, "sys/mcp-state": statistics.mcp_state,
               "sys/version": statistics.version,
    "cm/failover-status": statistics.failover_status, "cm/sync-status": statistics.sync_status,
}


class Request:
    def __init__(self, method, target, headers, body, peer):
        self.method, self.headers, self.body, self.peer = method, headers, body, peer
        self.path, _, self.query = target.partition("?")
        self.flags = {}


class Router:
    def __init__(self, device, tokens):
        self.device, self.tokens = device, tokens

    def answer(self, request):
        if re.search(r"%(?![0-9A-Fa-f]{2})", request.path):
            return errors.html(400, "400 Bad Request",
                               "Your browser sent a request that this server could not understand.")
        if request.path == LOGIN:
            return self.login(request)
        refusal, token = self.authenticate(request)
        if refusal:
            return refusal
        if request.path.startswith(TOKENS + "/"):
            return self.token(request, token)
        if request.method != "GET":
            answer = errors.not_permitted(self.device.username, request.method, request.path,
                                          request.peer)
            answer.event = "writes"
            return answer
        return self.read(request)

    def login(self, request):
        if request.method != "POST":
            return errors.rest_error(405, "Method not allowed.", request.peer)
        try:
            body = json.loads(request.body)
            user, password = str(body["username"]), str(body["password"])
        except (ValueError, KeyError, TypeError):
            return errors.rest_error(400, "username and password must not be null or empty",
                                     request.peer)
        return self.grant(user, password, str(body.get("loginProviderName", "tmos")), request.peer)

    def grant(self, user, password, provider, peer):
        if not self.tokens.credentials_match(user, password):
            answer = errors.login_refused(user, provider, peer)
            answer.event = "refusedLogins"
            return answer
        token = self.tokens.login(peer)
        if token is None:
            return errors.too_many_tokens(user, peer)
        return Answer(200, {"username": user,
                            "loginReference": {"link": PROVIDER},
                            "loginProviderName": "local", "token": token.body(), "generation": 0,
                            "lastUpdateMicros": 0},
                      event="logins")

    def authenticate(self, request):
        """(refusal or None, token or None)

        Basic wins over a token sent beside it, and works for the built-in admin only.
        """
        basic = request.headers.get("Authorization", "")
        if basic:
            return self.basic(basic), None
        text = request.headers.get("X-F5-Auth-Token")
        if not text:
            return errors.no_token(request.path, request.peer), None
        token, why = self.tokens.find(text, request.peer)
        return (None, token) if token else (errors.token_refused(why, request.peer), None)

    def basic(self, header):
        try:
            user, _, password = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
        except ValueError:
            user = password = ""
        if user == "admin" and self.tokens.credentials_match(user, password):
            return None
        answer = errors.login_page()
        answer.event = "basic"
        return answer

    def token(self, request, own):
        """GET, PATCH and DELETE of one's own token."""
        text = request.path[len(TOKENS) + 1:]
        token = self.tokens.get(text)
        if token is None:
            return errors.rest_error(404, "Object not found", request.peer)
        if own is None or token.user != own.user:
            return errors.not_permitted(self.device.username, request.method, TOKENS, request.peer)
        if request.method == "DELETE":
            self.tokens.remove(text)
        elif request.method == "PATCH":
            return self.extend(request, token)
        return Answer(200, token.body())

    def extend(self, request, token):
        try:
            seconds = int(json.loads(request.body)["timeout"])
        except (ValueError, KeyError, TypeError):
            return errors.rest_error(400, "timeout must be a number", request.peer)
        if seconds > LONGEST:
            return errors.rest_error(406, "Auth-token absolute timeout (36000 seconds) exceeded",
                                     request.peer)
        token.extend(seconds)
        return Answer(200, token.body())

    def read(self, request):
        if not request.path.startswith("/mgmt/tm/"):
            return errors.public_path(request.path, request.peer)
        try:
            query = Query(request.query)
        except (QueryError, ValueError) as error:
            return errors.rest_error(400, str(error), request.peer)
        segments = [unquote(part) for part in request.path[len("/mgmt/tm/"):].strip("/").split("/")]
        with self.device.lock:
            return self.find(segments, query, request) or errors.public_path(request.path,
                                                                             request.peer)

    def find(self, segments, query, request):
        path = "/".join(segments)
        if path in SINGLE_ROWS:
            return self.row(path, query, request.flags)
        if path in COLLECTIONS:
            return self.collection(path, kind(path), self.items(path, request.flags), query)
        if path == "ltm/pool/members/stats":
            return self.trap(query)
        if segments[-1] == "stats" and "/".join(segments[:-1]) in ("ltm/pool", "ltm/virtual",
                                                                   "ltm/node"):
            return self.all_statistics("/".join(segments[:-1]), query)
        if segments[:2] == ["ltm", "pool"] and len(segments) > 3:
            return self.below_pool(segments[2], segments[3:], query)
        if segments[:2] == ["ltm", "virtual"] and len(segments) == 4 and segments[3] == "stats":
            return self.virtual_statistics(full_path(segments[2]), query)
        return self.single("/".join(segments[:-1]), segments[-1], query, request.flags)

    def items(self, path, flags):
        if path == "cm/device":
            return objects.devices(self.device, "standby" in flags)
        return COLLECTIONS[path][0](self.device)

    def link(self, path, query):
        version = query.version or self.device.version
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.self_query(version))

    def next_link(self, path, query):
        return "https://localhost/mgmt/tm/%s?%s" % (path, query.next_query(self.device.version))

    def row(self, path, query, flags):
        return Answer(200, {"kind": kind(path) + "stats", "selfLink": self.link(path, query),
                            "entries": SINGLE_ROWS[path](self.device, flags)})

    def collection(self, path, kind_prefix, items, query):
        """`items` is left out when there are none; page fields come with a page only."""
        if query.partition:
            items = [item for item in items if item.get("partition",
                                                        query.partition) == query.partition]
        shown = query.page(items)
        body = {"kind": kind_prefix + "collectionstate", "selfLink": self.link(path, query)}
        if query.paged:
            body.update(query.page_fields(len(shown), len(items)))
        if query.has_more(len(items)):
            body["nextLink"] = self.next_link(path, query)
        if shown:
            body["items"] = [query.selected(self.expanded(item, query)) for item in shown]
        return Answer(200, body)

    def expanded(self, item, query):
        if query.expand and "membersReference" in item:
            inner = objects.members(self.device, self.device.find_pool(item["fullPath"]))
            item["membersReference"].update({"items": inner} if inner else {})
        return item

    def single(self, path, name, query, flags):
        if path not in COLLECTIONS:
            return None
        wanted = name if path == "auth/partition" else full_path(name)
        for item in self.items(path, flags):
            if item["fullPath"] == wanted:
                item["selfLink"] = self.link("%s/%s" % (path, escape(item["fullPath"])), query)
                return Answer(200, query.selected(self.expanded(item, query)))
        return errors.not_found(COLLECTIONS[path][1], wanted)

    def statistics(self, path, kind_text, entries, query):
        """`entries` is left out when there are none. Filters do nothing here, pages do."""
        keys = list(entries)
        shown = query.page(keys)
        body = {"kind": kind_text, "selfLink": self.link(path, query)}
        if query.has_more(len(keys)):
            body["nextLink"] = self.next_link(path, query)
        if shown:
            body["entries"] = {key: entries[key] for key in shown}
        return Answer(200, body)

    def all_statistics(self, path, query):
        makers = {"ltm/pool": lambda: statistics.pool_statistics(self.device, self.device.pools),
                  "ltm/virtual": lambda: statistics.virtual_statistics(self.device,
                                                                       self.device.virtuals),
                  "ltm/node": lambda: statistics.node_statistics(self.device)}
        return self.statistics(path + "/stats", kind(path) + "collectionstats", makers[path](),
                               query)

    def trap(self, query):
        common = [pool for pool in self.device.pools if pool.partition == "Common"]
        entries = statistics.pool_statistics(self.device, common, "ltm/pool/members/%s/stats")
        return self.statistics("ltm/pool/members/stats",
                               "tm:ltm:pool:members:memberscollectionstats", entries, query)

    def below_pool(self, name, rest, query):
        wanted = full_path(name)
        pool = next((p for p in self.device.pools if p.full_path == wanted), None)
        if pool is None:
            return errors.not_found("Pool", wanted)
        path = "ltm/pool/%s" % escape(name)
        if rest == ["stats"]:
            return self.pool_statistics(pool, path, query)
        if rest == ["members"]:
            return self.collection(path + "/members", "tm:ltm:pool:members:members",
                                   objects.members(self.device, pool), query)
        if rest == ["members", "stats"]:
            return self.member_statistics(pool, name, path + "/members/stats", query)
        return self.member(pool, rest, path, query) if rest[0] == "members" else None

    def pool_statistics(self, pool, path, query):
        """13.1 keys one object's statistics by its name twice."""
        entries = statistics.pool_statistics(self.device, [pool], path + "/%s/stats")
        return self.statistics(path + "/stats", "tm:ltm:pool:poolstats", entries, query)

    def member_statistics(self, pool, name, path, query):
        if name.startswith("~"):
            entries = statistics.member_statistics(self.device, pool)
            return self.statistics(path, "tm:ltm:pool:members:memberscollectionstats", entries,
                                   query)
        entries = statistics.pool_statistics(self.device, [pool], "ltm/pool/members/%s/stats")
        return self.statistics(path, "tm:ltm:pool:members:membersstats", entries, query)

    def member(self, pool, rest, path, query):
        wanted = full_path(rest[1])
        for member in pool.members:
            if member.full_path == wanted:
                return self.one_member(member, rest[2:], "%s/members/%s" % (path, escape(rest[1])),
                                       query)
        node, _, port = wanted.rpartition(":")
        return errors.not_found("Pool Member", "%s %s %s" % (pool.full_path, node, port))

    def one_member(self, member, rest, path, query):
        if not rest:
            item = objects.member_object(self.device, member)
            return Answer(200, query.selected(dict(item, selfLink=self.link(path, query))))
        if rest != ["stats"]:
            return None
        key = path + "/%s/stats" % escape(member.full_path)
        entries = statistics.entry(key, "tm:ltm:pool:members:membersstats",
                                   statistics.member_entries(self.device, member),
                                   self.device.version)
        return self.statistics(path + "/stats", "tm:ltm:pool:members:membersstats", entries, query)

    def virtual_statistics(self, wanted, query):
        for virtual in self.device.virtuals:
            if "/%s/%s" % (self.device.partition, virtual["name"]) == wanted:
                path = "ltm/virtual/" + escape(wanted)
                entries = statistics.virtual_statistics(self.device, [virtual], path + "/%s/stats")
                return self.statistics(path + "/stats", "tm:ltm:virtual:virtualstats", entries,
                                       query)
        return errors.not_found("Virtual Server", wanted)


def full_path(segment):
    """~K8S~x to /K8S/x; a short name lies in /Common."""
    return segment.replace("~", "/") if segment.startswith("~") else "/Common/" + segment
