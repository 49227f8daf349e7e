// SPDX-License-Identifier: Apache-2.0
package import Facts

/// The life of one unit's token: when to use it, when to ask for another, and when to leave the unit alone.
///
/// Time is milliseconds of a clock that only runs forward: the unit's own wall clock may be hours off.
package struct BigIPLogin: Sendable {
    package enum Step: Sendable {
        case use(Secret)
        case login
        /// Not before that moment; why.
        case wait(until: Int64, String)
    }

    private var token: (value: Secret, since: Int64, until: Int64)?
    private var barred: (until: Int64, why: String)?
    /// Tokens that died young of late; one is forgiven for each while without.
    private var earlyDeaths = 0
    private var lastDeath: Int64 = 0

    /// Wrong credentials lock accounts out, for people too: one try in ten minutes.
    private static let refusalPause: Int64 = 600_000
    /// A hundred tokens of the user are alive; the oldest ends within twenty minutes.
    private static let floodPause: Int64 = 300_000
    /// A token that dies before this was taken by a restart or a failover, not by its age.
    private static let youth: Int64 = 120_000
    /// As many logins are far from the hundred tokens that a unit bears.
    private static let fewDeaths = 4

    package init() {}

    package func next(at now: Int64) -> Step {
        if let token, now < token.until { return .use(token.value) }
        if let barred, now < barred.until { return .wait(until: barred.until, barred.why) }
        return .login
    }

    /// A minute early, so that no request is caught by the expiry; of a short life half.
    package mutating func granted(_ value: Secret, lifetime: Int64, at now: Int64) {
        token = (value, now, now + max(lifetime - 60_000, lifetime / 2))
        barred = nil
    }

    package mutating func refused(_ failure: BigIPFailure, at now: Int64) {
        switch failure.action {
        case .credentials: bar(now + Self.refusalPause, "the credentials were refused")
        case .tokenFlood: bar(now + Self.floodPause, "the user has too many live tokens")
        case .loginAgain, .retryOnce, .retryLater, .absentMaybe: break
        }
    }

    /// The unit does not know the token any more. A few that die young may be replaced at once: a unit
    /// restarts, fails over and back. Those that go on to die are replaced slower and slower: an address that
    /// leads now to this unit and now to the other would else be a login for each request.
    package mutating func lost(at now: Int64) {
        guard let token else { return }
        self.token = nil
        guard now - token.since < Self.youth else { return }
        let forgiven = (now - lastDeath) / Self.youth
        earlyDeaths = max(0, earlyDeaths - Int(clamping: forgiven)) + 1
        lastDeath = now
        guard earlyDeaths > Self.fewDeaths else { return }
        let pause = Int64(30_000) << Int64(min(earlyDeaths - Self.fewDeaths, 5))
        bar(now + min(pause, Self.refusalPause), "its tokens die young")
    }

    /// What must be given back.
    package mutating func end() -> Secret? {
        defer { token = nil }
        return token?.value
    }

    private mutating func bar(_ until: Int64, _ why: String) { barred = (until, why) }
}
