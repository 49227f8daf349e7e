// SPDX-License-Identifier: Apache-2.0
import Yams

/// What is wrong with a file that people wrote, and where.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// 1-based; nil if the file could not be read at all.
    package let line: Int?
    package let reason: String

    package init(file: String, line: Int?, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    package var description: String {
        line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)"
    }
}

/// A place in a YAML file. Every way down is checked, and every error names file and line.
package struct Tree {
    private let node: Node
    private let file: String
    /// `alerts.sinks[1]`, for messages.
    package let path: String

    /// A file of people's hands is small; 4 MB is a mistake.
    private static let sizeLimit = 4 << 20

    package init(parsing text: String, file: String) throws(FileError) {
        guard text.utf8.count <= Self.sizeLimit else {
            throw FileError(file: file, line: nil, reason: "larger than 4 MB")
        }
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw FileError(file: file, line: nil, reason: "empty")
            }
            self.init(node, file: file, path: "")
        } catch let error as YamlError {
            throw FileError(file: file, line: error.line, reason: error.reason)
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(file: file, line: nil, reason: "\(error)")
        }
    }

    private init(_ node: Node, file: String, path: String) {
        self.node = node
        self.file = file
        self.path = path
    }

    package func error(_ reason: String) -> FileError {
        let place = path.isEmpty ? "" : "\(path): "
        return FileError(file: file, line: node.mark?.line, reason: place + reason)
    }

    /// The mapping's values by key; a key not in `keys` is an error that names the nearest one.
    package func mapping(_ keys: String...) throws(FileError) -> [String: Tree] {
        try mapping(keys)
    }

    package func mapping(_ keys: [String]) throws(FileError) -> [String: Tree] {
        let entries = try entries()
        for (key, tree) in entries where !keys.contains(key) {
            let nearest = keys.min { distance($0, key) < distance($1, key) }
            throw tree.error("unknown key; did you mean \"\(nearest ?? "")\"?")
        }
        return entries
    }

    /// The mapping's values, whatever its keys.
    package func entries() throws(FileError) -> [String: Tree] {
        guard case .mapping(let mapping) = node else { throw error("a mapping is expected") }
        var entries: [String: Tree] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { throw error("a key must be text") }
            let child = path.isEmpty ? name : "\(path).\(name)"
            // An empty value has no place of its own: its key's line is what people look for.
            entries[name] = Tree(value, file: file, path: child)
        }
        return entries
    }

    package func list() throws(FileError) -> [Tree] {
        guard case .sequence(let sequence) = node else { throw error("a list is expected") }
        return sequence.enumerated().map { index, item in
            Tree(item, file: file, path: "\(path)[\(index)]")
        }
    }

    package func text() throws(FileError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            throw error("text is expected")
        }
        return scalar.string
    }

    package func flag() throws(FileError) -> Bool {
        guard let flag = node.bool else { throw error("true or false is expected") }
        return flag
    }

    /// `15s`, `500ms`, `4h`, `2m`, `1d`, or plain seconds; milliseconds.
    package func duration() throws(FileError) -> Int64 {
        guard let milliseconds = milliseconds(of: try text()) else {
            throw error("a duration such as 500ms, 15s, 2m, 4h is expected")
        }
        return milliseconds
    }
}

/// Nil for anything but a number and a unit, and for more than a hundred years.
package func milliseconds(of text: String) -> Int64? {
    let units: [(String, Double)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    let (suffix, factor) = units.first { text.hasSuffix($0.0) } ?? ("", 1_000)
    guard let number = Double(text.dropLast(suffix.count)), number >= 0, number.isFinite,
        number * factor < 3.2e12
    else { return nil }
    return Int64(number * factor)
}

extension YamlError {
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
            mark.line
        default: nil
        }
    }

    fileprivate var reason: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _),
            .composer(_, let problem, _, _):
            problem
        default: "not YAML"
        }
    }
}

/// Levenshtein's distance, for keys of a few letters.
private func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.utf8), Array(right.utf8.prefix(64)))
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
        var previous = row[0]
        row[0] = index + 1
        for column in right.indices {
            let substituted = previous + (right[column] == letter ? 0 : 1)
            previous = row[column + 1]
            row[column + 1] = min(substituted, previous + 1, row[column] + 1)
        }
    }
    return row[right.count]
}
