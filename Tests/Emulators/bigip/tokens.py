# SPDX-License-Identifier: Apache-2.0
"""Login tokens as /mgmt/shared/authn/login hands them out.

26 characters, 1,200 s, tied to the client's address, 100 a user at most.
"""

import hmac
import secrets
import threading
import time

LIFE = 1200
LONGEST = 36000
MOST_PER_USER = 100
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Token:
    def __init__(self, user, address, generation):
        self.text = "".join(secrets.choice(ALPHABET) for _ in range(26))
        self.user, self.address, self.generation = user, address, generation
        self.started = time.time()
        self.timeout, self.deadline = LIFE, time.monotonic() + LIFE

    def extend(self, seconds):
        self.timeout = seconds
        self.deadline = self.deadline_from_start(seconds)

    def deadline_from_start(self, seconds):
        return time.monotonic() + seconds - (time.time() - self.started)

    def start_time(self):
        clock = time.localtime(self.started)
        zone = time.strftime("%z", clock) or "+0000"
        return time.strftime("%Y-%m-%dT%H:%M:%S", clock) + ".%03d%s" % (self.started % 1 * 1000,
                                                                        zone)

    def body(self):
        micros = int(self.started * 1000000)
        return {"token": self.text, "name": self.text, "userName": self.user,
                "authProviderName": "local",
                "user": {"link": "https://localhost/mgmt/shared/authz/users/" + self.user},
                "timeout": self.timeout, "startTime": self.start_time(), "address": self.address,
                "partition": "[All]", "generation": self.generation, "lastUpdateMicros": micros,
                "expirationMicros": micros // 1000 * 1000 + self.timeout * 1000000,
                "kind": "shared:authz:tokens:authtokenitemstate",
                "selfLink": "https://localhost/mgmt/shared/authz/tokens/" + self.text}


class TokenStore:
    def __init__(self, username, password):
        self.username, self.password = username, password
        self.lock = threading.Lock()
        self.tokens = {}
        self.expired = {}

    def credentials_match(self, username, password):
        same_user = hmac.compare_digest(str(username).encode(), self.username.encode())
        same_password = hmac.compare_digest(str(password).encode(), self.password.encode())
        return same_user and same_password

    def sweep(self):
        """Moves dead tokens aside: an expired one is answered otherwise than one never seen."""
        now = time.monotonic()
        for text in [t for t, token in self.tokens.items() if token.deadline <= now]:
            self.expired[text] = True
            del self.tokens[text]
        while len(self.expired) > 1000:
            self.expired.pop(next(iter(self.expired)))

    def login(self, address):
        """A new token, or None at the limit of live tokens; the built-in admin has none."""
        with self.lock:
            self.sweep()
            if len(self.tokens) >= MOST_PER_USER and self.username != "admin":
                return None
            token = Token(self.username, address, 1)
            self.tokens[token.text] = token
            return token

    def find(self, text, address):
        """(token, '') or (None, 'expired' | 'unknown')"""
        with self.lock:
            self.sweep()
            token = self.tokens.get(text)
            if token and token.address == address:
                return token, ""
            return None, "expired" if text in self.expired else "unknown"

    def get(self, text):
        with self.lock:
            return self.tokens.get(text)

    def remove(self, text):
        with self.lock:
            return self.tokens.pop(text, None)

    def forget_all(self):
        with self.lock:
            self.tokens.clear()
            self.expired.clear()

    def __len__(self):
        with self.lock:
            self.sweep()
            return len(self.tokens)
