// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

struct ErrorDocument: Codable { var error: String }

/// Which methods each path has. Known only when all routes are, and asked by what stands before them.
final class RouteTable: Sendable {
    private let routes = Mutex<[[Substring]: Set<String>]>([:])

    func fill<Context>(from router: Router<Context>) {
        for route in router.routes { add(route.path.description, route.method) }
    }

    private func add(_ path: String, _ method: HTTPRequest.Method) {
        let methods = method == .get ? ["GET", "HEAD"] : [method.rawValue]
        routes.withLock { $0[path.split(separator: "/"), default: []].formUnion(methods) }
    }

    /// Sorted; empty for a path that leads nowhere.
    func methods(of path: String) -> [String] {
        let asked = path.split(separator: "/")
        return routes.withLock { routes in
            let matching = routes.filter { pattern, _ in
                pattern.count == asked.count
                    && zip(pattern, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
            }
            return Set(matching.values.joined()).sorted()
        }
    }
}

/// Whatever goes wrong is told as JSON, in a sentence.
struct ErrorAnswers<Context: RequestContext>: RouterMiddleware {
    let routes: RouteTable

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return noRoute(request)
        } catch let error as any HTTPResponseError {
            let reason = (error as? HTTPError)?.body ?? error.status.reasonPhrase
            return answer(ErrorDocument(error: reason.lowercased()), error.status)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            context.logger.error("web: \(request.uri.path): \(error)")
            return answer(ErrorDocument(error: "internal error"), .internalServerError)
        }
    }

    private func noRoute(_ request: Request) -> Response {
        let methods = routes.methods(of: request.uri.path)
        guard !methods.isEmpty else {
            return WebServer.missing("nothing is here; /api/v1/openapi.json tells what there is")
        }
        let list = methods.joined(separator: ", ")
        var response = answer(ErrorDocument(error: "only \(list) here"), .methodNotAllowed)
        response.headers[.allow] = list
        return response
    }
}
