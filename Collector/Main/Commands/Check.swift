// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BigIPSource
import Election
import EventLoop
import Facts
import Foundation
import Incidents
import KubernetesSource
import OperatorSource
import Routing
import Sinks
import SwitchSource
import TLS
import Verdicts

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the configuration, try each source once; exit 1 if any fails."
    )

    @OptionGroup var file: ConfigurationOption

    private struct Row {
        var what: String
        var failure: String?
        var detail: String
    }

    func run() async throws {
        let configuration = try file.read()
        var rows: [Row] = [Row(what: "configuration", failure: nil, detail: file.config)]
        rows += checkNodes(configuration)
        rows += await checkKubernetes(configuration)
        rows += await checkLease(configuration)
        rows += checkAgents(configuration)
        rows += await checkTokens(configuration)
        rows += checkWeb(configuration)
        for item in configuration.switches {
            rows.append(await checkSwitch(item, configuration))
        }
        for item in configuration.loadBalancers {
            rows += await checkLoadBalancer(item)
        }
        rows += checkSinks(configuration)
        for row in rows {
            // A device's words may hold what moves a terminal's cursor.
            let text = IncidentText.printable("\(row.what): \(row.failure ?? row.detail)")
            print("\(row.failure == nil ? "ok    " : "FAILED") \(text)")
        }
        if rows.contains(where: { $0.failure != nil }) { throw ExitCode(1) }
    }

    private func row<Value>(
        _ what: String,
        _ result: ReadResult<Value>,
        _ detail: (Value) -> String
    ) -> Row {
        switch result {
        case .read(let value): Row(what: what, failure: nil, detail: detail(value))
        case .failed(let reason): Row(what: what, failure: reason, detail: "")
        }
    }

    private func checkSwitch(_ item: Configuration.Switch, _ configuration: Configuration) async
        -> Row
    {
        let what = "switch \(item.name)"
        guard let poller = configuration.poller(of: item) else {
            let feeds = [("BMP", item.bmp), ("BGP", item.bgp)].compactMap { name, address in
                address.map { "\(name) from \($0)" }
            }
            let detail = "brings \(feeds.joined(separator: " and ")), and is not asked"
            return Row(what: what, failure: nil, detail: detail)
        }
        let result = await poller.read()
        await poller.close()
        return row(what, result) { table in
            "\(table.routes.count) prefixes, \(table.neighbors.count) neighbours"
        }
    }

    private func checkNodes(_ configuration: Configuration) -> [Row] {
        guard let path = configuration.nodesFile else {
            let isWatched = configuration.intentSource == .kubernetes
            let detail = isWatched ? "as Kubernetes says" : "as agents claim"
            return [Row(what: "nodes", failure: nil, detail: detail)]
        }
        do throws(FileError) {
            let nodes = try NodesFile.read(path: path)
            return [Row(what: "nodes", failure: nil, detail: "\(nodes.count) nodes in \(path)")]
        } catch {
            return [Row(what: "nodes", failure: "\(error)", detail: "")]
        }
    }

    private func checkKubernetes(_ configuration: Configuration) async -> [Row] {
        guard let access = configuration.kubernetes else { return [] }
        do {
            let source = KubernetesSource(try ClusterClient(access))
            return await source.check().map { what, failure in
                Row(what: "kubernetes: \(what)", failure: failure, detail: access.server)
            }
        } catch {
            return [Row(what: "kubernetes", failure: "\(error)", detail: "")]
        }
    }

    /// Read, not taken: whether it may be written is known when a collector runs.
    private func checkLease(_ configuration: Configuration) async -> [Row] {
        guard let lease = configuration.lease, let access = configuration.kubernetes else {
            return []
        }
        let what = "lease \(lease.namespace)/\(lease.name)"
        guard let client = try? ClusterClient(access) else { return [] }
        let answer = await LeaseDoor(lease, client).ask(.read)
        await client.close()
        switch answer {
        case .failed(let reason): return [Row(what: what, failure: reason, detail: "")]
        case .found(let found) where !found.holder.isEmpty:
            return [Row(what: what, failure: nil, detail: "held by \(found.holder)")]
        case .found, .absent, .written, .conflict:
            return [Row(what: what, failure: nil, detail: "held by nobody")]
        }
    }

    private func checkAgents(_ configuration: Configuration) -> [Row] {
        guard let agents = configuration.agents else {
            return [Row(what: "agents", failure: nil, detail: "not configured")]
        }
        do throws(TLSError) {
            _ = try TLSContext(.server, files: agents.files)
            return [Row(what: "agents", failure: nil, detail: "certificates load")]
        } catch {
            return [Row(what: "agents", failure: "\(error)", detail: "")]
        }
    }

    /// A token of nobody is reviewed: an API server that can says so.
    private func checkTokens(_ configuration: Configuration) async -> [Row] {
        guard let tokens = configuration.agents?.tokens else { return [] }
        let whose =
            "\(tokens.namespace)/\(tokens.serviceAccount) for the audience \(tokens.audience)"
        do {
            let failure = try await configuration.tokenReviewer?.check()
            return [Row(what: "agents: token reviews", failure: failure, detail: "of \(whose)")]
        } catch {
            return [Row(what: "agents: token reviews", failure: "\(error)", detail: "")]
        }
    }

    private func checkWeb(_ configuration: Configuration) -> [Row] {
        let http = configuration.http
        do throws(WebDoorError) {
            let door = try WebDoor(http.security)
            let users = http.security.users.count
            let detail =
                "\(http.host):\(http.port), \(door.isTLS ? "TLS" : "no TLS"), "
                + "\(users == 0 ? "no passwords" : StatusText.plural(users, "user"))"
            return [Row(what: "http", failure: nil, detail: detail)]
        } catch {
            return [Row(what: "http", failure: "\(error)", detail: "")]
        }
    }

    private func checkLoadBalancer(_ item: Configuration.LoadBalancer) async -> [Row] {
        var rows: [Row] = []
        for unit in item.bigip.units {
            let poller = item.poller(of: unit)
            rows.append(
                row("\(item.name) \(unit)", await poller.read(clock: { .zero })) { table in
                    "\(table.role.rawValue), \(table.members.count) members"
                }
            )
            await poller.close()
        }
        return rows
    }

    /// Sinks are not sent anything here: `notify-test` does that, on purpose.
    private func checkSinks(_ configuration: Configuration) -> [Row] {
        configuration.sinks.map { item in
            if case .command(let arguments) = item.target, !isProgram(arguments[0]) {
                return Row(
                    what: "sink \(item.name)",
                    failure: "no program \(arguments[0])",
                    detail: ""
                )
            }
            return Row(
                what: "sink \(item.name)",
                failure: nil,
                detail: "not sent anything; try notify-test \(item.name)"
            )
        }
    }

    private func isProgram(_ name: String) -> Bool {
        if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }
}

struct NotifyTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a test message to one sink."
    )

    @Argument(help: "The sink's name.") var sink: String
    @OptionGroup var file: ConfigurationOption

    func run() async throws {
        let configuration = try file.read()
        guard let item = configuration.sinks.first(where: { $0.name == sink }) else {
            let names = configuration.sinks.map(\.name).joined(separator: ", ")
            throw ValidationError("no sink \(sink); there are: \(names)")
        }
        let clock = CollectorClock()
        let made = ConfiguredSinks([item], .init(clock: { clock.now() }))
        let now = clock.now()
        let test = IncidentTransition.test(cluster: configuration.cluster, at: now)
        let notice = Notice([test], key: "\(configuration.cluster)-test-\(now.milliseconds)")
        var failure: SinkError?
        for sink in made.all {
            do throws(SinkError) {
                try await sink.deliver(notice)
            } catch {
                failure = error
            }
        }
        await made.shutDown()
        if let failure {
            FileHandle.standardError.write(Data("sink \(sink): \(failure)\n".utf8))
            throw ExitCode(1)
        }
        FileHandle.standardError.write(Data("sink \(sink): taken\n".utf8))
    }
}
