// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Foundation
import Routing
import Sinks
import Synchronization

/// When to read again: at events, at times without them, and after failures ever more seldom.
struct ReadingTimes: Sendable {
    private(set) var next: Int64
    private var failures = 0

    /// Milliseconds. Events may be lost, and ages grow; without events nothing else tells of a change.
    private static let (withEvents, withoutEvents) = (Int64(10_000), Int64(5_000))
    /// Half a minute: long enough for a collector that starts, short enough for who waits.
    private static let longestPause: Int64 = 30_000

    init(now: Int64) { next = now + Self.withoutEvents }

    func isDue(now: Int64, hasEvents: Bool) -> Bool {
        now >= next || (hasEvents && failures == 0)
    }

    mutating func succeeded(now: Int64, isListening: Bool) {
        failures = 0
        next = now + (isListening ? Self.withEvents : Self.withoutEvents)
    }

    /// `jitter`: 0…1.
    mutating func failed(now: Int64, jitter: Double) {
        failures += 1
        let pause = min(1_000 << Int64(min(failures - 1, 10)), Self.longestPause)
        next = now + Int64(Double(pause) * (0.5 + jitter / 2))
    }
}

/// Shows a view again and again, until it is interrupted.
final class Watch<Shown: View>: Sendable {
    private struct Ear {
        var hasEvents = false
        var isListening = false
    }

    private let view: Shown
    private let client: APIClient
    private let options: APIOptions
    private let ear = Mutex(Ear())

    /// Faster than an eye minds; and what comes in one burst is read once.
    private static var tick: Duration { .milliseconds(250) }

    init(_ view: Shown, _ client: APIClient, _ options: APIOptions) {
        self.view = view
        self.client = client
        self.options = options
    }

    func run(_ first: Reading<Shown.Document>) async {
        let listener = Task { await listen() }
        defer { listener.cancel() }
        let drawing = Drawing(isTerminal: Terminal.isTerminal && !options.json)
        var (last, failure) = (first, APIFailure?.none)
        var readAt = monotonicMilliseconds()
        var times = ReadingTimes(now: readAt)
        show(from: nil, first)
        while !Task.isCancelled {
            drawing.draw(options.color) { screen in
                let age = monotonicMilliseconds() - readAt
                let lines = view.lines(last.document, now: last.at + age, screen)
                return lines + note(failure, age: age, screen)
            }
            try? await Task.sleep(for: Self.tick)
            let now = monotonicMilliseconds()
            guard times.isDue(now: now, hasEvents: ear.withLock(\.hasEvents)) else { continue }
            ear.withLock { $0.hasEvents = false }
            do throws(APIFailure) {
                let reading = try await view.read(client)
                if failure != nil { complainOnPipe("it answers again") }
                show(from: last.document, reading)
                (last, failure, readAt) = (reading, nil, monotonicMilliseconds())
                times.succeeded(now: readAt, isListening: ear.withLock(\.isListening))
            } catch {
                if failure == nil { complainOnPipe(error.description) }
                failure = error
                times.failed(now: monotonicMilliseconds(), jitter: .random(in: 0...1))
            }
        }
    }

    /// On a pipe: what is new.
    private func show(from old: Shown.Document?, _ new: Reading<Shown.Document>) {
        guard options.json || !Terminal.isTerminal else { return }
        let changes = view.changes(from: old, to: new.document)
        guard old == nil || !changes.isEmpty else { return }
        if options.json { return Terminal.printJSON(json(new.document)) }
        Terminal.print(
            changes.map { Line([Span("\(rfc3339(new.at)) ", .dim)] + $0.spans) },
            options.screen
        )
    }

    private func complainOnPipe(_ text: String) {
        if options.json || !Terminal.isTerminal { Terminal.complain(text) }
    }

    private func note(_ failure: APIFailure?, age: Int64, _ screen: Screen) -> [Line] {
        guard let failure else { return [] }
        let text = "as of \(IncidentText.duration(age)) ago; \(failure)"
        return [Line()] + .paragraph(text, .yellow, screen)
    }

    /// Hears of changes for as long as it can; where it cannot, the others are read more often.
    private func listen() async {
        var failures = 0
        while !Task.isCancelled {
            try? await client.listen { isEvent in
                failures = 0
                ear.withLock { ear in
                    ear.isListening = true
                    ear.hasEvents = ear.hasEvents || isEvent
                }
            }
            ear.withLock { $0.isListening = false }
            failures += 1
            let pause = min(1_000 << min(failures, 10), 30_000)
            try? await Task.sleep(for: .milliseconds(Int.random(in: pause / 2...pause)))
        }
    }
}
