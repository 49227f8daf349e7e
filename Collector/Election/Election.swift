// SPDX-License-Identifier: Apache-2.0
package import Routing

/// Which of several collectors tells people, by a Lease: no socket, no clock.
///
///     standing by ──free, or not renewed for its duration──► taking ──written──► speaking
///          ▲                                                   │ somebody was faster  │
///          └───────────────────────────────────────────────────┴──another holds it────┘
///
/// While the API server cannot be asked, who held the Lease goes on, and after a minute the others speak too:
/// what is told twice is a nuisance, what nobody tells is what this program is there against.
package struct Election: Sendable {
    package enum Request: Sendable, Hashable {
        case read
        /// Make it, or replace the version that was read.
        case write(Lease)
    }

    package enum Answer: Sendable, Hashable {
        case found(Lease)
        case absent
        case written(Lease)
        /// Somebody wrote it meanwhile.
        case conflict
        case failed(String)
    }

    /// What it looks like from here.
    package struct Standing: Sendable, Hashable {
        package var speaks: Bool
        /// Who holds the Lease, as it was last read; nil: nobody, or it was never read.
        package var holder: String?
        /// Why the Lease cannot be had, while it cannot.
        package var failure: String?
    }

    /// As the components of Kubernetes have it: taken over after 15 s, given up after 10, looked at every 2.
    private static let duration: Int64 = 15_000
    private static let renewalLimit: Int64 = 10_000
    /// Nobody's Lease is waited for longer, whatever stands in it.
    private static let longest: Int64 = 60_000
    private static let period: Int64 = 2_000
    /// An API server that restarts or moves is back by then.
    private static let patience: Int64 = 60_000

    /// A message is noted at once, a burst of them together.
    private static let newsGap: Int64 = 100
    /// A failure that is older tells that this process has slept: longer than two attempts are apart.
    private static let recent: Int64 = 20_000

    private let name: String
    private let identity: String
    /// The newest version that was seen, and since when its holder has not stirred.
    private var seen: Lease?
    private var stirred: Stirring?
    private var quietSince: Timestamp
    /// Nothing was written since by somebody else, as far as is known.
    private var isFresh = false
    /// When the request began that last made or kept this one the holder; nil: another is.
    private var heldSince: Timestamp?
    private var failure: (reason: String, since: Timestamp, at: Timestamp)?
    private var attempts = 0
    /// In a row.
    private var conflicts = 0
    private static let conflictLimit = 3
    /// When the last request began, and whether it is still under way.
    private var begun: Timestamp
    private var isAsking = false
    private var due: Timestamp
    /// Whether that was a read, and whether the last one failed.
    private var isReading = false
    private var wasUnreadable = false
    /// Something waits to be written by one that is not the holder.
    private var isHasty = false
    /// Another process has the name too: it is not taken for an earlier life of this one any more.
    package private(set) var isDoubled = false

    /// `name` is one of a kind, as a pod's is; `life` tells two processes of one name apart.
    package init(name: String, life: String, now: Timestamp) {
        self.name = name
        identity = "\(name)_\(life)"
        quietSince = now
        begun = now
        due = now
    }

    /// Nil while a request is under way.
    package func nextDeadline(isNews: Bool) -> Timestamp? {
        guard !isAsking else { return nil }
        return isNews && isHolder && failure == nil ? min(due, begun + Self.newsGap) : due
    }

    private var isHolder: Bool { heldSince != nil }

    package func speaks(at now: Timestamp) -> Bool {
        if let heldSince, isHolder, now - heldSince < Self.renewalLimit { return true }
        // Only what was asked lately tells that it cannot be asked: this process may have slept.
        guard let failure, now - failure.at < Self.recent else { return false }
        return isHolder || now - failure.since >= Self.patience
    }

    package func standing(at now: Timestamp) -> Standing {
        let holder = seen?.holder ?? ""
        return Standing(
            speaks: speaks(at: now),
            holder: holder.isEmpty ? nil : holder,
            failure: failure?.reason
        )
    }

    /// What to ask now, if anything. `told` and `open` are what this collector knows to be told, which the holder
    /// writes, nil to leave what is there; `silences` are all that are known here, nil if the Lease has them already.
    package mutating func request(
        told: String,
        open: String? = nil,
        silences: String?,
        isNews: Bool = false,
        now: Timestamp
    ) -> Request? {
        guard let next = nextDeadline(isNews: isNews), now >= next else { return nil }
        (begun, isAsking, isReading) = (now, true, true)
        guard var lease = seen else { return .read }
        if lease.holder == identity || isFree(lease, now) {
            guard isFresh || lease.holder == identity else { return .read }
            // Whoever takes it has yet to take over what the last holder left open.
            if isHolder, let open { lease.open = open }
            take(&lease, now)
            lease.told = told
        } else {
            isHasty = silences != nil
            guard isFresh, isHasty else {
                isFresh = false
                return .read
            }
        }
        if let silences { lease.silences = silences }
        (isFresh, isReading) = (false, false)
        return .write(lease)
    }

    private func take(_ lease: inout Lease, _ now: Timestamp) {
        if lease.holder != identity {
            (lease.holder, lease.acquiredAt) = (identity, now)
            // The API's number has 32 bits.
            lease.transitions = lease.transitions < Int(Int32.max) ? lease.transitions + 1 : 0
        }
        (lease.duration, lease.renewedAt) = (Self.duration, now)
    }

    private func isFree(_ lease: Lease, _ now: Timestamp) -> Bool {
        if lease.holder.isEmpty { return true }
        if lease.holder.hasPrefix(name + "_"), !isDoubled { return true }
        // By how long it was seen not to stir: clocks differ.
        return now - quietSince >= min(max(lease.duration, Self.duration), Self.longest)
    }

    /// `jitter` is about 1.
    package mutating func answered(_ answer: Answer, jitter: Double, now: Timestamp) {
        isAsking = false
        switch answer {
        case .failed(let reason): failed(reason, jitter, now)
        case .found(let lease):
            see(lease, now)
            // Nor could its holder renew it while nobody could read it: it gets the time to.
            if wasUnreadable { quietSince = now }
            (isFresh, wasUnreadable) = (true, false)
            if lease.holder != identity { heldSince = nil }
            let isOurs = lease.holder == identity || isFree(lease, now)
            // What can be read and not taken cannot be had: only one that is well held is no failure.
            if !isOurs { recovered() }
            due = isOurs || isHasty ? now : now + pause(jitter)
        case .absent:
            // Nobody has it: whoever held it last does until it is made anew.
            see(Lease(), now)
            (isFresh, due) = (true, now)
        case .written(let lease):
            see(lease, now)
            recovered()
            heldSince = lease.holder == identity ? begun : nil
            (isHasty, due) = (false, now + pause(jitter))
        case .conflict:
            // Whoever was faster may only have noted something.
            (seen, due, conflicts) = (nil, now, conflicts + 1)
            if conflicts >= Self.conflictLimit {
                failed("somebody changes it whenever it is to be written", jitter, now)
            }
        }
    }

    private mutating func recovered() { (failure, attempts, conflicts) = (nil, 0, 0) }

    private func pause(_ jitter: Double) -> Int64 { Int64(Double(Self.period) * jitter) }

    private mutating func see(_ lease: Lease, _ now: Timestamp) {
        let isMine = lease.holder == identity
        if heldSince != nil, !isMine, lease.holder.hasPrefix(name + "_") { isDoubled = true }
        if stirred != Stirring(lease) { (stirred, quietSince) = (Stirring(lease), now) }
        seen = lease
    }

    private mutating func failed(_ reason: String, _ jitter: Double, _ now: Timestamp) {
        failure = (reason, failure?.since ?? now, now)
        if isReading { wasUnreadable = true }
        attempts = min(attempts + 1, 3)
        // 2, 4, then 8 s: below the limit, so that it is known to fail while it does.
        due = now + min(pause(jitter) << (attempts - 1), 8_000)
    }

    /// The last word of a collector that ends: the next need not wait.
    package mutating func release(told: String, open: String?, now: Timestamp) -> Request? {
        guard isHolder, var lease = seen else { return nil }
        (lease.holder, lease.duration, lease.renewedAt) = ("", 1_000, now)
        lease.told = told
        if let open { lease.open = open }
        (begun, isAsking) = (now, true)
        return .write(lease)
    }
}

/// What a holder changes by being there.
private struct Stirring: Hashable {
    var holder: String
    var renewedAt: Timestamp

    init(_ lease: Lease) { (holder, renewedAt) = (lease.holder, lease.renewedAt) }
}
