// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Captured replies of real daemons; see Tests/Fixtures/bird/README.md.
enum BIRDFixture {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/bird")

    static let versions = [
        "1.6.8", "2.0.7", "2.0.12", "2.13.1", "2.14", "2.15.1", "2.17.6", "2.19.2", "3.0.5",
        "3.1.8", "3.3.2",
    ]

    static func bytes(_ version: String, _ state: String, _ command: String) -> [UInt8]? {
        let file = folder.appending(path: "\(version)/\(state)/\(command).txt")
        return (try? Data(contentsOf: file)).map { [UInt8]($0) }
    }

    /// Every file: where it stands, and its bytes.
    static var all: [(name: String, bytes: [UInt8])] {
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "txt" }
            .compactMap { file in
                (try? Data(contentsOf: file)).map { (file.path, [UInt8]($0)) }
            }.sorted { $0.0 < $1.0 }
    }
}
