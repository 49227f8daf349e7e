// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
import Passwords
import Synchronization

/// Checks names and passwords: each once, on a thread of its own, and what came of it is remembered by a keyed hash.
final class Credentials: Sendable {
    enum Answer: Sendable, Hashable {
        case right
        case wrong
        /// Too many wait to be checked.
        case busy
    }

    private struct Memory {
        /// Never driven out by wrong ones: who is known does not wait behind who guesses.
        var right: Set<[UInt8]> = []
        var wrong: Set<[UInt8]> = []
        var waiting = 0
    }

    /// Users and their scripts are few; guesses are not, and only the latest need be known.
    private static let memoryLimit = 256
    /// At a tenth of a second each nobody waits for more than two seconds.
    private static let waitingLimit = 16

    private let hash = KeyedHash()
    private let memory = Mutex(Memory())
    private let thread = DispatchQueue(label: "podpath.credentials")

    /// Takes as long for a name that nobody has as for a wrong password.
    func check(_ name: String, _ password: String, _ users: [String: BcryptHash]) async -> Answer {
        let dearest = users.values.map(\.cost).max() ?? 10
        guard let kept = users[name] ?? BcryptHash.dummy(cost: dearest) else { return .wrong }
        let credential = hash(name, kept.text, password)
        if let known = known(credential) { return known }
        guard begin() else { return .busy }
        let isRight = await withCheckedContinuation { continuation in
            thread.async { continuation.resume(returning: kept.isOf(password)) }
        }
        end(credential, isRight && users[name] != nil)
        return isRight && users[name] != nil ? .right : .wrong
    }

    private func known(_ credential: [UInt8]) -> Answer? {
        memory.withLock { memory in
            if memory.right.contains(credential) { return .right }
            return memory.wrong.contains(credential) ? .wrong : nil
        }
    }

    private func begin() -> Bool {
        memory.withLock { memory in
            guard memory.waiting < Self.waitingLimit else { return false }
            memory.waiting += 1
            return true
        }
    }

    private func end(_ credential: [UInt8], _ isRight: Bool) {
        memory.withLock { memory in
            memory.waiting -= 1
            if isRight {
                if memory.right.count >= Self.memoryLimit { memory.right = [] }
                memory.right.insert(credential)
            } else {
                if memory.wrong.count >= Self.memoryLimit { memory.wrong = [] }
                memory.wrong.insert(credential)
            }
        }
    }
}
