# SPDX-License-Identifier: Apache-2.0
"""An address that is served, not served, and served again."""

import sys
import threading
import time

from bigip.groups import FIRST

OFTEN = 0.1


class Listener:
    """Opens at its first address; when the port was 0, ever after at the one it got."""

    def __init__(self, address, make_server):
        self.address, self.make_server = address, make_server
        self.lock = threading.RLock()
        self.server = None

    def open(self):
        with self.lock:
            if self.server is None:
                self.server = self.make_server(self.address)
                self.address = self.server.server_address[:2]
                threading.Thread(target=self.server.serve_forever, args=(OFTEN,),
                                 daemon=True).start()

    def close(self):
        with self.lock:
            server, self.server = self.server, None
            if server is not None:
                server.shutdown()
                server.server_close()
                server.drop_connections()

    def drop_connections(self):
        with self.lock:
            if self.server is not None:
                self.server.drop_connections()


class Floating:
    """An address that only the unit that carries traffic-group-1 serves.

    The other unit may let it go later than this one wants it, so binding is tried again and again.
    """

    def __init__(self, listener, device):
        self.listener, self.device = listener, device
        self.told = False
        threading.Thread(target=self.keep, daemon=True).start()

    def keep(self):
        while True:
            self.settle()
            time.sleep(OFTEN)

    def settle(self):
        try:
            if not self.device.groups.carries(FIRST):
                self.listener.close()
            elif self.listener.server is None:
                self.listener.open()
                self.announce()
        except OSError:
            pass

    def announce(self):
        if not self.told:
            self.told = True
            print("bigip: floating on %s:%d" % self.listener.address, file=sys.stderr, flush=True)
