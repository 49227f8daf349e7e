// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Store

struct BackUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store into one file, while a collector runs or not."
    )

    @OptionGroup var file: ConfigurationOption
    @Option(name: .long, help: "The file to write; it must not exist.") var to: String

    func run() throws {
        guard let path = try file.read().store.path else {
            return try fail("no store is configured")
        }
        guard !FileManager.default.fileExists(atPath: to) else {
            return try fail("\(to) exists already")
        }
        do throws(StoreError) {
            try Store.backUp(path, to: to)
        } catch {
            try fail("\(error)")
        }
    }

    private func fail(_ message: String) throws {
        FileHandle.standardError.write(Data("podpath-collector: \(message)\n".utf8))
        throw ExitCode(1)
    }
}
