# SPDX-License-Identifier: Apache-2.0
"""What packaging/images makes: two archives, the same bytes twice; taken apart without buildah, and run by crun as the
manifests run them: as 65532, on a read-only root, without any capability.

    sudo python3 Tests/Packaging/images.py"""

import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

from checks import (BINARIES, PROGRAMS, REPOSITORY, Wrong, expect, free_port, require_binaries, run, run_all,
                    said_version, wait_for)

USER = 65532
# Compressed, as a registry and each node's download have it.
LIMITS = {"podpath-agent": 12_000_000, "podpath-collector": 50_000_000}
# Resident, after ten seconds of idling. What the manifests allow is four times as much or more.
MEMORY = {"podpath-agent": 16 << 20, "podpath-collector": 96 << 20}
IDLE = 10
# It refuses to work where a machine mixes the two kinds of cgroup, though it is asked to leave them alone.
CRUN = ("unshare", "--mount", "sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', "sh", "crun")


class Image:
    """One archive, taken apart."""

    def __init__(self, archive, folder):
        self.archive = archive
        with tarfile.open(archive) as outer:
            self.index = json.load(outer.extractfile("index.json"))
            self.manifest = self.blob(outer, self.index["manifests"][0]["digest"], json.load)
            self.config = self.blob(outer, self.manifest["config"]["digest"], json.load)
            self.root = folder / archive.stem
            self.root.mkdir()
            for layer in self.manifest["layers"]:
                with tarfile.open(fileobj=self.file(outer, layer["digest"])) as inner:
                    # Owners and rights are what is looked at. Before 3.11.4 there was no such choice.
                    inner.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
                    inner.extractall(self.root, numeric_owner=True)
        self.size = sum(layer["size"] for layer in self.manifest["layers"])

    @staticmethod
    def file(outer, digest):
        return outer.extractfile("blobs/" + digest.replace(":", "/"))

    def blob(self, outer, digest, read):
        return read(self.file(outer, digest))


class Container:
    """The image's program under crun, on the host's network, as its manifest has it."""

    def __init__(self, image, words, folder, mounts=()):
        self.name = f"podpath-test-{os.getpid()}-{image.archive.stem}"
        self.bundle = pathlib.Path(tempfile.mkdtemp(dir=folder))
        (self.bundle / "config.json").write_text(json.dumps(self.spec(image, words, mounts)))
        self.crun = [*CRUN, "--root", str(folder / "crun"), "--cgroup-manager=disabled"]
        self.command = [*self.crun, "run", "--bundle", str(self.bundle), self.name]

    @staticmethod
    def spec(image, words, mounts):
        nothing = {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")}
        user = int(image.config["config"]["User"].split(":")[0])
        bound = [{"destination": inside, "type": "bind", "source": str(outside),
                  "options": ["bind", "rw" if isWritable else "ro", "nosuid", "nodev"]}
                 for inside, outside, isWritable in mounts]
        return {
            "ociVersion": "1.0.0",
            "process": {"terminal": False, "user": {"uid": user, "gid": user}, "cwd": image.config["config"]["WorkingDir"],
                        "args": image.config["config"]["Entrypoint"] + list(words),
                        "env": image.config["config"].get("Env", []), "capabilities": nothing, "noNewPrivileges": True},
            "root": {"path": str(image.root), "readonly": True},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
                        "options": ["nosuid", "nodev", "noexec", "mode=1777", "size=64m"]}, *bound],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]}}

    def run(self):
        return run(*self.command, timeout=60)

    def __enter__(self):
        self.log = open(self.bundle / "log", "wb")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        return self

    def __exit__(self, *_):
        subprocess.run([*self.crun, "kill", self.name, "KILL"], capture_output=True)
        self.process.kill()
        self.process.wait()
        self.log.close()

    @property
    def said(self):
        return (self.bundle / "log").read_text(errors="replace")

    def program(self):
        """The id of the process inside, as the host sees it."""
        state = subprocess.run([*self.crun, "state", self.name], text=True, capture_output=True)
        return json.loads(state.stdout)["pid"] if state.returncode == 0 else None


def made(folder):
    run(REPOSITORY / "packaging/images", "--output", folder, timeout=1200)
    return {program: folder / f"{program}.tar" for program in PROGRAMS}


def same_twice(first, folder):
    for program, archive in made(folder).items():
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first[program], archive)]
        expect(digests[0] == digests[1], f"{program}: {digests}")


def described(image):
    program = image.archive.stem
    _, version, revision = said_version(BINARIES / program)
    config = image.config["config"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    expect(image.index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"].endswith(
        f"{program}:{version}"), "not named as the manifests name it")
    expect(config["User"] == f"{USER}:{USER}", f"user {config['User']}")
    expect(config["Entrypoint"] == [f"/usr/bin/{program}"], f"entry {config['Entrypoint']}")
    expect((labels["version"], labels["revision"], labels["licenses"]) == (version, revision, "Apache-2.0"), f"{labels}")
    expect(labels["title"] and labels["description"], "no title or description")
    expect(image.config["created"][:19] == labels["created"][:19], f"created {image.config['created']}")
    expect(image.size <= LIMITS[program], f"{image.size} bytes, {LIMITS[program]} are allowed")
    unpacked = sum(path.lstat().st_size for path in image.root.rglob("*") if path.is_file() and not path.is_symlink())
    return f"{image.size / 1e6:.1f} MB compressed, {unpacked / 1e6:.1f} MB unpacked"


def contents(image):
    """The program and what it is linked with: nothing else that runs, nothing that gains a right or can be written."""
    program = image.archive.stem
    linked = {pathlib.Path(path).name for path in re.findall(r"(/\S+) \(0x", run("ldd", BINARIES / program))}
    runs = {path.name for path in image.root.rglob("*")
            if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111}
    expect(runs == linked | {program}, f"{sorted(runs ^ (linked | {program}))} more or less than the program needs")
    writable = {"/" + str(path.relative_to(image.root)) for path in image.root.rglob("*")
                if not path.is_symlink() and (path.stat().st_uid == USER or path.stat().st_mode & 0o7002)}
    expected = {"/tmp"} | ({"/var/lib/podpath"} if program == "podpath-collector" else set())
    expect(writable == expected, f"writable or with a special right: {sorted(writable)}")


def bill(image):
    """Each library's package is in the bill with its version; so is what is linked in, with its licence."""
    program = image.archive.stem
    bill = json.loads((image.root / f"usr/share/doc/{program}/sbom.spdx.json").read_text())
    packages = {one["name"]: one for one in bill["packages"]}
    owners = {path.name for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    expect({"libc6", "libssl3", "libstdc++6"} <= owners, f"packages {sorted(owners)}")
    for owner in owners:
        version = run("dpkg-query", "-W", "-f", "${Version}", owner)
        expect(packages[owner]["versionInfo"] == version, f"{owner} {packages[owner]['versionInfo']}, {version} is here")
        expect((image.root / f"usr/share/doc/{owner}/copyright").exists(), f"{owner}: no copyright")
    swift = [one for one in bill["packages"] if "pkg:swift" in json.dumps(one)]
    unknown = [one["name"] for one in swift if one["licenseDeclared"] == "NOASSERTION"]
    expect(not unknown and (len(swift) > 15 if program == "podpath-collector" else len(swift) == 1),
           f"{len(swift)} of Swift, without a licence: {unknown}")
    ids = [one["SPDXID"] for one in bill["packages"]]
    expect(len(set(ids)) == len(ids) == len(bill["relationships"]), "ids or relations are not one for each")
    return f"{len(ids)} packages"


def agent_answers(image, folder):
    version = Container(image, ["--version"], folder).run()
    expect(version.split()[1] == said_version()[1], version)
    report = json.loads(Container(image, ["report", "--pod-cidr", "10.16.0.0/12"], folder).run())
    expect(report["kernelComplete"] is True, "the kernel's routes are not all read without a capability")


def confined(pid, writable):
    """What the kernel says of the running process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    expect(words["Uid"].split() == [str(USER)] * 4, f"Uid {words['Uid']}")
    expect(all(int(words[kind], 16) == 0 for kind in ("CapEff", "CapPrm", "CapBnd")), "it has capabilities")
    expect(words["NoNewPrivs"] == "1", "it could gain rights")
    mounts = [line.split() for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    open_ = {mount[4] for mount in mounts if "rw" in mount[5].split(",")} - {"/proc", "/tmp"}
    expect(open_ == set(writable), f"writable: {sorted(open_)}")
    return int(words["VmRSS"].split()[0]) * 1024


def rests(image, container, writable):
    """Resident memory once it has idled; it must live through it."""
    pid = wait_for("process", container.program)
    time.sleep(IDLE)
    expect(container.process.poll() is None, f"it ended: {container.said[-600:]}")
    resident = confined(pid, writable)
    limit = MEMORY[image.archive.stem]
    expect(resident <= limit, f"{resident >> 10} KB resident, {limit >> 10} are allowed")
    return f"{resident / (1 << 20):.1f} MB resident after {IDLE} s"


def ends(container):
    os.kill(container.program(), signal.SIGTERM)
    expect(container.process.wait(15) == 0, f"exit {container.process.returncode}: {container.said[-400:]}")


def certificates(folder):
    run(REPOSITORY / "packaging/kubernetes/certificates", "--each", "127.0.0.1", folder, input="n1\n")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def agent_idles(image, folder, port):
    """No BIRD, and nobody listens: what an agent is on a node where nothing works yet."""
    with Container(image, ["--collector", f"127.0.0.1:{port}", "--node", "n1", "--pod-cidr", "10.16.0.0/12", "--ca",
                           "/etc/podpath/ca.crt", "--certificate", "/etc/podpath/tls.crt", "--key",
                           "/etc/podpath/tls.key"], folder, [("/etc/podpath", folder / "tls/nodes/n1", False)]) as agent:
        said = rests(image, agent, [])
        ends(agent)
    return said


def collector_serves(image, folder, agent, agent_image):
    """It checks its configuration, serves, has an agent of the other image connected, and keeps a store."""
    http, data = free_port(), folder / "data"
    data.mkdir()
    os.chown(data, USER, USER)
    config = folder / "config"
    config.mkdir()
    (config / "podpath.yml").write_text(f"""cluster: test
pod-cidrs: [10.16.0.0/12]
agents: {{ listen: 127.0.0.1:{agent}, certificate: tls/tls.crt, key: tls/tls.key, client-ca: tls/ca.crt }}
http: {{ listen: 127.0.0.1:{http} }}
store: {{ path: /var/lib/podpath/podpath.sqlite }}
""")
    (config / "tls").symlink_to("/run/podpath/tls")
    mounts = [("/etc/podpath", config, False), ("/run/podpath/tls", folder / "tls/collector", False),
              ("/var/lib/podpath", data, True)]
    Container(image, ["check", "--config", "/etc/podpath/podpath.yml"], folder, mounts).run()
    with Container(image, image.config["config"]["Cmd"], folder, mounts) as collector:
        wait_for("/healthz", lambda: fetched(http, "healthz"))
        reporting = ["--collector", f"127.0.0.1:{agent}", "--node", "n1", "--pod-cidr", "10.16.0.0/12", "--ca",
                     "/etc/podpath/ca.crt", "--certificate", "/etc/podpath/tls.crt", "--key", "/etc/podpath/tls.key"]
        with Container(agent_image, reporting, folder, [("/etc/podpath", folder / "tls/nodes/n1", False)]):
            wait_for("agent", lambda: "podpath_agent_connections 1" in (fetched(http, "metrics") or ""))
            said = rests(image, collector, ["/var/lib/podpath"])
        ends(collector)
    expect((data / "podpath.sqlite").stat().st_uid == USER, "no store")
    return said


def fetched(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2) as answer:
            return answer.read().decode()
    except OSError:
        return None


def main():
    if os.getuid() != 0:
        sys.exit("run as root: images hold files of other users")
    require_binaries()
    with tempfile.TemporaryDirectory(prefix="podpath-images-") as name:
        folder = pathlib.Path(name)
        # The one in the container must be able to go through it.
        folder.chmod(0o755)
        try:
            archives = made(folder)
            images = {program: Image(archive, folder) for program, archive in archives.items()}
        except Wrong as problem:
            sys.exit(f"FAILED {problem}")
        agent, collector = (images[program] for program in PROGRAMS)
        certificates(folder / "tls")
        (folder / "again").mkdir()
        port = free_port()
        each = [(f"{program}: {name}", lambda check=check, program=program: check(images[program]))
                for program in PROGRAMS
                for name, check in (("described", described), ("contents", contents), ("bill of materials", bill))]
        run_all([("the same bytes twice", lambda: same_twice(archives, folder / "again")), *each,
                 ("the agent answers", lambda: agent_answers(agent, folder)),
                 ("the agent idles", lambda: agent_idles(agent, folder, port)),
                 ("the collector serves", lambda: collector_serves(collector, folder, port, agent))])


if __name__ == "__main__":
    main()
