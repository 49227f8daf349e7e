// SPDX-License-Identifier: Apache-2.0
import Foundation
package import Incidents
package import Routing
import Synchronization

/// All instances of an Alertmanager cluster, API v2. They want to hear of what fires again and again: what is not
/// repeated is over for them.
package final class Alertmanager: Sink {
    package let name: String
    private let instances: [Instance]
    /// Milliseconds between two repetitions.
    private let every: Int64
    private let clock: @Sendable () -> Timestamp
    private let pause: @Sendable (Int64) async -> Void
    private let alerts: Mutex<Alerts>

    /// One address, and how it is reached.
    package struct Instance: Sendable {
        let url: String
        let account: Account?
        let door: SinkDoor

        /// `url` without a slash at its end.
        package init(url: String, account: Account?, door: SinkDoor) {
            self.url = url
            self.account = account
            self.door = door
        }
    }

    package let bundling = Bundling.latest

    /// `firing` is what an earlier collector had told.
    package init(
        name: String,
        instances: [Instance],
        link: String?,
        every: Int64,
        firing: [Incident],
        clock: @escaping @Sendable () -> Timestamp,
        pause: @escaping @Sendable (Int64) async -> Void
    ) {
        self.name = name
        self.instances = instances
        self.every = every
        self.clock = clock
        self.pause = pause
        alerts = Mutex(Alerts(firing, link: link, every: every))
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        let now = clock()
        let current = alerts.withLock { alerts in
            for transition in notice.transitions { alerts.take(transition) }
            return alerts.current(at: now)
        }
        let failures = await post(current)
        // One that has it tells the others; what they lack comes with the next repetition.
        guard failures.count == instances.count, let first = failures.first else { return }
        throw first
    }

    package func run() async {
        while !Task.isCancelled {
            await pause(every)
            let current = alerts.withLock { $0.current(at: clock()) }
            if !current.isEmpty, !Task.isCancelled { _ = await post(current) }
        }
    }

    /// To all at once: each on its own, so that one that hangs delays nobody.
    private func post(_ alerts: [Alerts.Body]) async -> [SinkError] {
        let body = json(alerts)
        return await withTaskGroup(of: SinkError?.self) { group in
            for instance in instances {
                group.addTask {
                    do throws(SinkError) {
                        try await instance.post(body)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: []) { if let error = $1 { $0.append(error) } }
        }
    }
}

extension Alertmanager.Instance {
    func post(_ body: Data) async throws(SinkError) {
        var request = SinkRequest(url: "\(url)/api/v2/alerts", body: body)
        if let header = try account?.header() { request.headers.append(header) }
        let answer = try await door.exchange(request)
        if let refusal = refusal(byStatusOf: answer) { throw refusal }
    }
}
