# SPDX-License-Identifier: Apache-2.0
"""The first process of a lab: adopts and reaps what the others leave, until SIGTERM.

Run by `unshare --pid --fork --kill-child --mount --mount-proc`; says "ready" on standard output
when the namespaces named on its command line are there.
"""

import os
import signal
import subprocess
import sys


def hide():
    """FRR keeps its crash logs in /var/tmp under its PID, and every lab counts its PIDs from 1."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", "/var/tmp"], check=True)


def create(directory, names):
    for name in names:
        path = os.path.join(directory, name)
        open(path, "w", encoding="ascii").close()
        subprocess.run(["unshare", "--net=" + path, "true"], check=True)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main():
    hide()
    create(sys.argv[1], sys.argv[2:])
    signals = {signal.SIGCHLD, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    print("ready", flush=True)
    while signal.sigwait(signals) != signal.SIGTERM:
        reap()


if __name__ == "__main__":
    main()
