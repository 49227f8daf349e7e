// SPDX-License-Identifier: Apache-2.0
import Routing
import TLS

/// Who the agent is towards every collector: certificate, key and whom it trusts, as the files
/// say now.
final class AgentIdentity {
    private var identity: TLSIdentity
    private let log: AgentLog
    private var nextCheck: Timestamp
    private var isExpiring = false

    /// Secrets that Kubernetes mounts change within a minute or two of their source.
    private static let period: Int64 = 60_000
    /// cert-manager renews a month ahead: one that has a week left is not being renewed.
    private static let warningTime: Int64 = 7 * 86_400

    init(files: TLSFiles, log: AgentLog, now: Timestamp) throws(TLSError) {
        identity = try TLSIdentity(.client, files: files)
        self.log = log
        nextCheck = now + Self.period
        checkExpiry()
    }

    var context: TLSContext { identity.context }
    var deadline: Timestamp { nextCheck }

    func timerFired(now: Timestamp) {
        guard now >= nextCheck else { return }
        check(now: now)
    }

    /// Reads the files if they changed. Streams that run go on with what they began with.
    func check(now: Timestamp) {
        nextCheck = now + Self.period
        switch identity.refresh() {
        case .none: break
        case .renewed: log.notice("certificate and key are read again")
        case .refused(let reason):
            log.warning("the new certificate or key cannot be used, the old ones are: \(reason)")
        }
        checkExpiry()
    }

    private func checkExpiry() {
        let left = identity.context.certificateLifetime ?? .max
        if left < Self.warningTime, !isExpiring {
            log.warning(
                left < 0
                    ? "the certificate has expired: collectors will refuse it"
                    : "the certificate expires in \(left / 3_600) hours"
            )
        }
        isExpiring = left < Self.warningTime
    }
}
