// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Sinks

/// The commands' way to a running collector, and how they print what it says.
struct APIOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Where the collector is; else PODPATH_URL, else \(APIAddress.standard)."
    )
    var url: String?
    @Option(
        name: .long,
        help: "A file that holds name:password; else PODPATH_USER_FILE.",
        completion: .file()
    )
    var userFile: String?
    @Option(
        name: .long,
        help: "Who signs the collector's certificate, PEM; else PODPATH_CA.",
        completion: .file()
    )
    var ca: String?
    @Option(name: .long, help: "Our own certificate, PEM.", completion: .file())
    var certificate: String?
    @Option(name: .long, help: "Its key, PEM.", completion: .file()) var key: String?
    @Flag(name: .long, help: "Print the API's JSON.") var json = false
    @Option(name: .long, help: "auto, always or never; NO_COLOR counts.")
    var color = ColorChoice.auto

    var screen: Screen { Terminal.screen(color) }

    /// Runs with a client; a collector that cannot be asked is exit 2, one that refuses exit 1, in one line.
    func ask<Value>(_ body: (APIClient) async throws -> Value) async throws -> Value {
        do {
            let client = try APIClient(try address())
            let result: Result<Value, any Error>
            do {
                result = .success(try await body(client))
            } catch {
                result = .failure(error)
            }
            await client.close()
            return try result.get()
        } catch let failure as APIFailure {
            Terminal.complain(failure.description)
            throw ExitCode(failure.isRefusal ? 1 : 2)
        }
    }

    func address(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(APIFailure) -> APIAddress {
        let text = url ?? environment["PODPATH_URL"] ?? APIAddress.standard
        var address = try APIAddress(text, isPublic: url != nil)
        address.ca = ca ?? environment["PODPATH_CA"]
        (address.certificate, address.key) = (certificate, key)
        guard (certificate == nil) == (key == nil) else {
            throw APIFailure(description: "--certificate and --key go together")
        }
        if let file = userFile ?? environment["PODPATH_USER_FILE"] {
            address.user = try Self.user(file)
        }
        return address
    }

    private static func user(_ file: String) throws(APIFailure) -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw APIFailure(description: "--user-file \(file) cannot be read")
        }
        let line = text.trimmingCharacters(in: .newlines)
        guard line.contains(":"), !line.contains("\n") else {
            throw APIFailure(
                description: "--user-file \(file) does not hold name:password in a line"
            )
        }
        return line
    }
}
