// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BigIPSource
import Foundation
import SwitchDialects

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Parse a recorded answer and print what would be believed, as JSON."
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case nxapiRoutes = "nxapi-routes"
        case nxosText = "nxos-text"
        case frrJSON = "frr-json"
        case eosJSON = "eos-json"
        case bmp
        case bigIPPools = "bigip-pools"
        case bigIPMemberStats = "bigip-member-stats"
        case bigIPRoutes = "bigip-routes"
        case bigIPVirtuals = "bigip-virtuals"
    }

    @Argument(help: "One of \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: Format
    @Argument(help: "The recorded answer; - for standard input.") var file: String

    func run() throws {
        let data =
            file == "-"
            ? FileHandle.standardInput.readDataToEndOfFile()
            : FileManager.default.contents(atPath: file)
        guard let data else {
            FileHandle.standardError.write(Data("podpath-collector: cannot read \(file)\n".utf8))
            throw ExitCode(2)
        }
        do {
            print(try inspect([UInt8](data)))
        } catch let exit as ExitCode {
            throw exit
        } catch {
            FileHandle.standardError.write(Data("podpath-collector: \(file): \(error)\n".utf8))
            throw ExitCode(1)
        }
    }

    private func inspect(_ bytes: [UInt8]) throws -> String {
        switch format {
        case .nxapiRoutes: try routes { try decodeNXAPI(bytes) }
        case .nxosText: inspectRoutes(decodeNXOSText(bytes))
        case .frrJSON: try routes { try decodeFRR(bytes) }
        case .eosJSON: try routes { try decodeEOS(bytes) }
        case .bmp: inspectRoutes(decodeBMP(bytes))
        case .bigIPPools: try inspectPools(bytes)
        case .bigIPMemberStats: try inspectMembers(bytes)
        case .bigIPRoutes: try inspectBigIPRoutes(bytes)
        case .bigIPVirtuals: try inspectVirtuals(bytes)
        }
    }

    /// What cannot be read at all is a problem too: printed like the others, and exit 1.
    private func routes(_ decode: () throws -> SwitchAnswer) throws -> String {
        do {
            return inspectRoutes(try decode())
        } catch {
            var answer = SwitchAnswer()
            answer.doubt("\(error)")
            print(inspectRoutes(answer))
            throw ExitCode(1)
        }
    }
}
