# SPDX-License-Identifier: Apache-2.0
"""The pods of one node: `pods.py DIRECTORY ADDRESS…` answers GET /health.html on port 80 of each.

While DIRECTORY holds a file ADDRESS.down, that pod answers 503.
"""

import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEALTHY = b"server is ok\n"
UNWELL = b"out of order\n"


class Health(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self):
        if self.path != "/health.html":
            self.answer(404, b"not here\n")
        elif os.path.exists(os.path.join(sys.argv[1], self.server.server_address[0] + ".down")):
            self.answer(503, UNWELL)
        else:
            self.answer(200, HEALTHY)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """A health check a second is not worth a line."""


class Server(ThreadingHTTPServer):
    def server_bind(self):
        """Without the base class's look-up of a host name, which waits for a resolver."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]

    def handle_error(self, request, client_address):
        """A monitor that hangs up early is no news."""


def main():
    servers = [Server((address, 80), Health) for address in sys.argv[2:]]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
