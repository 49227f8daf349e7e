#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An emulator of one BIG-IP unit (TMOS 13.1, iControl REST over HTTPS) for the lab and the tests.

It answers what the collector reads, as the real unit answers it, and its pool members are up or
down because a real HTTP monitor inside this process reached them or did not: run it inside a
network namespace and the members see that namespace's routes. Standard library only. It
misbehaves on request through a unix socket (see bigip/control.py). It never prints a password or
a token.

    python3 bigip.py --listen 127.0.0.1:8443 --certificate c.pem --key k.pem \\
        --config ltm.json --control /run/ltm.sock [--verbose]

The configuration is described in bigip/configuration.py. Once it listens it prints
`bigip: listening on ADDRESS:PORT`; port 0 picks one.
"""

import argparse
import signal
import sys
import threading

from bigip.configuration import ConfigurationError, load
from bigip.control import ControlServer
from bigip.counters import Counters
from bigip.device import Device
from bigip.misbehaviour import Misbehaviours
from bigip.monitors import Monitors
from bigip.rest.router import Router
from bigip.server import Server, parse_listen, tls_context
from bigip.tokens import TokenStore


def arguments():
    parser = argparse.ArgumentParser(description="BIG-IP emulator (iControl REST, TMOS 13.1)")
    for name in ("--listen", "--certificate", "--key", "--config", "--control"):
        parser.add_argument(name, required=True)
    parser.add_argument("--verbose", action="store_true",
                        help="one line a request on stderr, without credentials")
    return parser.parse_args()


def assemble(options):
    """Builds the parts and returns (device, monitors, https server, control server)."""
    device = Device(load(options.config))
    counters, misbehaviours = Counters(), Misbehaviours()
    tokens = TokenStore(device.username, device.password)
    monitors = Monitors(device)
    router = Router(device, tokens)
    context = tls_context(options.certificate, options.key)
    server = Server(parse_listen(options.listen), context, router, counters, misbehaviours,
                    options.verbose)
    control = ControlServer(options.control, device, monitors, tokens, counters, misbehaviours)
    return monitors, server, control


def serve(monitors, server, control):
    """Runs until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    monitors.start()
    for part in (server, control):
        threading.Thread(target=part.serve_forever, daemon=True).start()
    print("bigip: listening on %s:%d" % server.server_address[:2], file=sys.stderr, flush=True)
    stop.wait()
    control.close()
    monitors.stop()


def main():
    try:
        serve(*assemble(arguments()))
    except (ConfigurationError, OSError) as error:
        print("bigip: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
