# SPDX-License-Identifier: Apache-2.0
"""The emulators' control sockets: one JSON object a line in, one out."""

import json
import socket

from state import LabError


def ask(path, request, name):
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            reply = json.loads(connection.makefile().readline())
    except (OSError, ValueError) as error:
        raise LabError(f"{name}: {error}") from None
    if not reply.get("ok"):
        raise LabError(f"{name}: {reply.get('error')}")
    return reply
