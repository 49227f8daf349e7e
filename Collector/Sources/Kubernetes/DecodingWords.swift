// SPDX-License-Identifier: Apache-2.0

/// Decoding errors tell much about Swift: people need the place.
func shortened(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)".prefix(160).description }
    switch error {
    case .keyNotFound(let key, let context):
        return "\(place(context)) lacks \(key.stringValue.prefix(64))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "\(place(context)): \(context.debugDescription.prefix(100))"
    case .dataCorrupted: return "it is not JSON"
    @unknown default: return "it does not fit"
    }
}

private func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map(\.stringValue).joined(separator: ".").prefix(100)
    return path.isEmpty ? "it" : String(path)
}
