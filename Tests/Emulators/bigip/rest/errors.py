# SPDX-License-Identifier: Apache-2.0
"""The answers of a unit that refuses, restarts or breaks.

JSON of restjavad and mcpd, HTML of Apache and Tomcat. `faithful` builds one by status code and
variant, for the misbehaviours; the router uses the functions.
"""

import itertools
import json

operation_numbers = itertools.count(7502011)
JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=iso-8859-1"


class Answer:
    """What goes back to the client."""

    def __init__(self, status, body, content_type=JSON_TYPE, event=None):
        self.status = status
        self.body = body
        if not isinstance(body, bytes):
            self.body = json.dumps(body, separators=(",", ":")).encode()
        self.content_type = content_type
        self.event = event
        self.headers = {}

    def copy(self):
        """For a damage, which must not reach an answer that is kept."""
        return Answer(self.status, self.body, self.content_type, self.event)


def rest_error(code, message, referer=None, **extra):
    """restjavad's own form."""
    body = {"code": code, "message": message}
    body.update(extra)
    if referer:
        body["referer"] = referer
    body.update({"restOperationId": next(operation_numbers), "kind": ":resterrorresponse"})
    return Answer(code, body)


def mcp_error(code, message, api_error):
    """The form of an error that came from mcpd."""
    return Answer(code, {"code": code, "message": message, "errorStack": [], "apiError": api_error})


PAGE = ("<!DOCTYPE html>\n<html><head><title>%s</title></head>\n"
        "<body><h1>%s</h1>\n<p>%s</p></body></html>\n")


def html(code, title, text):
    return Answer(code, (PAGE % (title, title, text)).encode("iso-8859-1"), HTML_TYPE)


def not_found(noun, full_path):
    return mcp_error(404, "01020036:3: The requested %s (%s) was not found." % (noun, full_path), 3)


def public_path(path, peer):
    shown = path.replace("/mgmt", "", 1).replace("~", "?")
    return rest_error(404, "Public URI path not registered: " + shown, peer)


def no_token(path, peer):
    return rest_error(401, "Authorization failed: no user authentication header or token detected. "
                           "Uri:http://localhost:8100%s Referrer:%s Sender:%s"
                      % (path, peer, peer), peer)


def not_permitted(user, method, path, peer):
    return rest_error(401, "Authorization failed: "
                           "user=https://localhost/mgmt/shared/authz/users/%s "
                           "resource=%s verb=%s uri:http://localhost:8100%s referrer:%s sender:%s"
                      % (user, path, method, path, peer, peer), peer)


def token_refused(why, peer):
    text = "has expired" if why == "expired" else "does not exist"
    return rest_error(401, "X-F5-Auth-Token %s." % text, peer)


def login_refused(user, provider, peer):
    original = json.dumps({"username": user, "loginProviderName": provider,
                           "generation": 0, "lastUpdateMicros": 0})
    return rest_error(401, "Authentication failed.", peer, originalRequestBody=original)


def too_many_tokens(user, peer):
    return rest_error(400, "user %s has reached maximum active login tokens" % user, peer)


def login_page():
    return html(401, "Authentication required!",
                "This server could not verify that you are authorized to access the URL.")


def timed_out(method, peer):
    where = "remoteSender:%s, method:%s " % (peer, method)
    return rest_error(400, where, peer,
                      errorStack=["java.util.concurrent.TimeoutException: " + where])


def waiting_path(path):
    return rest_error(404, "URI path %s not registered.  Please verify URI is supported and wait "
                           "for /available suffix to be responsive." % path.replace("~", "?"))


def cut_brace(answer):
    """A published body of this error lacks its last brace."""
    answer.body = answer.body[:-1]
    return answer


def absent_pool(path):
    return not_found("Pool", "/" + path.split("~", 1)[-1].split("/")[0].replace("~", "/"))


def absent_object(path):
    return mcp_error(404, "Object not found - /" + path.rsplit("~", 1)[-1], 1)


def mcpd_lost():
    return mcp_error(500, "The connection to mcpd has been lost, try again.", 32768001)


def proxy_error():
    return html(502, "502 Proxy Error",
                "The proxy server received an invalid response from an upstream server.")


def restarting():
    """Its registered-trademark sign is the single byte 0xAE."""
    return html(503, "BIG-IP\u00ae - Configuration Utility restarting...",
                "This page will reload when it is ready.")


def busy():
    return mcp_error(503, "There is an active asynchronous task executing.", 32964609)


def as3_busy():
    """AS3 while another declaration is being worked on."""
    return Answer(503, {"code": 503, "errors": [], "message":
                        "Configuration operation in progress on device, "
                        "please try again in 2 minutes."})


def denied(code, user, request):
    if code == 404:
        return public_path(request.path, request.peer)
    if code == 400:
        return rest_error(400, "remoteSender:%s, method:%s " % (request.peer, request.method),
                          request.peer)
    answer = not_permitted(user, request.method, request.path, request.peer)
    if code == 403:
        answer = rest_error(403, "Access denied: user has no rights to %s" % request.path,
                            request.peer)
    return answer


def booting(peer):
    text = "Unable to process request /tm/sys/available. Service is unavailable."
    return rest_error(503, text, peer)


FAITHFUL = {
    (400, "timeout"): lambda method, path, peer: timed_out(method, peer),
    (400, "tokens"): lambda method, path, peer: too_many_tokens("podpath", peer),
    (401, "expired"): lambda method, path, peer: token_refused("expired", peer),
    (401, "unknown"): lambda method, path, peer: token_refused("unknown", peer),
    (401, "glitch"): lambda method, path, peer: no_token(path, peer),
    (401, "html"): lambda method, path, peer: login_page(),
    (401, "lockout"): lambda method, path, peer: rest_error(401, LOCKED_OUT, peer),
    (404, "waiting"): lambda method, path, peer: waiting_path(path),
    (404, "public"): lambda method, path, peer: cut_brace(public_path(path, peer)),
    (404, "absent"): lambda method, path, peer: absent_pool(path),
    (404, "object"): lambda method, path, peer: absent_object(path),
    (404, "silent"): lambda method, path, peer: rest_error(404, "", peer),
    (500, "mcpd"): lambda method, path, peer: mcpd_lost(),
    (500, "async"): lambda method, path, peer: html(500, "AsyncContext Timeout", "Error 500"),
    (502, "proxy"): lambda method, path, peer: proxy_error(),
    (503, "restarting"): lambda method, path, peer: restarting(),
    (503, "task"): lambda method, path, peer: busy(),
    (503, "as3"): lambda method, path, peer: as3_busy(),
    (503, "boot"): lambda method, path, peer: booting(peer),
}
LOCKED_OUT = "Maximum number of login attempts exceeded."
DEFAULT_VARIANT = {}
for code_and_variant in FAITHFUL:
    DEFAULT_VARIANT.setdefault(*code_and_variant)


def faithful(code, variant, method, path, peer):
    return FAITHFUL[code, variant or DEFAULT_VARIANT[code]](method, path, peer)
