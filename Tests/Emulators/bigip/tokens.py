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
    def __init__(self, user, address, generation, started, life, real_life):
        self.text = "".join(secrets.choice(ALPHABET) for _ in range(26))
        self.user, self.address, self.generation = user, address, generation
        self.started, self.begun = started, time.monotonic()
        self.timeout, self.deadline = life, self.begun + real_life

    def extend(self, seconds):
        self.timeout = seconds
        self.deadline = self.begun + seconds

    def start_time(self, started):
        clock = time.localtime(started)
        zone = time.strftime("%z", clock) or "+0000"
        return time.strftime("%Y-%m-%dT%H:%M:%S", clock) + ".%03d%s" % (started % 1 * 1000, zone)

    def body(self, flags=None):
        """`flags` may hold a clock-offset: of all the times, or of the expiry alone."""
        fault = (flags or {}).get("clock-offset")
        offset = fault["seconds"] if fault else 0
        started = self.started + (0 if fault and fault.get("only") == "expiration" else offset)
        micros, wrong = int(started * 1000000), int((self.started + offset) * 1000000)
        return {"token": self.text, "name": self.text, "userName": self.user,
                "authProviderName": "local",
                "user": {"link": "https://localhost/mgmt/shared/authz/users/" + self.user},
                "timeout": self.timeout, "startTime": self.start_time(started),
                "address": self.address,
                "partition": "[All]", "generation": self.generation, "lastUpdateMicros": micros,
                "expirationMicros": wrong // 1000 * 1000 + self.timeout * 1000000,
                "kind": "shared:authz:tokens:authtokenitemstate",
                "selfLink": "https://localhost/mgmt/shared/authz/tokens/" + self.text}


class TokenStore:
    def __init__(self, username, password, life=LIFE, limit=MOST_PER_USER, now=time.time):
        self.username, self.password = username, password
        self.life, self.limit, self.now = life, limit, now
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

    def login(self, address, real_life=None):
        """A new token, or None at the limit of live tokens; the built-in admin has none.

        `real_life` is how long it truly lives, when that is not what it says.
        """
        with self.lock:
            self.sweep()
            if len(self.tokens) >= self.limit and self.username != "admin":
                return None
            lasts = self.life if real_life is None else real_life
            token = Token(self.username, address, 1, self.now(), self.life, lasts)
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

    def expire_all(self):
        with self.lock:
            for token in self.tokens.values():
                token.deadline = 0
            self.sweep()

    def forget_all(self):
        with self.lock:
            self.tokens.clear()
            self.expired.clear()

    def __len__(self):
        with self.lock:
            self.sweep()
            return len(self.tokens)
