# SPDX-License-Identifier: Apache-2.0
"""The stream and the program's manners: reconnects, new certificates, collectors that misbehave,
the service manager, the log."""
import hashlib
import os
import signal
import time

import report_format
from agent_node import Agent, sh, wait
from scripted_collector import Collector


def is_complete(belief):
    return belief.facts.get("kernel", {}).get((), {}).get("flags", 0) & 1


def has_route(prefix):
    return lambda belief: any(key[0] == prefix for key in belief.facts.get("routes", {}))


def lacks_route(prefix):
    return lambda belief: is_complete(belief) and not has_route(prefix)(belief)


def begin(stage, **options):
    before = len(stage.collector.connections)
    agent = Agent(stage.program, stage.node, stage.authority, stage.collectors, **options)
    stage.collector.wait("a connection", lambda: len(stage.collector.connections) > before)
    stage.collector.wait_for_facts("a complete picture", is_complete)
    return agent


def the_first_report(stage):
    agent = begin(stage)
    kinds = [frame["frame"] for _, frame in stage.collector.last.frames]
    assert kinds[:2] == ["hello", "snapshot"], kinds
    hello = stage.collector.last.frames[0][1]
    assert hello["node"] == "n1" and hello["interval"] == 5_000, hello
    wait("READY, a sign of life and a status", lambda: {"READY=1", "WATCHDOG=1"} <= set(agent.told()))
    # The collector's welcome makes it one that is reported to.
    wait("the status", lambda: any(word.startswith("STATUS=reporting to 1 of 1 collectors, 1 of 1 BIRDs") for word in agent.told()))
    assert agent.stop() == 0
    assert "STOPPING=1" in agent.told()
    stage.collector.wait("the end", lambda: stage.collector.last.has_ended)
    assert stage.collector.last.frames[-1][1]["frame"] == "goodbye", stage.collector.last.frames[-1]


def resumption(stage):
    agent = begin(stage)
    assert not stage.collector.last.resumed
    wait("its word of the first", lambda: "reporting to" in agent.log)
    for number in range(1, 4):
        count = len(stage.collector.connections)
        stage.collector.last.stream.shutdown(2)
        stage.collector.wait("the return", lambda: len(stage.collector.connections) > count)
        stage.collector.wait_for_facts("a complete picture", is_complete)
        assert stage.collector.last.resumed, "a full handshake"
        wait("its word of it", lambda: agent.log.count("session resumed") == number)
    agent.stop()


def new_certificates(stage):
    """As Kubernetes does it: the files are links through a folder that is swapped."""
    authority = stage.authority
    folder = authority.path("mounted")
    folder.mkdir()

    def mount(version, certificate, key):
        target = folder / version
        target.mkdir()
        (target / "tls.crt").write_bytes(authority.path(certificate).read_bytes())
        (target / "tls.key").write_bytes(authority.path(key).read_bytes())
        os.symlink(version, folder / "..new")
        os.replace(folder / "..new", folder / "..data")

    mount("1", "n1.crt", "n1.key")
    for name in ("crt", "key"):
        os.symlink(f"..data/tls.{name}", folder / f"tls.{name}")
        os.symlink(f"mounted/tls.{name}", authority.path(f"rotating.{name}"))
    agent = begin(stage, identity="rotating")
    running = stage.collector.last
    mount("2", "renewed.crt", "renewed.key")
    agent.process.send_signal(signal.SIGHUP)
    wait("the new files", lambda: "are read again" in agent.log)
    assert "RELOADING=1" in agent.told()
    sh("ip route add 10.16.77.0/24 dev cilium_host")
    stage.collector.wait_for_facts("a change on the old stream", has_route("10.16.77.0/24"))
    assert stage.collector.last is running and not running.has_ended, "the stream was dropped"
    running.stream.shutdown(2)
    stage.collector.wait("the return", lambda: stage.collector.last is not running)
    assert stage.collector.last.serial != running.serial and not stage.collector.last.resumed
    mount("3", "n1.crt", "renewed.key")
    for _ in range(3):
        agent.process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    wait("the refusal", lambda: "cannot be used" in agent.log)
    assert agent.log.count("cannot be used") == 1, agent.log
    again = stage.collector.last
    again.stream.shutdown(2)
    stage.collector.wait("the return", lambda: stage.collector.last is not again)
    assert stage.collector.last.serial == again.serial
    sh("ip route del 10.16.77.0/24")
    agent.stop()


def a_stalled_collector(stage):
    """One takes the connection and reads nothing: it costs the agent no memory, and the other no
    report. Once it reads it is told the outcome, not the way there."""
    stalled = Collector(stage.authority, stage.free_port())
    agent = Agent(stage.program, stage.node, stage.authority, [stage.collector, stalled], interval="3600")
    stage.collector.wait_for_facts("a complete picture", is_complete)
    stalled.wait_for_facts("a complete picture", is_complete)
    stalled.reads.clear()
    memory = []
    for _ in range(8):
        change_many(1_000)
        stage.collector.wait_for_facts("all to go", lacks_route("10.17.44.0/24"))
        memory.append(agent.status("VmRSS"))
    stage.say(f"RSS in KB after each round of 2,000 changes: {memory}")
    # The first two grow the tables to their size.
    assert max(memory[2:]) - memory[1] <= 512, memory
    sh("ip route add 10.16.78.0/24 dev cilium_host")
    stage.collector.wait_for_facts("the last change", has_route("10.16.78.0/24"))
    stalled.reads.set()
    stalled.wait_for_facts("the outcome", has_route("10.16.78.0/24"), patience=60)
    assert stalled.last.belief.facts["routes"] == stage.collector.last.belief.facts["routes"]
    sh("ip route del 10.16.78.0/24")
    agent.stop()


def change_many(count):
    routes = [f"10.17.{number % 256}.0/24 dev cilium_host metric {1 + number // 256}" for number in range(count)]
    for act in ("add", "del"):
        sh("ip -batch - <<END\n" + "\n".join(f"route {act} {route}" for route in routes) + "\nEND")


def half_dead(stage):
    """The collector's machine lives, its program does not answer: heartbeats tell."""
    agent = begin(stage, interval="0.5")
    stage.collector.answers = False
    try:
        mute = stage.collector.last
        stage.collector.wait("a new connection", lambda: stage.collector.last is not mute)
        assert "no acknowledgement for 3 intervals" in agent.log
    finally:
        stage.collector.answers = True
    stage.collector.wait_for_facts("a complete picture", is_complete, patience=60)
    agent.stop()


def names(stage):
    """A name that no resolver knows holds nobody up, and costs one line."""
    silent = f"no-such-collector.invalid:{stage.free_port()}"
    local = f"localhost:{stage.collector.port}"
    agent = Agent(stage.program, stage.node, stage.authority, [silent, local])
    stage.collector.wait_for_facts("a complete picture", is_complete)
    for number in range(5):
        before = time.monotonic()
        sh(f"ip route add 10.16.{80 + number}.0/24 dev cilium_host")
        stage.collector.wait_for_facts("the change", has_route(f"10.16.{80 + number}.0/24"))
        stage.say(f"change to frame beside an unresolvable collector: {(time.monotonic() - before) * 1e3:.1f} ms")
        time.sleep(0.3)
    for number in range(5):
        sh(f"ip route del 10.16.{80 + number}.0/24")
    wait("the complaint", lambda: "has no address" in agent.log)
    assert agent.log.count("has no address") == 1, agent.log
    assert agent.status("Threads") == 1
    agent.stop()


def the_log(stage):
    """A quiet agent with a broken collector and no BIRD says each thing once."""
    authority, node = stage.authority, stage.node
    nobody = f"127.0.0.1:{stage.free_port()}"
    agent = Agent(stage.program, node, authority, [nobody], interval="0.2", options=["--bird-socket", "/nowhere/bird.ctl"])
    time.sleep(4)
    agent.stop()
    lines = [line.split(" ", 1)[1] for line in agent.log.splitlines()]
    assert len(lines) == len(set(lines)), agent.log
    assert any("no directory" in line for line in lines), agent.log
    assert any("Connection refused" in line for line in lines), agent.log


def no_rights(stage):
    """As nobody, with no capability: the kernel is read, BIRD says why it is not."""
    for name in ("n1.crt", "n1.key", "ca.crt"):
        stage.authority.path(name).chmod(0o644)
    stage.node.folder.chmod(0o755)
    agent = begin(stage, user="65534")
    assert agent.status("Uid") == 65_534 and agent.status("Threads") == 1
    belief = stage.collector.last.belief
    assert has_route("10.16.0.0/24")(belief)
    # 3 is forbidden.
    stage.collector.wait_for_facts("the reason", lambda belief: [row["condition"] for row in belief.rows("birds")] == [3])
    stage.say(f"as nobody the kernel's word of ended connections: {'yes' if belief.facts['kernel'][()]['flags'] & 2 else 'no'}")
    agent.stop()


def mount_token(stage, token, name="token"):
    """As a kubelet does it."""
    path = stage.authority.path(name)
    fresh = path.with_suffix(".new")
    fresh.write_text(token)
    os.replace(fresh, path)
    return path


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def handed(connection):
    return [frame["sha256"] for _, frame in connection.frames if frame["frame"] == "token"]


def tokens(stage):
    """hello and token, and nothing before the welcome; the next token on the stream that runs; each time the newest."""
    first, second, third = (f"e30.{word}.c2ln" for word in ("first", "second", "third"))
    collector = Collector(stage.authority, stage.free_port(), takes_tokens=True)
    collector.answers = False
    path = mount_token(stage, first)
    agent = Agent(stage.program, stage.node, stage.authority, [collector], token=path, interval="1")
    collector.wait("hello and token", lambda: collector.connections and len(collector.last.frames) == 2)
    time.sleep(4)
    kinds = [frame["frame"] for _, frame in collector.last.frames]
    assert kinds == ["hello", "token"] and handed(collector.last) == [digest(first)], kinds
    collector.answers = True
    collector.last.stream.sendall(report_format.reply(report_format.WELCOME, 1))
    collector.wait_for_facts("a complete picture", is_complete)
    running = collector.last
    # No sooner than each ten seconds; a file that is the same is none.
    mount_token(stage, first)
    agent.process.send_signal(signal.SIGHUP)
    time.sleep(7)
    mount_token(stage, second)
    agent.process.send_signal(signal.SIGHUP)
    collector.wait("the next token", lambda: handed(running) == [digest(first), digest(second)])
    sh("ip route add 10.16.79.0/24 dev cilium_host")
    collector.wait_for_facts("a change on the same stream", has_route("10.16.79.0/24"))
    sh("ip route del 10.16.79.0/24")
    assert collector.last is running and not running.has_ended
    # Of a file that holds none the last one stands.
    mount_token(stage, "two words")
    running.stream.shutdown(2)
    collector.wait("the return", lambda: collector.last is not running)
    collector.wait_for_facts("a complete picture", is_complete)
    assert handed(collector.last) == [digest(second)]
    assert agent.log.count("no token") == 1 and "two words" not in agent.log, agent.log
    mount_token(stage, third + "\n")
    again = collector.last
    again.stream.shutdown(2)
    collector.wait("the return", lambda: collector.last is not again)
    collector.wait("its token", lambda: handed(collector.last) == [digest(third)])
    assert not any(token in agent.log for token in (first, second, third)), agent.log
    assert agent.stop() == 0


def refused_tokens(stage):
    """What a collector says against it is quoted, once; one that takes none is named."""
    collector = Collector(stage.authority, stage.free_port(), takes_tokens=True)
    collector.refusal = "token refused: its pod is gone"
    path = mount_token(stage, "e30.e30.c2ln")
    agent = Agent(stage.program, stage.node, stage.authority, [collector, stage.collector], token=path)
    collector.wait("three attempts", lambda: len(collector.connections) >= 3, patience=30)
    wait("its word of it", lambda: "refused: token refused: its pod is gone" in agent.log)
    wait("its word of the other", lambda: "takes no tokens" in agent.log)
    assert agent.log.count("its pod is gone") == 1, agent.log
    agent.stop()


def no_token(stage):
    """Unusable files and options that do not go together are named, with exit 2."""
    for content, word in (("two words", "no token"), ("", "no token"), ("a" * 16_385, "no token")):
        agent = Agent(stage.program, stage.node, stage.authority, [stage.collector], token=mount_token(stage, content, "bad-token"))
        assert agent.process.wait(timeout=15) == 2
        assert word in agent.log and "bad-token" in agent.log and "two words" not in agent.log, agent.log
        agent.stop()
    both = ["--token-file", mount_token(stage, "e30.e30.c2ln", "bad-token")]
    agent = Agent(stage.program, stage.node, stage.authority, [stage.collector], options=both)
    assert agent.process.wait(timeout=15) == 2 and "--token-file" in agent.log, agent.log
    agent.stop()


def bad_files(stage):
    """An unusable file is named, with exit 2."""
    broken = stage.authority.path("broken.key")
    broken.write_text("not a key")
    (stage.authority.path("broken.crt")).write_bytes(stage.authority.path("n1.crt").read_bytes())
    agent = Agent(stage.program, stage.node, stage.authority, [stage.collector], identity="broken")
    assert agent.process.wait(timeout=15) == 2
    assert "broken.key" in agent.log and "not a key" not in agent.log, agent.log
    agent.stop()


CASES = [
    ("the first report, READY, a sign of life, goodbye", the_first_report),
    ("a lost connection is resumed", resumption),
    ("new certificates are taken without dropping the stream, bad ones are not", new_certificates),
    ("a stalled collector costs no memory and disturbs nobody", a_stalled_collector),
    ("a collector that lives and does not answer is left", half_dead),
    ("a name that does not resolve holds nobody up", names),
    ("the log says each thing once", the_log),
    ("an agent without rights reads the kernel and says why it cannot ask BIRD", no_rights),
    ("a token proves the node, and the next one is handed over on the stream that runs", tokens),
    ("why a token is refused is said once, and by whom none is taken", refused_tokens),
    ("a file without a token, and a token beside a certificate, are named", no_token),
    ("an unusable key is named, its content is not", bad_files),
]
