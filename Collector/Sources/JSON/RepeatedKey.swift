// SPDX-License-Identifier: Apache-2.0

/// The first key that stands twice in one object of well-formed JSON, and at which byte.
///
/// Foundation's parser keeps one of the two and says nothing: a member or a route would be lost
/// without a word.
package func repeatedKey(_ bytes: [UInt8]) -> (key: String, at: Int)? {
    var objects: [Set<ArraySlice<UInt8>>] = []
    var text: ArraySlice<UInt8> = []
    var offset = 0
    while offset < bytes.count {
        switch bytes[offset] {
        case UInt8(ascii: "{"), UInt8(ascii: "["): objects.append([])
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = objects.popLast()
        case UInt8(ascii: "\""):
            let end = endOfString(bytes, from: offset + 1)
            text = bytes[offset + 1..<end]
            offset = end
        case UInt8(ascii: ":"):
            // Outside of strings a colon follows a key and nothing else.
            if let last = objects.indices.last, !objects[last].insert(text).inserted {
                return (String(decoding: text.prefix(80), as: UTF8.self), text.startIndex)
            }
        default: break
        }
        offset += 1
    }
    return nil
}

private func endOfString(_ bytes: [UInt8], from start: Int) -> Int {
    var offset = start
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
        offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(offset, bytes.count)
}
