# SPDX-License-Identifier: Apache-2.0
"""From a request to its answer: who asks, what is refused, and who answers.

Read-only: any write is refused. The one exception is util/bash, for an administrator, which
answers `show ip route` of the routing daemon and runs nothing.
"""

import json
import re
from urllib.parse import unquote

from bigip.faults.meaning import frozen
from bigip.rest import errors
from bigip.rest.errors import Answer
from bigip.rest.login import LOGIN, TOKENS, Gate
from bigip.rest.queries import Query, QueryError
from bigip.rest.reader import Reader

BASH = "/mgmt/tm/util/bash"
DECLARE = "/mgmt/shared/appsvcs/declare"


class Request:
    def __init__(self, method, target, headers, body, peer):
        self.method, self.headers, self.body, self.peer = method, headers, body, peer
        self.path, _, self.query = target.partition("?")
        self.flags = {}


class Router:
    def __init__(self, device, tokens):
        self.device, self.gate = device, Gate(device, tokens)
        self.reader = Reader(device)

    def answer(self, request):
        if re.search(r"%(?![0-9A-Fa-f]{2})", request.path):
            return errors.html(400, "400 Bad Request",
                               "Your browser sent a request that this server could not understand.")
        if request.path == LOGIN:
            return self.gate.login(request)
        refusal, token = self.gate.authenticate(request)
        if refusal:
            return refusal
        if request.path.startswith(TOKENS + "/"):
            return self.gate.token(request, token)
        return self.denied(request) or self.allowed(request)

    def allowed(self, request):
        if request.method == "POST" and request.path == BASH:
            return self.bash(request)
        if request.method != "GET":
            answer = errors.not_permitted(self.device.username, request.method, request.path,
                                          request.peer)
            answer.event = "writes"
            return answer
        return frozen(request.flags, request.path, lambda: self.read(request))

    def denied(self, request):
        """What this user may not see, with the status the configuration gives it."""
        below = request.path[len("/mgmt/tm/"):]
        for path, code in self.device.denied.items():
            if below == path or below.startswith(path + "/"):
                return errors.denied(code, self.device.username, request)
        return None

    def bash(self, request):
        """A user who is no administrator gets 400; no output leaves commandResult out."""
        if self.device.configuration["userRole"] != "admin":
            answer = errors.rest_error(400, "remoteSender:%s, method:POST " % request.peer,
                                       request.peer)
            answer.event = "bash"
            return answer
        try:
            command = str(json.loads(request.body)["utilCmdArgs"])
        except (ValueError, KeyError, TypeError):
            return errors.rest_error(400, "utilCmdArgs is missing", request.peer)
        body = {"kind": "tm:util:bash:runstate", "command": "run", "utilCmdArgs": command}
        if "show ip route" in command and self.device.configuration["zebos"]:
            body["commandResult"] = self.device.configuration["zebos"]
        return Answer(200, body, event="bash")

    def read(self, request):
        if request.path == DECLARE and "as3-busy" in request.flags:
            return errors.as3_busy()
        if not request.path.startswith("/mgmt/tm/"):
            return errors.public_path(request.path, request.peer)
        try:
            query = Query(request.query, request.flags)
        except (QueryError, ValueError) as error:
            return errors.rest_error(400, str(error), request.peer)
        segments = [unquote(part) for part in request.path[len("/mgmt/tm/"):].strip("/").split("/")]
        with self.device.lock:
            found = self.reader.find(segments, query)
        return found or errors.public_path(request.path, request.peer)
