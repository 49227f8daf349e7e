// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Hummingbird

/// What tells one answer from another (RFC 9110, 8.8.3).
struct EntityTag: Sendable {
    let text: String

    /// Weak: answers of one generation differ in ages.
    init(generation: Int, of board: StateBoard) {
        text = "W/\"\(board.epoch)-\(generation)\""
    }

    /// Of what has no ages: FNV-1a, for there is nobody to deceive but oneself.
    init(of body: Data) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        text = "\"\(String(hash, radix: 36))\""
    }

    /// Whether the asker has it already.
    func isKnown(to request: Request) -> Bool {
        guard let known = request.headers[.ifNoneMatch] else { return false }
        return known == "*"
            || known.split(separator: ",").contains { opaque($0) == opaque(text[...]) }
    }

    private func opaque(_ tag: Substring) -> String {
        let tag = tag.trimmingCharacters(in: .whitespaces)
        return tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag
    }
}

/// What is made, or that nothing has changed, which is told without making it.
func answer(
    _ request: Request,
    _ tag: EntityTag,
    _ document: () async throws -> some Encodable
) async rethrows -> Response {
    if let known = unchanged(request, tag) { return known }
    return tagged(answer(try await document()), tag)
}

func answer(_ request: Request, _ tag: EntityTag, _ document: () -> some Encodable) -> Response {
    unchanged(request, tag) ?? tagged(answer(document()), tag)
}

/// Of JSON that is there already.
func answer(_ request: Request, json: Data) -> Response {
    let tag = EntityTag(of: json)
    return unchanged(request, tag) ?? tagged(answer(json: json), tag)
}

private func unchanged(_ request: Request, _ tag: EntityTag) -> Response? {
    guard tag.isKnown(to: request) else { return nil }
    return Response(status: .notModified, headers: [.eTag: tag.text, .cacheControl: "no-cache"])
}

private func tagged(_ response: Response, _ tag: EntityTag) -> Response {
    var response = response
    (response.headers[.eTag], response.headers[.cacheControl]) = (tag.text, "no-cache")
    return response
}
