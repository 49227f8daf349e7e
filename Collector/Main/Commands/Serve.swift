// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Logging
import OperatorSource
import ServiceLifecycle

struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration file (YAML).")
    var config: String

    /// Exits with 2 and one line if the file is not usable.
    func read() throws -> Configuration {
        do throws(FileError) {
            return try Configuration.read(path: config)
        } catch {
            FileHandle.standardError.write(Data("podpath-collector: \(error)\n".utf8))
            throw ExitCode(2)
        }
    }
}

/// Logs go to standard error: standard output belongs to the stdout sink.
func makeLogger(_ level: Logger.Level) -> Logger {
    var log = Logger(label: "podpath") { StreamLogHandler.standardError(label: $0) }
    log.logLevel = level
    return log
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Watch, judge and tell.")

    @OptionGroup var file: ConfigurationOption
    @Option(
        name: .long,
        help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError("no such log level")
            }
            return level
        }
    )
    var logLevel = Logger.Level.info
    @Option(name: .long, help: "Record what enters in this file, for `replay`.")
    var journal: String?

    func run() async throws {
        let configuration = try file.read()
        let log = makeLogger(logLevel)
        signal(SIGPIPE, SIG_IGN)
        allowDescriptors()
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Collector(configuration, journal: journal, log: log))],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log
            )
        )
        do {
            try await group.run()
        } catch {
            log.critical("\(error)")
            throw ExitCode(1)
        }
    }
}

/// A descriptor an agent: as many as the system allows this program, where many start with 1,024.
private func allowDescriptors() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
