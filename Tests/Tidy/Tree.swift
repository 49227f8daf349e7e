// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The working tree, read as text.
enum Tree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    /// Files below `folder` whose names end in `suffix`, as paths from the root, sorted.
    static func files(_ folder: String, _ suffix: String = "") -> [String] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
        else { return [] }
        return walker.compactMap { $0 as? URL }
            .filter { !$0.hasDirectoryPath && $0.path.hasSuffix(suffix) }
            .map { String($0.path.dropFirst(root.path.count + 1)) }
            .filter { !$0.contains("__pycache__") }.sorted()
    }

    static func swift(_ folder: String) -> [(path: String, lines: [String])] {
        files(folder, ".swift").map { path in
            (
                path,
                text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            )
        }
    }
}
