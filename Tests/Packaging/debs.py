# SPDX-License-Identifier: Apache-2.0
"""The Debian packages through a host's life, in a small Debian of their own: built, found clean by lintian, installed
before BIRD, enrolled, run by systemd, upgraded, removed, purged.

    sudo python3 Tests/Packaging/debs.py

debootstrap makes that Debian once and keeps it in the user's cache; systemd-nspawn boots it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from checks import PROGRAMS, REPOSITORY, expect, require_binaries, run, run_all, said_version, wait_for

OLDER = "0.0.9"
# What the packages depend on, and a systemd to hold the units to.
INCLUDED = ("systemd", "libmnl0", "libssl3", "libsqlite3-0", "libstdc++6", "zlib1g", "openssl", "ca-certificates")
COLLECTOR, SUPERNET = "127.0.0.1", "10.16.0.0/12"


class Debian:
    """A root folder with a systemd of its own in it, without network but for its own loopback."""

    def __init__(self, folder):
        release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
        suite = release["VERSION_CODENAME"].strip('"')
        home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "podpath")
        kept = home / f"debian-{suite}-{'-'.join(INCLUDED)}.tar"
        self.root = folder / "debian"
        self.root.mkdir()
        if kept.exists():
            run("tar", "--extract", "--numeric-owner", "--file", kept, "--directory", self.root, timeout=300)
        else:
            home.mkdir(parents=True, exist_ok=True)
            run("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", suite, self.root, timeout=1800)
            run("rm", "-rf", self.root / "var/cache/apt/archives", self.root / "var/lib/apt/lists")
            run("tar", "--create", "--numeric-owner", "--file", f"{kept}.new", "--directory", self.root, ".", timeout=300)
            pathlib.Path(f"{kept}.new").rename(kept)
        # debootstrap gives it this machine's, which may be no name of a node.
        self.file("/etc/hostname").write_text("n1\n")
        self.boot()

    def boot(self):
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", self.root, "--machine", "n1", "--register=no", "--keep-unit",
             "--private-network", "/lib/systemd/systemd", "systemd.unit=multi-user.target"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.first = wait_for("systemd", lambda: self.descendant(self.nspawn.pid), 60)
        wait_for("system that is up", lambda: subprocess.run(
            self.command("systemctl", "is-system-running"), text=True, capture_output=True).stdout.strip()
            in ("running", "degraded"), 120)

    @staticmethod
    def descendant(pid):
        """The first process inside, as this machine counts them."""
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        return next((found for found in map(Debian.descendant, children) if found), None)

    def shut_down(self):
        os.kill(int(self.first), signal.SIGKILL)
        self.nspawn.wait(30)

    def command(self, *words, user=None):
        become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
        return ["nsenter", "--target", self.first, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *become,
                *map(str, words)]

    def run(self, *words, user=None, **more):
        return run(*self.command(*words, user=user), **more)

    def file(self, path):
        return self.root / path.lstrip("/")

    def install(self, *packages):
        for package in packages:
            shutil.copy(package, self.file("/opt"))
        return self.run("dpkg", "--install", *(f"/opt/{package.name}" for package in packages))

    def mode(self, path):
        """As `0750 root podpath-agent`."""
        return self.run("stat", "--format", "0%a %U %G", path).strip()

    def service(self, program):
        """What systemd says of it."""
        lines = self.run("systemctl", "show", f"{program}.service").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def log(self, program):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={program}")


class Host:
    """One host, and what happens to it in order."""

    def __init__(self, folder):
        self.folder = folder
        self.debian = Debian(folder)
        self.version = said_version()[1]
        self.packages = {}

    def built(self):
        there = self.folder / self.version
        run(REPOSITORY / "packaging/debs", "--output", there, timeout=1200)
        self.packages[self.version] = [next(there.glob(f"{program}_{self.version}_*.deb")) for program in PROGRAMS]
        self.packages[OLDER] = [self.older(package) for package in self.packages[self.version]]
        return " and ".join(f"{package.stat().st_size / 1e6:.1f} MB" for package in self.packages[self.version])

    def older(self, package):
        """The same under a lower version; to build it again would take a minute to compress."""
        tree = self.folder / f"{package.stem}-older"
        made = self.folder / package.name.replace(self.version, OLDER)
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace(f"Version: {self.version}\n", f"Version: {OLDER}\n"))
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made)
        return made

    def clean(self):
        changes = next((self.folder / self.version).glob("*.changes"), None)
        expect(changes, "nothing was built")
        run("lintian", "--allow-root", "--fail-on", "error,warning", changes, timeout=1200)

    def exposure(self):
        """Of the units, as systemd rates them: 10 is all open."""
        said = []
        for program in PROGRAMS:
            unit = shutil.copy(REPOSITORY / f"packaging/systemd/{program}.service", self.folder)
            rated = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
            score = float(re.search(r"Overall exposure level.*: ([\d.]+) ", rated)[1])
            expect(score <= 1.5, f"{program}: {score}")
            said.append(f"{score}")
        return " and ".join(said)

    def installed(self):
        """An older version first. Nothing runs; the units are enabled; the folders for keys are there."""
        self.debian.install(*self.packages[OLDER])
        for program in PROGRAMS:
            state = self.debian.service(program)
            expect((state["UnitFileState"], state["ActiveState"]) == ("enabled", "inactive"),
                   f"{program} is {state['UnitFileState']}, {state['ActiveState']}")
            self.debian.run("id", program)
        modes = {"/etc/podpath/agent": "0750 root podpath-agent", "/etc/podpath/collector": "0750 root podpath-collector",
                 "/etc/podpath/secrets": "0750 root podpath-collector",
                 "/var/lib/podpath": "0750 podpath-collector podpath-collector"}
        for path, mode in modes.items():
            expect(self.debian.mode(path) == mode, f"{path}: {self.debian.mode(path)}")
        said = subprocess.run(self.debian.command("systemd-analyze", "verify", "--man=no",
                                                  *(f"{program}.service" for program in PROGRAMS)),
                              text=True, capture_output=True)
        expect("podpath" not in said.stderr, said.stderr[-400:])

    def unconfigured(self):
        """Who starts before he has configured anything: the agent is passed over, the collector says what is missing,
        once."""
        self.debian.run("systemctl", "start", "podpath-agent")
        state = self.debian.service("podpath-agent")
        expect((state["ActiveState"], state["ConditionResult"]) == ("inactive", "no"), f"the agent is {state['ActiveState']}")
        self.debian.run("systemctl", "start", "podpath-collector", code=1)
        # Longer than RestartSec.
        time.sleep(6)
        state = self.debian.service("podpath-collector")
        expect((state["ActiveState"], state["NRestarts"], state["ExecMainStatus"]) == ("failed", "0", "2"),
               f"the collector is {state['ActiveState']}, {state['NRestarts']} restarts, exit {state['ExecMainStatus']}")
        expect("pod-cidrs" in self.debian.log("podpath-collector"), "no word of what is missing")

    def bird_later(self):
        """A package that has /usr/sbin/bird, and makes the group as Debian's does."""
        there = self.folder / "bird"
        (there / "DEBIAN").mkdir(parents=True)
        (there / "usr/sbin").mkdir(parents=True)
        (there / "usr/sbin/bird").write_text("#!/bin/sh\n")
        (there / "DEBIAN/control").write_text("Package: bird2\nVersion: 2\nArchitecture: all\nMaintainer: nobody\n"
                                              "Description: for the test\n")
        (there / "DEBIAN/postinst").write_text("#!/bin/sh\ngroupadd --system bird\n")
        (there / "DEBIAN/postinst").chmod(0o755)
        run("dpkg-deb", "--build", "--root-owner-group", there, self.folder / "bird.deb")
        expect("bird" not in self.groups(), "in a group that is not there")
        self.debian.install(self.folder / "bird.deb")
        expect("bird" in self.groups(), f"in {self.groups()}")

    def groups(self):
        return self.debian.run("id", "-nG", "podpath-agent").split()

    def answers(self):
        for program in PROGRAMS:
            words = self.debian.run(program, "--version").split()
            expect(words[:2] == [program, self.version], f"{words}")
        said = self.debian.run("podpath-agent", "report", "--pod-cidr", SUPERNET, user="podpath-agent")
        expect('"kernelComplete":true' in said, said[:200])

    def enrolled(self):
        """The second of the three commands."""
        self.debian.run("podpath-enroll", COLLECTOR, SUPERNET)
        for path, group in (("/etc/podpath/agent/tls.key", "podpath-agent"),
                            ("/etc/podpath/collector/tls.key", "podpath-collector")):
            expect(self.debian.mode(path) == f"0640 root {group}", f"{path}: {self.debian.mode(path)}")
        expect(self.debian.mode("/etc/podpath/authority") == "0700 root root", "the authority is not root's alone")
        for path, line in (("/etc/podpath/podpath.yml", f"pod-cidrs: [{SUPERNET}]"),
                           ("/etc/default/podpath-agent", f"PODPATH_COLLECTORS={COLLECTOR}:10443"),
                           ("/etc/default/podpath-agent", f"PODPATH_POD_CIDRS={SUPERNET}")):
            expect(line in self.debian.file(path).read_text().splitlines(), f"{path}: no {line}")
        self.debian.run("podpath-collector", "check", "--config", "/etc/podpath/podpath.yml", user="podpath-collector")

    def runs(self):
        """The third: started is ready, and the agent reports. A switch's `command` runs within the collector's limits."""
        config = self.debian.file("/etc/podpath/podpath.yml")
        config.write_text(config.read_text() + """
switches:
  - name: leaf-a
    neighbors: [10.1.0.254]
    command: { run: [sh, -c, id -un >/var/lib/podpath/ran], format: frr-json, every: 15s }
""")
        self.debian.run("systemctl", "start", *reversed([f"{program}.service" for program in PROGRAMS]))
        self.reporting()
        wait_for("command", lambda: self.debian.file("/var/lib/podpath/ran").exists())
        expect(self.debian.file("/var/lib/podpath/ran").read_text() == "podpath-collector\n", "it ran as another")
        expect(self.debian.mode("/var/lib/podpath/podpath.sqlite").endswith("podpath-collector podpath-collector"),
               "no store of the collector's")
        expect("StatusText" in self.debian.service("podpath-collector"), "no status of the collector's")

    def reporting(self):
        wait_for("agent that reports", lambda: self.debian.service("podpath-agent").get("StatusText", "").startswith(
            "reporting to 1 of 1 collectors"), 60)

    def confined(self):
        """What the kernel says of both."""
        said = []
        for program in PROGRAMS:
            pid = self.debian.service(program)["MainPID"]
            text = self.debian.run("cat", f"/proc/{pid}/status")
            words = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            expect(all(int(words[kind], 16) == 0 for kind in ("CapEff", "CapPrm", "CapBnd")), f"{program}: capabilities")
            expect((words["NoNewPrivs"], words["Seccomp"]) == ("1", "2"), f"{program}: rights to gain, or no filter")
            mounts = [line.split() for line in self.debian.run("cat", f"/proc/{pid}/mountinfo").splitlines()]
            root = next(mount for mount in reversed(mounts) if mount[4] == "/")
            expect("ro" in root[5].split(","), f"{program}: / can be written")
            said.append(f"{int(words['VmRSS'].split()[0]) / 1024:.1f} MB resident")
        return " and ".join(said)

    def watched(self):
        """One that stands still is killed and started again; the unit's half minute is made four seconds here."""
        for program in PROGRAMS:
            self.debian.run("mkdir", "-p", f"/run/systemd/system/{program}.service.d")
            self.debian.run("sh", "-c", f"printf '[Service]\\nWatchdogSec=4\\nRestartSec=1\\n' "
                                        f">/run/systemd/system/{program}.service.d/short.conf")
        self.debian.run("systemctl", "daemon-reload")
        self.debian.run("systemctl", "restart", *PROGRAMS)
        before = {program: self.debian.service(program)["NRestarts"] for program in PROGRAMS}
        time.sleep(8)
        for program in PROGRAMS:
            expect(self.debian.service(program)["NRestarts"] == before[program], f"{program} is well and was killed")
            self.debian.run("sh", "-c", f"kill -STOP {self.debian.service(program)['MainPID']}")
        for program in PROGRAMS:
            wait_for(f"restart of {program}", lambda program=program: self.debian.service(program)["NRestarts"]
                     != before[program], 60)
        self.reporting()
        for program in PROGRAMS:
            self.debian.run("rm", "-r", f"/run/systemd/system/{program}.service.d")
        self.debian.run("systemctl", "daemon-reload")

    def upgraded(self):
        """What runs is started anew; what was configured and kept is as it was."""
        kept = {path: self.debian.file(path).read_bytes()
                for path in ("/etc/podpath/podpath.yml", "/etc/default/podpath-agent", "/etc/podpath/agent/tls.key")}
        before = {program: self.debian.service(program)["MainPID"] for program in PROGRAMS}
        self.debian.install(*self.packages[self.version])
        for program in PROGRAMS:
            version = self.debian.run("dpkg-query", "-W", "-f", "${Version}", program)
            expect(version == self.version, f"{program} {version}")
            state = self.debian.service(program)
            expect(state["ActiveState"] == "active" and state["MainPID"] != before[program],
                   f"{program} is {state['ActiveState']}, or the same as before")
        self.reporting()
        for path, content in kept.items():
            expect(self.debian.file(path).read_bytes() == content, f"{path} has changed")
        expect("bird" in self.groups(), "no longer in BIRD's group")

    def removed(self):
        """They are stopped; what was configured and kept stays."""
        self.debian.run("dpkg", "--remove", *PROGRAMS)
        running = subprocess.run(self.debian.command("sh", "-c", "grep -l ^podpath- /proc/[0-9]*/comm"), text=True,
                                 capture_output=True).stdout
        expect(not running, "they still run")
        for path in ("/usr/bin/podpath-agent", "/usr/bin/podpath-collector", "/lib/systemd/system/podpath-agent.service"):
            expect(not self.debian.file(path).exists(), f"{path} is left")
        for path in ("/etc/podpath/podpath.yml", "/var/lib/podpath/podpath.sqlite", "/etc/podpath/agent/tls.key"):
            expect(self.debian.file(path).exists(), f"{path} is gone")

    def purged(self):
        """Configuration and state go; the authority, on which other hosts hang, stays."""
        other = self.debian.file("/var/lib/other")
        other.write_text("mine")
        self.debian.run("dpkg", "--purge", *PROGRAMS)
        left = {str(path.relative_to(self.debian.root)) for place in ("etc", "var/lib", "usr", "lib/systemd")
                for path in self.debian.file(place).rglob("*podpath*")
                if not str(path.relative_to(self.debian.root)).startswith("etc/podpath/")}
        expect(left <= {"etc/podpath"}, f"left: {sorted(left)}")
        expect({path.name for path in self.debian.file("/etc/podpath").iterdir()} == {"authority"},
               f"{[path.name for path in self.debian.file('/etc/podpath').iterdir()]}")
        expect(other.read_text() == "mine", "another's file")


def main():
    if os.getuid() != 0:
        sys.exit("run as root: packages are installed in a folder of their own")
    require_binaries()
    for program in ("debootstrap", "dh", "lintian", "systemd-nspawn"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: packaging/setup --packages")
    with tempfile.TemporaryDirectory(prefix="podpath-debs-") as folder:
        # Other users walk through it.
        os.chmod(folder, 0o755)
        host = Host(pathlib.Path(folder))
        try:
            run_all([("built", host.built), ("clean for lintian", host.clean), ("exposure of the units", host.exposure),
                     ("installed, enabled, not started", host.installed), ("not configured", host.unconfigured),
                     ("BIRD comes later", host.bird_later), ("enrolled", host.enrolled), ("started", host.runs),
                     ("confined", host.confined), ("answers", host.answers), ("watched over", host.watched),
                     ("upgraded", host.upgraded), ("removed", host.removed), ("purged", host.purged)])
        finally:
            host.debian.shut_down()


if __name__ == "__main__":
    main()
