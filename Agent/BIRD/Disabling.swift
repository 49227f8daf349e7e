// SPDX-License-Identifier: Apache-2.0
package import Routing

/// Believes that a session was disabled only when it still is a moment later: `restart` takes a
/// protocol through the same state, for some milliseconds.
package struct Disabling {
    /// When each session was first read as disabled.
    private var since: [String: Timestamp] = [:]
    /// A session was read as disabled, and it is not believed yet.
    package private(set) var isPending = false

    /// A restart is over within a few; BIRD's main loop may be held up for 100.
    package static let confirmation: Int64 = 300

    package init() {}

    /// Takes the word out of `reading` where it is too new; then it says when to look again.
    package mutating func confirm(_ reading: inout BIRDReading, now: Timestamp) -> Timestamp? {
        var kept: [String: Timestamp] = [:]
        for index in reading.sessions.indices where reading.sessions[index].isDisabled {
            let name = reading.sessions[index].name
            let first = since[name] ?? now
            kept[name] = first
            if now - first < Self.confirmation { reading.sessions[index].isDisabled = false }
        }
        since = kept
        let next = kept.values.map { $0 + Self.confirmation }.filter { $0 > now }.min()
        isPending = next != nil
        return next
    }
}
