// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// What is particular to one chat: pure, but for what it is given.
package protocol ChatDialect: Sendable {
    var pace: Pace { get }

    /// The request that carries the message, within the chat's limits; `now` is the time of day in milliseconds.
    func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest

    /// Nil if it was taken.
    func refusal(in answer: SinkAnswer) -> SinkError?
}

/// A chat's robot.
package struct ChatSink<Dialect: ChatDialect>: Sink {
    package let name: String
    private let dialect: Dialect
    private let address: Credential
    private let wording: Wording
    private let door: SinkDoor
    private let timeOfDay: @Sendable () -> Int64

    package init(
        name: String,
        _ dialect: Dialect,
        address: Credential,
        wording: Wording,
        door: SinkDoor,
        timeOfDay: @escaping @Sendable () -> Int64
    ) {
        self.name = name
        self.dialect = dialect
        self.address = address
        self.wording = wording
        self.door = door
        self.timeOfDay = timeOfDay
    }

    package var pace: Pace? { dialect.pace }
    package var bundling: Bundling { .digest }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        let request = try dialect.request(
            Message(notice, wording),
            wording.language.phrases,
            to: try address.secret(),
            key: notice.key,
            now: timeOfDay()
        )
        let answer = try await door.exchange(request)
        if let refusal = dialect.refusal(in: answer) { throw refusal }
    }
}

/// What a status alone says of an answer that is no success; nil for 2xx.
func refusal(byStatusOf answer: SinkAnswer) -> SinkError? {
    let words = "HTTP \(answer.status) \(answer.words)"
    return switch answer.status {
    case 200..<300: nil
    case 429: SinkError(words, .limited, retryAfter: answer.retryAfter)
    // A page to log in at is a redirect too.
    case 300..<400, 401, 403, 404, 407, 410: SinkError(words, .unauthorized)
    case 408, 425: SinkError(words, .unavailable)
    case 400..<500: SinkError(words, .rejected)
    default: SinkError(words, .unavailable, retryAfter: answer.retryAfter)
    }
}

/// The number under the first of `keys` in a JSON object; nil if the body is none, or has none.
func code(in answer: SinkAnswer, _ keys: String...) -> Int? {
    guard answer.body.count <= 65_536,
        let object = try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
    else { return nil }
    return keys.lazy.compactMap { object[$0] as? Int }.first
}

/// For a robot that answers 200 with a code in its body. What has no code was not answered by the robot: a proxy's
/// login page.
func refusal(
    byCodeIn answer: SinkAnswer,
    _ keys: [String],
    limited: Set<Int>,
    unauthorized: Set<Int>,
    unavailable: Set<Int> = [-1]
) -> SinkError? {
    let codes = keys.lazy.compactMap { code(in: answer, $0) }
    guard let code = codes.first else {
        return refusal(byStatusOf: answer)
            ?? SinkError("HTTP \(answer.status) without a robot's answer: \(answer.words)")
    }
    guard code != 0 else { return refusal(byStatusOf: answer) }
    if limited.contains(code) {
        return SinkError(answer.words, .limited, retryAfter: answer.retryAfter)
    }
    if unauthorized.contains(code) { return SinkError(answer.words, .unauthorized) }
    return SinkError(answer.words, unavailable.contains(code) ? .unavailable : .rejected)
}
