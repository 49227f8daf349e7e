// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import NIOCore

/// Whose tokens are agents', and for whom they were made.
package struct AgentTokens: Hashable, Sendable {
    package var audience = "podpath"
    package var namespace = "podpath"
    package var serviceAccount = "podpath-agent"

    package init() {}

    var username: String { "system:serviceaccount:\(namespace):\(serviceAccount)" }
}

/// Asks one API server whose a token is. Its answer alone counts; nothing of the token is believed for itself.
package struct TokenReviewer: Sendable {
    private let client: ClusterClient
    private let tokens: AgentTokens

    private static let path = "/apis/authentication.k8s.io/v1/tokenreviews"
    /// It repeats the token, and may write each of 16,384 bytes as six; the rest is small.
    private static let answerLimit = 256 << 10
    /// An agent waits for it.
    private static let patience = 5
    /// A pod with its status and all its annotations.
    private static let podLimit = 2 << 20
    /// What one token makes of its answer is no matter of all others.
    private static let unusable = "the answer to its review cannot be used"

    package init(_ client: ClusterClient, _ tokens: AgentTokens) {
        self.client = client
        self.tokens = tokens
    }

    package func review(_ token: Secret) async -> TokenVerdict {
        do {
            return try await judge(try await ask(token), token)
        } catch let failure as ClusterFailure {
            if failure.status == 401 { client.forgetToken() }
            let reason = screened(failure.reason, token) ?? "HTTP \(failure.status)"
            return .unavailable(reason: reason, retryAfter: failure.retryAfter)
        } catch is NIOTooManyBytesError {
            return .refused(reason: Self.unusable)
        } catch is DecodingError {
            return .refused(reason: Self.unusable)
        } catch {
            return .unavailable(reason: screened(words(error), token) ?? "no answer")
        }
    }

    /// Whether reviews can be had: a token of nobody must be told from one of somebody. Nil if so, else why not.
    package func check() async -> String? {
        let verdict = await review(Secret("podpath-check-not-a-token"))
        await close()
        return switch verdict {
        case .refused(Self.unusable): "the answer to a TokenReview is none"
        case .refused: nil
        case .proved: "a token that nobody made was accepted"
        case .unavailable(let reason, _): reason
        }
    }

    package func close() async { await client.close() }

    private func ask(_ token: Secret) async throws -> ReviewAnswer.Status {
        let question = ReviewQuestion(
            spec: .init(token: token.reveal(), audiences: [tokens.audience])
        )
        let body = try JSONEncoder().encode(question)
        let answer = try await client.exchange(
            .POST,
            Self.path,
            body: body,
            limit: Self.answerLimit,
            seconds: Self.patience
        )
        return try JSONDecoder().decode(ReviewAnswer.self, from: answer).status
    }

    private func judge(_ status: ReviewAnswer.Status, _ token: Secret) async throws -> TokenVerdict
    {
        guard status.authenticated == true else {
            return .refused(reason: reason(status.error, token))
        }
        // A server that knows no audiences names none, and has looked at none.
        guard status.audiences?.contains(tokens.audience) == true else {
            return .refused(reason: "not made for the audience \(tokens.audience)")
        }
        guard status.user?.username == tokens.username else {
            return .refused(reason: "not of \(tokens.namespace)/\(tokens.serviceAccount)")
        }
        let extra = status.user?.extra ?? [:]
        if let node = only(extra, "node-name") { return .proved(node: node) }
        guard let pod = only(extra, "pod-name"), let uid = only(extra, "pod-uid") else {
            return .refused(reason: "bound to no pod")
        }
        return try await node(of: pod, uid)
    }

    /// Before 1.30 a token names its pod alone.
    private func node(of name: String, _ uid: String) async throws -> TokenVerdict {
        let path = "/api/v1/namespaces/\(tokens.namespace)/pods/\(name)"
        let pod: PodObject
        do {
            let answer = try await client.exchange(
                .GET,
                path,
                limit: Self.podLimit,
                seconds: Self.patience
            )
            pod = try JSONDecoder().decode(PodObject.self, from: answer)
        } catch let failure as ClusterFailure where failure.status == 404 {
            return .refused(reason: "its pod is gone")
        }
        guard pod.metadata.uid == uid else {
            return .refused(reason: "its pod is gone, another has the name")
        }
        guard pod.metadata.deletionTimestamp == nil else {
            return .refused(reason: "its pod is being deleted")
        }
        guard let node = pod.spec?.nodeName, !node.isEmpty else {
            return .refused(reason: "its pod is on no node")
        }
        return .proved(node: node)
    }

    /// Its one value, if it may be part of a path.
    private func only(_ extra: [String: [String]], _ name: String) -> String? {
        guard let values = extra["authentication.kubernetes.io/\(name)"], values.count == 1,
            values[0].wholeMatch(of: /[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?/) != nil
        else { return nil }
        return values[0]
    }

    private func reason(_ error: String?, _ token: Secret) -> String {
        guard let error, !error.isEmpty, let words = screened(error, token) else {
            return "not authenticated"
        }
        return String(words.prefix(160))
    }

    /// The server's own words, which must not be the token's, nor a piece of it that was cut off.
    private func screened(_ words: String, _ token: Secret) -> String? {
        words.contains(token.reveal().prefix(16)) ? nil : words
    }
}

private struct ReviewQuestion: Encodable {
    struct Spec: Encodable {
        var token: String
        var audiences: [String]
    }

    var apiVersion = "authentication.k8s.io/v1"
    var kind = "TokenReview"
    var spec: Spec
}

private struct ReviewAnswer: Decodable {
    struct Status: Decodable {
        struct User: Decodable {
            var username: String?
            var extra: [String: [String]]?
        }

        var authenticated: Bool?
        var audiences: [String]?
        var user: User?
        var error: String?
    }

    var status: Status
}

private struct PodObject: Decodable {
    struct Metadata: Decodable {
        var uid: String
        var deletionTimestamp: String?
    }

    struct Spec: Decodable { var nodeName: String? }

    var metadata: Metadata
    var spec: Spec?
}
