// SPDX-License-Identifier: Apache-2.0

/// Seconds since a route last changed, from the words of FRR and NX-OS; nil where these are not exact to
/// the second, as beyond a day: `00:20:43`, `PT1M3S`, but not `3d20h`, `1w0d`, `P2DT16H12M45S`.
func routeAge(_ text: some StringProtocol) -> Int64? {
    text.first == "P" ? durationAge(text.dropFirst()) : clockAge(text)
}

private func clockAge(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { $0.count == 2 ? UInt8($0) : nil }
    guard parts.count == 3, numbers.count == 3, numbers[0] < 24, numbers[1] < 60, numbers[2] < 60
    else { return nil }
    return numbers.reduce(0) { $0 * 60 + Int64($1) }
}

/// ISO 8601, of which only hours, minutes and seconds have a length.
private func durationAge(_ text: some StringProtocol) -> Int64? {
    guard text.first == "T", text.utf8.count <= 12 else { return nil }
    let lengths: [Character: Int64] = ["H": 3_600, "M": 60, "S": 1]
    var (sum, number) = (Int64(0), Int64?.none)
    for character in text.dropFirst() {
        if let digit = character.wholeNumberValue, character.isASCII {
            number = min((number ?? 0) * 10 + Int64(digit), 1_000_000)
        } else {
            guard let length = lengths[character], let count = number else { return nil }
            sum += count * length
            number = nil
        }
    }
    return number == nil && sum > 0 && sum < 86_400 ? sum : nil
}
