// SPDX-License-Identifier: Apache-2.0
package import Routing

/// An RFC 3339 time, with or without a fraction, of which milliseconds count; nil if it is none.
package func moment(_ text: String) -> Timestamp? {
    // A fraction may be as long as it likes; one of more than some dozen digits nobody means.
    guard text.utf8.count <= 64,
        let parts = text.wholeMatch(
            of:
                /([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9:]{8})(?:\.([0-9]+))?([Zz]|[-+][0-9:]{5})/
        )?.output,
        let year = Int64(parts.1), let month = Int64(parts.2), let day = Int64(parts.3),
        let time = seconds(parts.4), let offset = offset(parts.6)
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), (1...Int64(lengths[Int(month) - 1])).contains(day) else {
        return nil
    }
    let before = lengths.prefix(Int(month) - 1).reduce(0, +)
    let whole = (days(before: year) + Int64(before) + day - 1) * 86_400 + time - offset
    let fraction = Int64(((parts.5 ?? "") + "000").prefix(3)) ?? 0
    return Timestamp(milliseconds: whole * 1_000 + fraction)
}

/// From 1970 to a year's first day.
private func days(before year: Int64) -> Int64 {
    let last = year + 399
    return (year - 1970) * 365 + (last / 4 - 592) - (last / 100 - 23) + (last / 400 - 5)
}

/// Of the day; a leap second counts as the next minute's first.
private func seconds(_ text: Substring) -> Int64? {
    guard let parts = text.wholeMatch(of: /([0-9]{2}):([0-9]{2}):([0-9]{2})/)?.output,
        let hour = Int64(parts.1), let minute = Int64(parts.2), let second = Int64(parts.3),
        hour < 24, minute < 60, second <= 60
    else { return nil }
    return hour * 3_600 + minute * 60 + second
}

/// How far a clock that shows it is ahead, in seconds.
private func offset(_ text: Substring) -> Int64? {
    guard text.lowercased() != "z" else { return 0 }
    guard let ahead = seconds(text.dropFirst() + ":00") else { return nil }
    return text.first == "-" ? -ahead : ahead
}
