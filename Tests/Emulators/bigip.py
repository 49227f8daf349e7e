#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An emulator of one BIG-IP unit (TMOS 11.6 to 16.1, iControl REST over HTTPS) for lab and tests.

It answers what the collector reads, as the real unit answers it, and its pool members are up or
down because a real monitor inside this process reached them or did not: run it inside a network
namespace and the members see that namespace's routes. Two such processes are a pair. Standard
library only. It misbehaves on request through a unix socket (see bigip/control.py). It never
prints a password or a token.

    python3 bigip.py --listen 127.0.0.1:8443 --certificate c.pem --key k.pem \\
        --config ltm.json --control /run/ltm.sock [--floating 10.9.9.9:443] [--verbose]

The configuration is described in bigip/configuration.py. Once it listens it prints
`bigip: listening on ADDRESS:PORT`; port 0 picks one. The floating address is served only while
this unit is active.
"""

import argparse
import signal
import sys
import threading

from bigip.addresses import ConfigurationError
from bigip.configuration import load
from bigip.control import Commands, ControlServer
from bigip.counters import Counters
from bigip.device import Device
from bigip.listener import Floating, Listener
from bigip.misbehaviour import Misbehaviours
from bigip.monitors import Monitors
from bigip.pair import Pair
from bigip.rest.router import Router
from bigip.server import Server, parse_listen, tls_context
from bigip.tokens import TokenStore


ENDS = signal.SIGTERM, signal.SIGINT


def arguments():
    parser = argparse.ArgumentParser(description="BIG-IP emulator (iControl REST)")
    for name in ("--listen", "--certificate", "--key", "--config", "--control"):
        parser.add_argument(name, required=True)
    parser.add_argument("--floating", help="served only while this unit is active")
    parser.add_argument("--verbose", action="store_true",
                        help="one line a request on stderr, without credentials")
    return parser.parse_args()


def assemble(options):
    """Builds the parts and returns (monitors, listener, control server)."""
    configuration = load(options.config)
    device = Device(configuration)
    counters, misbehaviours = Counters(), Misbehaviours()
    tokens = TokenStore(device.username, device.password, configuration["tokenLife"],
                        configuration["tokenLimit"], device.now)
    device.pair, monitors = Pair(device, tokens), Monitors(device)
    router = Router(device, tokens)
    context = tls_context(options.certificate, options.key)

    def make_server(address):
        return Server(address, context, router, counters, misbehaviours, options.verbose)

    listener = Listener(parse_listen(options.listen), make_server)
    commands = Commands(device, monitors, tokens, counters, misbehaviours, listener)
    listener.open()
    if options.floating:
        commands.floating = Floating(Listener(parse_listen(options.floating), make_server), device)
    return monitors, listener, ControlServer(options.control, commands.verbs(), device.pair.obey)


def serve(monitors, listener, control):
    """Runs until SIGTERM or SIGINT."""
    monitors.start()
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print("bigip: listening on %s:%d" % listener.address, file=sys.stderr, flush=True)
    signal.sigwait(ENDS)
    control.close()
    monitors.stop()


def main():
    """The signals are held back in every thread and waited for in this one: a handler could
    come between the steps of whatever it interrupts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        serve(*assemble(arguments()))
    except (ConfigurationError, OSError) as error:
        print("bigip: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
