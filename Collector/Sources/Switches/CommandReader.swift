// SPDX-License-Identifier: Apache-2.0
import Deadline
import DeviceHTTP
import Subprocess
package import SwitchDialects

/// What a command prints, by its dialect.
package enum SwitchFormat: String, Sendable, CaseIterable {
    case frrJSON = "frr-json"
    case nxosText = "nxos-text"
    /// `show … | json`.
    case nxosJSON = "nxos-json"
    case eosJSON = "eos-json"

    func decode(_ bytes: [UInt8]) throws -> SwitchAnswer {
        switch self {
        case .frrJSON: try decodeFRR(bytes)
        case .nxosText: decodeNXOSText(bytes)
        case .nxosJSON: try decodeNXAPI(bytes)
        case .eosJSON: try decodeEOS(bytes)
        }
    }
}

/// Asks a switch by running a command, such as ssh.
package struct CommandReader: SwitchReader {
    private let arguments: [String]
    private let format: SwitchFormat

    /// A full table of a large switch takes seconds; past this the command hangs.
    private static let deadline = 30
    private static let outputLimit = 16 << 20

    package init(_ arguments: [String], format: SwitchFormat) {
        self.arguments = arguments
        self.format = format
    }

    package func read() async throws -> SwitchAnswer {
        let bytes: [UInt8]
        do {
            bytes = try await withDeadline(seconds: Self.deadline) { try await execute() }
        } catch {
            throw SwitchReadError("\(arguments.first ?? ""): \(error)")
        }
        return try format.decode(bytes)
    }

    package func close() async {}

    private func execute() async throws -> [UInt8] {
        let program: Executable =
            arguments[0].contains("/")
            ? .path(.init(arguments[0])) : .name(arguments[0])
        let result = try await Subprocess.run(
            program,
            arguments: .init(Array(arguments.dropFirst())),
            output: .bytes(limit: Self.outputLimit),
            error: .string(limit: 4_096)
        )
        guard result.terminationStatus.isSuccess else {
            let words = result.standardError.split(whereSeparator: \.isNewline).first ?? ""
            throw SwitchReadError("\(result.terminationStatus) \(words)")
        }
        return result.standardOutput
    }
}
