// SPDX-License-Identifier: Apache-2.0
import Routing
import TLS
import Wire

/// Who the agent is towards every collector, and whom it trusts: certificate and key or a token, and the CA, as
/// the files say now.
final class AgentIdentity {
    private var identity: TLSIdentity
    private var tokenFile: TokenFile?
    private let log: AgentLog
    private var nextCheck: Timestamp
    private var isExpiring = false
    /// The last complaint about the token, told once.
    private var complaint: String?

    /// Secrets that Kubernetes mounts change within a minute or two of their source; of a token a fifth of its life
    /// is left then, two minutes at least.
    private static let period: Int64 = 60_000
    /// cert-manager renews a month ahead: one that has a week left is not being renewed.
    private static let warningTime: Int64 = 7 * 86_400

    init(
        files: TLSFiles,
        tokenFile: TokenFile?,
        log: AgentLog,
        now: Timestamp
    ) throws(TLSError) {
        identity = try TLSIdentity(.client, files: files)
        self.tokenFile = tokenFile
        self.log = log
        nextCheck = now + Self.period
        checkExpiry()
    }

    var context: TLSContext { identity.context }
    var deadline: Timestamp { nextCheck }
    /// Nil where a certificate says who the agent is.
    var token: BearerToken? { tokenFile?.token }
    /// Another number, another token.
    var tokenSerial: Int { tokenFile?.serial ?? 0 }

    func timerFired(now: Timestamp) {
        guard now >= nextCheck else { return }
        check(now: now)
    }

    /// Reads the files if they changed. Streams that run go on with the certificate they began with, and hand a new
    /// token over.
    func check(now: Timestamp) {
        nextCheck = now + Self.period
        let what = tokenFile == nil ? "certificate and key" : "CA file"
        switch identity.refresh() {
        case .none: break
        case .renewed: log.notice("\(what) \(tokenFile == nil ? "are" : "is") read again")
        case .refused(let reason):
            log.warning("what is new of \(what) cannot be used, the old is: \(reason)")
        }
        refreshToken()
        checkExpiry()
    }

    /// Before each connection too: the last look may be a minute ago.
    func refreshToken() {
        switch tokenFile?.refresh() {
        case nil: return
        case .some(.none): complaint = nil
        case .renewed:
            complaint = nil
            log.notice("the token is read again")
        case .refused(let reason):
            guard complaint != reason else { return }
            complaint = reason
            log.warning("the new token cannot be used, the old one is: \(reason)")
        }
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
