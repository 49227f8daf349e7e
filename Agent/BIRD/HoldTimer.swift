// SPDX-License-Identifier: Apache-2.0

/// `194.967/240`, in BIRD 1.6 `195/240`: how long the peer may still be silent, of how long.
struct HoldTimer: Equatable {
    /// Milliseconds.
    let remaining: Int64
    /// Seconds, as negotiated; 0 switches the timer off (RFC 4271 section 4.2).
    let time: UInt32

    init?(_ text: Substring) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = UInt32(parts[1]), time <= UInt32(UInt16.max),
            let remaining = ServerTime.seconds(parts[0], digits: 1...5)
        else { return nil }
        self.remaining = remaining
        self.time = time
    }

    /// A peer sends a keepalive each third of the time: with less than half left one is overdue,
    /// and this is how long nothing came. Nil while all is well.
    var silence: Int64? {
        let whole = Int64(time) * 1_000
        guard time > 0, remaining < whole / 2 else { return nil }
        return whole - remaining
    }
}
