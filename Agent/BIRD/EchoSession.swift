// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A second control session on which BIRD 1.x and 2.x push log lines. They only say that something
/// moved: their text differs by version and is never state. BIRD 3 has no `echo`.
package struct EchoSession {
    package enum Action: Equatable {
        case send([UInt8])
        /// Poll now.
        case moved
        /// BIRD dropped lines: poll everything.
        case lost
        /// This BIRD has no `echo`; close.
        case unsupported
        case failed
    }

    private enum Step { case greeting, restrict, echo, listening }

    private var reader = ReplyReader()
    private var step = Step.greeting

    package init(now: Timestamp) {}

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [Action] {
        var events: [ReplyReader.Event] = []
        var isBroken = false
        do throws(ReplyError) {
            try reader.read(bytes, into: &events)
        } catch {
            isBroken = true
        }
        var actions: [Action] = []
        for event in events {
            for action in take(event) where !actions.contains(action) { actions.append(action) }
        }
        return isBroken ? actions + [.failed] : actions
    }

    private mutating func take(_ event: ReplyReader.Event) -> [Action] {
        switch event {
        case .asynchronous(let text): isNoise(text) ? [] : [.moved]
        case .messagesLost: [.lost]
        case .reply(let reply): take(reply)
        }
    }

    /// With Cilium's kernel route BIRD writes the first at every scan of the kernel; with `debug
    /// commands` it tells of each session on its control socket, ours above all: heeded, every poll
    /// would bring the next.
    private func isNoise(_ text: String) -> Bool {
        text.holds("strange next-hop") || text.hasPrefix("CLI ") || text.hasPrefix("CLI:")
    }

    private mutating func take(_ reply: Reply) -> [Action] {
        switch step {
        case .greeting:
            step = .restrict
            return reply.code == 1 ? send(.restrict) : [.failed]
        case .restrict:
            step = .echo
            return reply.code == 16 ? send(.echo) : [.failed]
        case .echo:
            step = .listening
            return reply.code == 0 ? [] : [.unsupported]
        case .listening: return []
        }
    }

    private func send(_ command: Command) -> [Action] {
        command.line.map { [.send($0)] } ?? [.failed]
    }
}
