// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
package import Incidents
package import Routing
import Synchronization

/// Writes a journal beside everything else: whoever tells it something never waits for the disk.
///
/// What the disk does not take in time is counted as lost, and so is everything while it refuses: the journal
/// is for people who look for a fault, and nothing else may stand still for it.
package final class JournalWriter: Sendable {
    /// Since it was begun.
    package struct Counters: Sendable, Hashable {
        /// Updates that are in it.
        package var recorded = 0
        package var lost = 0
        package var isFailing = false
    }

    private struct Waiting {
        var entries: [JournalEntry] = []
        var lost = 0
        var isWriting = false
    }

    private let path: String
    private let head: JournalHead
    private let limit: Int
    private let log: @Sendable (String) -> Void
    private let waiting = Mutex(Waiting())
    private let tally = Mutex(Counters())
    private let file = Mutex<File?>(nil)
    private let queue = DispatchQueue(label: "podpath.journal")

    private struct File {
        var handle: FileHandle
        var size: Int
    }

    /// A file of this size is closed, named FILE.1, and another begun.
    package static let usualLimit = 256 << 20
    /// How many closed ones are kept.
    private static let most = 4
    /// Entries that may wait: a fleet of 15,000 nodes tells as many when all its agents come back.
    private static let mostWaiting = 20_000

    /// `log` is told once when it cannot be written, and once when it can again.
    package init(
        path: String,
        head: JournalHead,
        limit: Int = JournalWriter.usualLimit,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        self.path = path
        self.head = head
        self.limit = limit
        self.log = log
        // What an earlier run has recorded is not written over.
        rotate()
        let opened = try Self.open(path, head)
        file.withLock { $0 = opened }
    }

    // MARK: - From any thread

    package var counters: Counters { tally.withLock { $0 } }

    package func record(_ updates: [(update: FactUpdate, at: Timestamp)]) {
        guard !updates.isEmpty else { return }
        waiting.withLock { waiting in
            guard waiting.entries.count + updates.count <= Self.mostWaiting else {
                waiting.lost += updates.count
                tally.withLock { $0.lost += updates.count }
                return
            }
            if waiting.lost > 0 { waiting.entries.append(.lost(updates: waiting.lost)) }
            waiting.lost = 0
            waiting.entries += updates.map { .fact($0.update, at: $0.at) }
        }
        write()
    }

    package func judged(at now: Timestamp) { add([.judged(at: now)]) }

    package func tookOver(_ entries: [LedgerEntry]) {
        if !entries.isEmpty { add(entries.map { .tookOver($0) }) }
    }

    private func add(_ entries: [JournalEntry]) {
        waiting.withLock { waiting in
            guard waiting.entries.count + entries.count <= Self.mostWaiting else { return }
            waiting.entries += entries
        }
        write()
    }

    /// Until all that was told is on its way to the disk.
    package func finish() {
        write()
        queue.sync {}
        file.withLock { file in
            try? file?.handle.close()
            file = nil
        }
    }

    // MARK: - On its own queue

    private func write() {
        let isFirst = waiting.withLock { waiting in
            defer { waiting.isWriting = true }
            return !waiting.isWriting
        }
        if isFirst { queue.async { [self] in drain() } }
    }

    private func drain() {
        while true {
            let entries = waiting.withLock { waiting -> [JournalEntry] in
                let entries = waiting.entries
                waiting.entries = []
                waiting.isWriting = !entries.isEmpty
                return entries
            }
            guard !entries.isEmpty else { return }
            for entry in entries { put(entry) }
        }
    }

    private func put(_ entry: JournalEntry) {
        file.withLock { file in
            do {
                // Tried again once a judgement.
                if file == nil, case .judged = entry { file = reopened() }
                guard file != nil else { return lose(entry) }
                var line = try entry.line()
                line.append(UInt8(ascii: "\n"))
                try file?.handle.write(contentsOf: line)
                file?.size += line.count
                if (file?.size ?? 0) > limit {
                    try file?.handle.close()
                    rotate()
                    file = try Self.open(path, head)
                }
                count(entry)
            } catch {
                log("journal \(path): \(reason(error)); what comes is not recorded")
                try? file?.handle.close()
                file = nil
                tally.withLock { $0.isFailing = true }
                lose(entry)
            }
        }
    }

    private func count(_ entry: JournalEntry) {
        guard case .fact = entry else { return }
        tally.withLock { $0.recorded += 1 }
    }

    private func reason(_ error: any Error) -> String {
        (error as? JournalError)?.reason ?? error.localizedDescription
    }

    private func lose(_ entry: JournalEntry) {
        guard case .fact = entry else { return }
        waiting.withLock { $0.lost += 1 }
        tally.withLock { $0.lost += 1 }
    }

    /// After a failure a new file is begun: a line that was cut stays the last of its own. Nil while it is of no
    /// use to try.
    private func reopened() -> File? {
        let next = path + ".next"
        guard let opened = try? Self.open(next, head) else { return nil }
        rotate()
        guard (try? FileManager.default.moveItem(atPath: next, toPath: path)) != nil else {
            return nil
        }
        tally.withLock { $0.isFailing = false }
        log("journal \(path): recorded again")
        return opened
    }

    /// FILE.3 becomes FILE.4, …, FILE becomes FILE.1.
    private func rotate() {
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else { return }
        try? manager.removeItem(atPath: "\(path).\(Self.most)")
        for number in stride(from: Self.most - 1, through: 1, by: -1) {
            try? manager.moveItem(atPath: "\(path).\(number)", toPath: "\(path).\(number + 1)")
        }
        try? manager.moveItem(atPath: path, toPath: "\(path).1")
    }

    /// Nobody else may read it: it holds names and addresses of the whole network.
    private static func open(_ path: String, _ head: JournalHead) throws -> File {
        let isMade = FileManager.default.createFile(
            atPath: path,
            contents: nil,
            attributes: [.posixPermissions: 0o600]
        )
        guard isMade, let handle = FileHandle(forWritingAtPath: path) else {
            throw JournalError(file: path, line: nil, reason: "cannot be written")
        }
        var line = try JournalEntry.begin(head).line()
        line.append(UInt8(ascii: "\n"))
        try handle.write(contentsOf: line)
        return File(handle: handle, size: line.count)
    }
}
