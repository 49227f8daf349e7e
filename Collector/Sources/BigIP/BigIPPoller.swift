// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// Reads one BIG-IP unit round by round, and single pools in between when somebody asks for them.
package struct BigIPPoller: Sendable {
    package let name: String
    package let unit: String
    /// What was asked for between rounds: by judgement that is in doubt, by the unit's own syslog.
    package let requested = RequestedPools()
    private let client: BigIPClient
    private let scope: ReadScope
    private let period: Int64

    package init(
        name: String,
        unit: String,
        client: BigIPClient,
        scope: ReadScope,
        period: Int64
    ) {
        self.name = name
        self.unit = unit
        self.client = client
        self.scope = scope
        self.period = period
    }

    /// Polls until cancelled. `pause` waits that many milliseconds, or less when a pool was asked for.
    package func run(
        clock: @Sendable () -> Timestamp,
        pause: @Sendable (Int64) async -> Void,
        deliver: @Sendable (FactUpdate) -> Void
    ) async {
        var state = UnitState(scope, period: period)
        var schedule = PollSchedule(period: period)
        while !Task.isCancelled {
            let began = clock()
            let result = await read(&state, clock)
            guard !Task.isCancelled else { break }
            deliver(.loadBalancerRead(name: name, unit: unit, result, took: clock() - began))
            let delay = schedule.delay(afterSuccess: result.isGood, random: .random(in: 0..<1000))
            let isWell = result.isGood
            await between(until: clock() + delay, &state, isWell, clock, pause, deliver)
        }
        await client.close()
    }

    /// One round, and nothing kept of it.
    package func read(clock: @Sendable () -> Timestamp) async -> ReadResult<LoadBalancerTable> {
        var state = UnitState(scope, period: period)
        return await read(&state, clock)
    }

    package func close() async { await client.close() }

    private func read(
        _ state: inout UnitState,
        _ clock: @Sendable () -> Timestamp
    ) async -> ReadResult<LoadBalancerTable> {
        let reader = UnitReader(client: client)
        do {
            do {
                return .read(try await state.round(reader, clock: clock))
            } catch is BigIPRoleChange {
                // What a failover has made of it is wanted now, not a period later.
                return .read(try await state.round(reader, clock: clock))
            }
        } catch {
            return .failed("\(error)")
        }
    }

    /// Until the next round: pools that were asked for, none more often than a quarter of the period. The
    /// round comes sooner when the unit has written of what only a round tells. A unit that could not be read
    /// is left alone.
    private func between(
        until end: Timestamp,
        _ state: inout UnitState,
        _ isWell: Bool,
        _ clock: @Sendable () -> Timestamp,
        _ pause: @Sendable (Int64) async -> Void,
        _ deliver: @Sendable (FactUpdate) -> Void
    ) async {
        var isWell = isWell
        let earliest = clock() + max(1_000, period / 4)
        var end = end
        while !Task.isCancelled, clock() < end {
            if isWell, requested.takeRound() { end = min(end, earliest) }
            let (due, next) =
                isWell
                ? requested.due(state.reads, floor: max(period / 4, 500), at: clock()) : ([], nil)
            guard !due.isEmpty else {
                await pause(min(end, next ?? end) - clock())
                continue
            }
            let began = clock()
            do {
                let pools = try await state.pools(due, UnitReader(client: client), clock: clock)
                let took = clock() - began
                if !pools.isEmpty { deliver(.poolsRead(name: name, unit: unit, pools, took: took)) }
            } catch {
                // The round tells what is wrong, and is the one that counts failures.
                isWell = false
            }
        }
    }
}
