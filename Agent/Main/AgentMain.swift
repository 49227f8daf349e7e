// SPDX-License-Identifier: Apache-2.0
import BIRD
import EventLoop
import Glibc
import Release
import TLS

@main
enum AgentMain {
    static func main() {
        do throws(AgentOptions.UsageError) {
            guard let options = try AgentOptions(Array(CommandLine.arguments.dropFirst())) else {
                return
            }
            exit(run(options))
        } catch {
            writeLine("podpath-agent: \(error.message)", to: 2)
            exit(2)
        }
    }

    private static func run(_ options: AgentOptions) -> Int32 {
        if case .inspect(let file) = options.command { return inspectFile(file) }
        boundNameResolution()
        if case .report = options.command { return start(options, nil) }
        do {
            return start(options, try identity(options))
        } catch {
            writeLine("podpath-agent: \(error)", to: 2)
            return 2
        }
    }

    private static func identity(_ options: AgentOptions) throws -> AgentIdentity {
        guard let files = options.files else { throw TLSError("no CA file") }
        return try AgentIdentity(
            files: files,
            tokenFile: try options.tokenFile.map(TokenFile.init),
            log: options.log,
            now: Driver.now()
        )
    }

    private static func start(_ options: AgentOptions, _ identity: AgentIdentity?) -> Int32 {
        do throws(SystemError) {
            let driver = try Driver(options, identity)
            guard identity != nil else {
                writeLine(ReportDocument.json(driver.readOnce(), node: options.node), to: 1)
                return 0
            }
            options.log.notice("podpath-agent \(versionAndRevision) watches \(options.node)")
            driver.run()
            options.log.notice("told to stop")
            return 0
        } catch {
            options.log.error("\(error)")
            return 1
        }
    }

    private static func inspectFile(_ path: String) -> Int32 {
        guard let bytes = readFile(path) else {
            writeLine("podpath-agent: \(path): \(String(cString: strerror(errno)))", to: 2)
            return 2
        }
        let (json, isComplete) = inspect(bytes)
        writeLine(json, to: 1)
        return isComplete ? 0 : 1
    }

    /// Recorded replies are small; 64 MB is eight times what a session may say.
    private static func readFile(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while content.count < 64 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? content : nil }
            content += buffer[..<count]
        }
        return content
    }
}
