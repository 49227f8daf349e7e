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
    private let timeOfDay: @Sendable () -> Int64
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
    /// It knows alerts by their labels, which are the same whoever sends them.
    package let isToldByAll = true

    /// `firing` is what an earlier collector had told.
    package init(
        name: String,
        instances: [Instance],
        link: String?,
        every: Int64,
        firing: [Incident],
        clock: @escaping @Sendable () -> Timestamp,
        timeOfDay: @escaping @Sendable () -> Int64,
        pause: @escaping @Sendable (Int64) async -> Void
    ) {
        self.name = name
        self.instances = instances
        self.every = every
        self.clock = clock
        self.timeOfDay = timeOfDay
        self.pause = pause
        alerts = Mutex(Alerts(firing, link: link, every: every, at: clock()))
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        let now = clock()
        let current = alerts.withLock { alerts in
            for transition in notice.transitions { alerts.take(transition) }
            return alerts.current(at: now, shift: shift(at: now))
        }
        let failures = await post(current)
        // What one of several lacks comes with the next repetition, which tells that it is deaf.
        guard failures.count == instances.count, let first = failures.first else { return }
        throw first
    }

    package func run(_ report: @escaping @Sendable (SinkError?) -> Void) async {
        while !Task.isCancelled {
            await pause(every)
            let now = clock()
            let current = alerts.withLock { $0.current(at: now, shift: shift(at: now)) }
            // An empty list asks no less whether it is there.
            let failures = await post(current)
            if !Task.isCancelled { report(failures.first) }
        }
    }

    /// By how much the time of day is ahead of the collector's clock, which is never set: instances compare the ends of
    /// alerts with their own.
    private func shift(at now: Timestamp) -> Int64 { timeOfDay() - now.milliseconds }

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
                        return SinkError("\(instance.host): \(error)", error.class)
                    }
                }
            }
            return await group.reduce(into: []) { if let error = $1 { $0.append(error) } }
        }
    }
}

extension Alertmanager.Instance {
    /// For people.
    var host: String {
        let parts = URLComponents(string: url)
        return (parts?.host ?? "") + (parts?.port.map { ":\($0)" } ?? "")
    }

    func post(_ body: Data) async throws(SinkError) {
        var request = SinkRequest(url: "\(url)/api/v2/alerts", body: body)
        if let header = try account?.header() { request.headers.append(header) }
        let answer = try await door.exchange(request)
        if let refusal = refusal(byStatusOf: answer) { throw refusal }
    }
}
