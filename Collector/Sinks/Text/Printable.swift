// SPDX-License-Identifier: Apache-2.0

/// Device and peer text may hold anything: what moves a cursor, breaks a line, hides or turns text becomes a blank,
/// and what is longer than `limit` Unicode scalars is cut.
func printable(_ text: String, limit: Int = 600) -> String {
    var clean = String.UnicodeScalarView()
    // Scalars: a character may be made of any number of them.
    for scalar in text.unicodeScalars.prefix(limit) {
        clean.append(isHarmless(scalar) ? scalar : " ")
    }
    let isCut = text.unicodeScalars.dropFirst(limit).first != nil
    return isCut ? String(clean.dropLast()) + "…" : String(clean)
}

private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .unassigned:
        false
    default: true
    }
}
