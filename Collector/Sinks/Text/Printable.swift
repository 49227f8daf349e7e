// SPDX-License-Identifier: Apache-2.0

/// Device and peer text may hold anything: what moves a cursor, breaks a line, hides or turns text becomes a blank,
/// and what is longer than `limit` characters is cut.
func printable(_ text: String, limit: Int = 600) -> String {
    var cut = String.UnicodeScalarView()
    // A character may be made of any number of scalars.
    for scalar in text.unicodeScalars.prefix(4 * limit) {
        cut.append(isHarmless(scalar) ? scalar : " ")
    }
    let clean = String(cut)
    guard clean.count > limit || text.unicodeScalars.count > 4 * limit else { return clean }
    return clean.prefix(limit - 1) + "…"
}

private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .unassigned:
        false
    default: true
    }
}
