# SPDX-License-Identifier: Apache-2.0
"""What packaging/binaries has made: size, libraries, nothing of where it was built, version and revision; and that
the collector speaks with the service manager."""

import pathlib
import re
import signal
import subprocess
import tempfile
import time

from checks import BINARIES, PROGRAMS, REPOSITORY, ServiceManager, expect, require_binaries, run, run_all, said_version

# On disk. The collector's is a little above what it has, so that another library that comes in is seen; a third of it is
# the Unicode data that Swift's Foundation brings.
LIMITS = {"podpath-agent": 8_000_000, "podpath-collector": 105_000_000}
COMMON = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libssl.so.3", "libcrypto.so.3",
          "ld-linux-x86-64.so.2"}
LIBRARIES = {"podpath-agent": COMMON | {"libmnl.so.0"},
             "podpath-collector": COMMON | {"libsqlite3.so.0", "libcrypt.so.1", "libz.so.1"}}


def size(program):
    size = (BINARIES / program).stat().st_size
    expect(size <= LIMITS[program], f"{size} bytes, {LIMITS[program]} are allowed")
    return f"{size / 1e6:.1f} MB"


def libraries(program):
    dynamic = run("readelf", "--dynamic", BINARIES / program)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    expect(needed == LIBRARIES[program], f"{sorted(needed ^ LIBRARIES[program])} more or less than expected")
    expect("PATH)" not in dynamic, "it looks for libraries in places of its own")
    expect("BIND_NOW" in dynamic and "PIE" in dynamic, "not bound at its start, or at a fixed address")
    expect("GNU_RELRO" in run("readelf", "--program-headers", BINARIES / program), "no GNU_RELRO")


def places(program):
    """Nothing of this folder or its user is within."""
    content = (BINARIES / program).read_bytes()
    for word in (str(REPOSITORY), str(pathlib.Path.home()) + "/"):
        at = content.find(word.encode())
        expect(at < 0, f"holds {content[max(0, at - 20):at + 80]!r}")


def stripped(program):
    sections = run("readelf", "--sections", "--wide", BINARIES / program)
    expect(" .symtab" not in sections and " .debug_info" not in sections, "not stripped")
    ids = [re.search(r"Build ID: (\w+)", run("readelf", "--notes", path))[1]
           for path in (BINARIES / program, BINARIES / f"{program}.debug")]
    expect(ids[0] == ids[1], f"build ids {ids}")
    expect(".debug_info" in run("readelf", "--sections", "--wide", BINARIES / f"{program}.debug"), "no debug information")


def version(program):
    name, number, revision = said_version(BINARIES / program)
    expect(name == program, f"calls itself {name}")
    expect(re.fullmatch(r"\d+\.\d+\.\d+", number), f"version {number}")
    head = subprocess.run(["git", "rev-parse", "HEAD"], text=True, capture_output=True, cwd=REPOSITORY)
    commit = head.stdout.strip() if head.returncode == 0 else revision
    expect(revision.removesuffix("-modified") == commit, f"revision {revision}, built from {commit}")
    return f"{number}, {revision[:12]}"


def one_version():
    """Of programs, chart, images in the manifests, and package."""
    number = said_version()[1]
    packaging = REPOSITORY / "packaging"
    texts = {"Chart.yaml": f"appVersion: {number}\n", "base/agent.yaml": f"image: podpath-agent:{number}\n",
             "base/collector.yaml": f"image: podpath-collector:{number}\n"}
    found = {name: (packaging / "kubernetes" / ("chart" if name == "Chart.yaml" else "") / name).read_text()
             for name in texts}
    wrong = [name for name, words in texts.items() if words not in found[name]]
    wrong += [] if f"podpath ({number})" in (packaging / "debian/changelog").read_text() else ["debian/changelog"]
    expect(not wrong, f"{number} is not what {wrong} say")


def archive():
    """An archive of git's knows its commit without git."""
    head = run("git", "rev-parse", "HEAD", cwd=REPOSITORY).strip()
    packed = subprocess.run(["git", "archive", "HEAD", "Shared/CRevision/revision.c"], capture_output=True,
                            cwd=REPOSITORY, timeout=60).stdout
    expect(f'"{head}"'.encode() in packed, "no commit in the archive's revision.c")


def service(_=None):
    """READY after the first judgement, signs of life, STOPPING; the watchdog's are of judgements."""
    manager = ServiceManager()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "podpath.yml")
        file.write_text("pod-cidrs: [10.16.0.0/12]\nhttp: { listen: 127.0.0.1:0 }\n")
        process = subprocess.Popen(
            [BINARIES / "podpath-collector", "serve", "--config", file], stderr=subprocess.DEVNULL,
            env={"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "1000000"})
        try:
            expect("READY=1" in manager.hear("READY=1")[0], f"first it says {manager.words[:1]}")
            manager.hear("WATCHDOG=1")
            expect(any(word.startswith("STATUS=") for word in manager.words), "no status")
            manager.words.clear()
            began = time.monotonic()
            manager.hear("WATCHDOG=1")
            expect(time.monotonic() - began < 1, "a sign of life came later than the manager waits for")
            process.send_signal(signal.SIGTERM)
            manager.hear("STOPPING=1")
            expect(process.wait(10) == 0, f"exit {process.returncode}")
        finally:
            process.kill()
            process.wait()


def main():
    require_binaries()
    each = [(f"{program}: {name}", lambda check=check, program=program: check(program))
            for program in PROGRAMS
            for name, check in (("size", size), ("libraries", libraries), ("no path of the builder's", places),
                                ("stripped, with debug files", stripped), ("version and revision", version))]
    run_all([*each, ("one version everywhere", one_version), ("an archive knows its commit", archive),
             ("the collector speaks with the service manager", service)])


if __name__ == "__main__":
    main()
