# SPDX-License-Identifier: Apache-2.0
"""Real monitors: every interval the send string goes to each member.

Its answer must match recv within the timeout. One asyncio loop in one thread carries all probes. A
probe starts every interval whether or not the one before it has ended, so a member that swallows
packets delays neither the others nor its own recovery. As on the real thing only the first 5,120
bytes are searched. `cut` stands for a VLAN that leads nowhere: nobody is reached and all go down.
"""

import asyncio
import re
import resource
import threading
import time

from bigip.members import NO_ANSWER, NO_CONNECTION

SEARCHED_BYTES = 5120
NO_FAULT_OF_CONNECTING = (TimeoutError, ConnectionResetError, BrokenPipeError)


def unescape(text):
    """The send string may hold real line ends or tmsh's two-character forms."""
    return text.replace("\\r", "\r").replace("\\n", "\n").encode()


def allow_many_descriptors():
    """A pool whose members all swallow packets holds timeout / interval probes a member."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Monitors:
    def __init__(self, device):
        self.device, self.monitor = device, device.monitor
        self.cut = bool(device.configuration["blocked"])
        self.send = unescape(self.monitor["send"])
        self.expected = re.compile(self.monitor["recv"].encode())
        self.loop = asyncio.new_event_loop()
        self.watchers = {}
        self.probes = set()

    def start(self):
        allow_many_descriptors()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.refresh()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)

    def refresh(self):
        """Call after the set of members changed."""
        self.loop.call_soon_threadsafe(self.reconcile)

    def reconcile(self):
        with self.device.lock:
            wanted = {m for m in self.device.members() if m.probed}
        for member in set(self.watchers) - wanted:
            self.watchers.pop(member).cancel()
        for member in wanted - set(self.watchers):
            self.watchers[member] = self.loop.create_task(self.watch(member))

    async def watch(self, member):
        next_probe = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_probe:
                self.begin(member)
                next_probe = now + self.monitor["interval"]
            with self.device.lock:
                member.expire(now, self.monitor["timeout"])
                wake = min(next_probe, member.deadline(self.monitor["timeout"]))
            await asyncio.sleep(max(0.0, wake - time.monotonic()))

    def begin(self, member):
        task = self.loop.create_task(self.probe(member))
        self.probes.add(task)
        task.add_done_callback(self.probes.discard)

    async def probe(self, member):
        answered, failure = False, NO_ANSWER
        try:
            if self.cut:
                raise asyncio.TimeoutError
            answered = await asyncio.wait_for(self.exchange(member), self.monitor["timeout"])
        except (asyncio.TimeoutError, *NO_FAULT_OF_CONNECTING):
            pass
        except OSError:
            failure = NO_CONNECTION
        with self.device.lock:
            member.failure = failure
            if answered:
                member.succeeded(time.monotonic())

    async def exchange(self, member):
        reader, writer = await asyncio.open_connection(member.target, member.port)
        try:
            if self.monitor["type"] == "tcp-half-open":
                return True
            writer.write(self.send)
            return await self.matches(reader)
        finally:
            writer.close()

    async def matches(self, reader):
        seen = b""
        while len(seen) < SEARCHED_BYTES:
            chunk = await reader.read(SEARCHED_BYTES - len(seen))
            seen += chunk
            if seen and self.expected.search(seen):
                return True
            if not chunk:
                break
        return False
