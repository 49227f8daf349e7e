// SPDX-License-Identifier: Apache-2.0

/// BIRD's times are local, without a zone, in whatever format was configured: only differences
/// between two of them in known shapes mean anything.
enum ServerTime {
    /// Milliseconds from `since` to `now`, both as BIRD printed them; nil where it is not clear.
    static func age(of since: String, now: String) -> Int64? {
        if let then = epoch(since), let present = epoch(now) { return max(0, present - then) }
        guard let then = timeOfDay(since), let present = timeOfDay(now.words.last ?? "") else {
            return nil
        }
        // Without a date the time is less than 20 hours old (BIRD's own rule).
        let day: Int64 = 86_400_000
        let age = (present - then + day) % day
        return age < 20 * 3_600_000 + 60_000 ? age : nil
    }

    /// `1763903453.140000`, as `timeformat "%s.%6f"` gives it.
    private static func epoch(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count >= 9, parts[0].count <= 12, parts[1].count == 6,
            let seconds = Int64(parts[0]), let micros = Int64(parts[1])
        else { return nil }
        return seconds * 1000 + micros / 1000
    }

    /// `13:10:53` or `13:10:53.140`.
    private static func timeOfDay(_ text: String) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]),
            (0..<24).contains(hours), (0..<60).contains(minutes)
        else { return nil }
        let second = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard second.count <= 2, let seconds = Int64(second[0]), (0...60).contains(seconds) else {
            return nil
        }
        var fraction: Int64 = 0
        if second.count == 2 {
            guard second[1].count == 3, let value = Int64(second[1]), value >= 0 else { return nil }
            fraction = value
        }
        return (hours * 3600 + minutes * 60 + seconds) * 1000 + fraction
    }
}
