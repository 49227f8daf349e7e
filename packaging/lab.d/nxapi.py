# SPDX-License-Identifier: Apache-2.0
"""NX-API in front of switch b's FRR: its real RIB in NX-OS's words, as a site's switch is asked."""

import json
import os

import frr
from state import REPOSITORY, LabError, until
from topology import SWITCHES

EMULATOR = REPOSITORY / "Tests/Emulators/nxapi.py"
USER = "podpath"
PASSWORD = "lab-only-5d20"
SWITCH = SWITCHES[1]


def mood_file(lab):
    return lab.path(SWITCH.name, "nxapi.json")


def set_mood(lab, **mood):
    """How the emulator answers from now on; nothing: as a healthy switch."""
    fresh = mood_file(lab).with_suffix(".new")
    fresh.write_text(json.dumps(mood))
    os.replace(fresh, mood_file(lab))


def start(lab):
    lab.path("nxapi-password").write_text(PASSWORD + "\n")
    lab.path("nxapi-password").chmod(0o600)
    set_mood(lab)
    lab.start("nxapi", SWITCH.name, "python3", "-B", EMULATOR, "--listen", f"{SWITCH.management}:443",
              "--certificate", lab.path(f"{SWITCH.name}.crt"), "--key", lab.path(f"{SWITCH.name}.key"),
              "--vtysh", frr.directory(lab, SWITCH), "--user", USER,
              "--password-file", lab.path("nxapi-password"), "--mood", mood_file(lab))
    until(lambda: counts(lab), 10, f"the NX-API emulator does not answer: {lab.path('log')}")


def counts(lab):
    """What the emulator counted, or None while it does not answer."""
    script = (f"import ssl,urllib.request as u;c=ssl.create_default_context(cafile='{lab.path('ca.crt')}');"
              f"print(u.urlopen('https://{SWITCH.management}/counts',context=c,timeout=5).read().decode())")
    try:
        return json.loads(lab.run(SWITCH.name, "python3", "-c", script))
    except (LabError, ValueError):
        return None
