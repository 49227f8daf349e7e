// SPDX-License-Identifier: Apache-2.0

/// BIRD's times are local, without a zone, in whatever format was configured: only differences
/// between two of them in known shapes mean anything.
enum ServerTime: Equatable {
    /// `1763903453.140000`, as `timeformat "%s.%6f"` gives it.
    case epoch(Int64)
    /// `2026-11-23 13:10:53.140`.
    case moment(Int64)
    /// `13:10:53.140`: less than 20 hours ago, by BIRD's own rule.
    case timeOfDay(Int64)
    /// `2026-11-23`: 20 hours ago or more.
    case date

    private static let day: Int64 = 86_400_000
    private static let withoutDate: Int64 = 20 * 3_600_000
    /// Two commands are asked one after the other: what changed between them looks like tomorrow.
    private static let slack: Int64 = 60_000

    /// Milliseconds from `since` to `now`, both as BIRD printed them; nil where it is not clear.
    static func age(of since: String, now: String) -> Int64? {
        switch (ServerTime(since), ServerTime(now)) {
        case (.epoch(let then), .epoch(let present)), (.moment(let then), .moment(let present)):
            let age = present - then
            return age > -slack ? max(0, age) : nil
        case (.timeOfDay(let then), .moment(let present)),
            (.timeOfDay(let then), .timeOfDay(let present)):
            let age = (present % day - then + day) % day
            if age > day - slack { return 0 }
            return age < withoutDate + slack ? age : nil
        default: return nil
        }
    }

    /// Whether two texts mean one moment: BIRD computes them anew each time from two clocks, so the
    /// last digits jitter.
    static func isSame(_ left: String, _ right: String) -> Bool {
        guard left != right else { return true }
        switch (ServerTime(left), ServerTime(right)) {
        case (.epoch(let left), .epoch(let right)), (.moment(let left), .moment(let right)),
            (.timeOfDay(let left), .timeOfDay(let right)):
            return (left - right).magnitude < 1_000
        default: return false
        }
    }

    init?(_ text: String) {
        let words = text.words
        if words.count == 2, let day = Self.days(words[0]), let time = Self.time(words[1]) {
            self = .moment(day * Self.day + time)
        } else if words.count == 1, let time = Self.time(words[0]) {
            self = .timeOfDay(time)
        } else if words.count == 1, let time = Self.seconds(words[0], digits: 9...12) {
            self = .epoch(time)
        } else if words.count == 1, Self.days(words[0]) != nil {
            self = .date
        } else {
            return nil
        }
    }

    /// `HH:MM:SS` with or without a fraction.
    private static func time(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hours = number(parts[0], digits: 2...2), hours < 24,
            let minutes = number(parts[1], digits: 2...2), minutes < 60,
            let rest = seconds(parts[2], digits: 2...2), rest < 61_000
        else { return nil }
        return (hours * 60 + minutes) * 60_000 + rest
    }

    /// Seconds with a fraction of up to six digits, in milliseconds.
    static func seconds(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ number($0, digits: digits) })
        else { return nil }
        guard parts.count == 2 else { return whole * 1_000 }
        guard number(parts[1], digits: 1...6) != nil else { return nil }
        return number((parts[1] + "000").prefix(3), digits: 3...3).map { whole * 1_000 + $0 }
    }

    /// Days of the Gregorian calendar, from 1 March of year 0: leap days end its years.
    private static func days(_ text: Substring) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = number(parts[0], digits: 4...4),
            let month = number(parts[1], digits: 2...2), (1...12).contains(month),
            let date = number(parts[2], digits: 2...2), (1...31).contains(date)
        else { return nil }
        let march = (month + 9) % 12
        let years = month < 3 ? year - 1 : year
        let leaps = years / 4 - years / 100 + years / 400
        return years * 365 + leaps + (march * 153 + 2) / 5 + date
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text)
    }
}
