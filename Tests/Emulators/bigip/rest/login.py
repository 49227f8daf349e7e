# SPDX-License-Identifier: Apache-2.0
"""Who may ask: logins, tokens, and the one kind of Basic that works."""

import base64
import json

from bigip.rest import errors
from bigip.rest.errors import Answer
from bigip.tokens import LONGEST

LOGIN = "/mgmt/shared/authn/login"
TOKENS = "/mgmt/shared/authz/tokens"
PROVIDER = "https://localhost/mgmt/cm/system/authn/providers/%s/login"
ELSEWHERE = "192.0.2.99"


class Gate:
    def __init__(self, device, tokens):
        self.device, self.tokens = device, tokens

    def login(self, request):
        if request.method != "POST":
            return errors.rest_error(405, "Method not allowed.", request.peer)
        try:
            body = json.loads(request.body)
            user, password = str(body["username"]), str(body["password"])
        except (ValueError, KeyError, TypeError):
            return errors.rest_error(400, "username and password must not be null or empty",
                                     request.peer)
        return self.grant(user, password, str(body.get("loginProviderName", "tmos")), request)

    def grant(self, user, password, provider, request):
        if not self.tokens.credentials_match(user, password):
            answer = errors.login_refused(user, provider, request.peer)
            answer.event = "refusedLogins"
            return answer
        peer = ELSEWHERE if "token-address" in request.flags else request.peer
        token = None
        if "token-limit" not in request.flags:
            token = self.tokens.login(peer, request.flags.get("token-life", {}).get("seconds"))
        if token is None:
            return errors.too_many_tokens(user, request.peer)
        return Answer(200, self.granted(user, token, request.flags), event="logins")

    def granted(self, user, token, flags):
        """Old units name the provider asked for, and the groups of the user."""
        provider = "local" if self.device.dialect.has_fqdn else "tmos"
        body = {"username": user, "loginReference": {"link": PROVIDER % provider},
                "loginProviderName": provider, "token": token.body(flags), "generation": 0,
                "lastUpdateMicros": 0}
        return body if provider == "local" else dict(body, groupReferences=[])

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
        peer = ELSEWHERE if "other-address" in request.flags else request.peer
        token, why = self.tokens.find(text, peer)
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
        return Answer(200, token.body(request.flags))

    def extend(self, request, token):
        try:
            seconds = int(json.loads(request.body)["timeout"])
        except (ValueError, KeyError, TypeError):
            return errors.rest_error(400, "timeout must be a number", request.peer)
        if seconds > LONGEST:
            return errors.rest_error(406, "Auth-token absolute timeout (36000 seconds) exceeded",
                                     request.peer)
        token.extend(seconds)
        return Answer(200, token.body(request.flags))
