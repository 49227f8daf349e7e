// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Hummingbird

/// Nobody passes without name and password, where any are configured: the probes and the metrics neither, as at Prometheus.
struct SignIn<Context: RequestContext>: RouterMiddleware {
    let door: WebDoor

    /// A name and a password in base64 take less.
    private static var limit: Int { 2_048 }

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let users = door.now.security.users
        guard !users.isEmpty else { return try await next(request, context) }
        guard let (name, password) = credentials(request) else { return refused() }
        switch await door.credentials.check(name, password, users) {
        case .right: return try await next(request, context)
        case .wrong: return refused()
        case .busy:
            var response = answer(
                ErrorDocument(error: "too many sign in at once"),
                .serviceUnavailable
            )
            response.headers[.retryAfter] = "2"
            return response
        }
    }

    private func credentials(_ request: Request) -> (String, String)? {
        guard let header = request.headers[.authorization], header.utf8.count <= Self.limit else {
            return nil
        }
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "basic",
            let data = Data(base64Encoded: String(words[1])),
            let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    private func refused() -> Response {
        var response = answer(ErrorDocument(error: "name and password are needed"), .unauthorized)
        response.headers[.wwwAuthenticate] = "Basic realm=\"podpath\", charset=\"UTF-8\""
        return response
    }
}

/// The headers that the web configuration file wants on every answer; ours stand where it names none. To HEAD nothing
/// follows them, whoever answered.
struct AnswerHeaders<Context: RequestContext>: RouterMiddleware {
    let door: WebDoor

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        for field in door.now.headers { response.headers[field.name] = field.value }
        return request.method == .head ? response.createHeadResponse() : response
    }
}
