// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

private struct RoutesDocument: Encodable {
    struct Route: Encodable {
        var prefix: String
        var vrf: String
        var nextHops: [String]
        var `protocol`: String
        var best: Bool
    }

    var routes: [Route]
    var problems: [String]
}

/// A switch's answer as `podpath-collector inspect` prints it.
package func inspectRoutes(_ answer: SwitchAnswer) -> String {
    let routes = answer.table.routes.sorted { $0.key < $1.key }.flatMap(\.value)
    let document = RoutesDocument(
        routes: routes.map { route in
            RoutesDocument.Route(
                prefix: route.prefix.description,
                vrf: route.vrf,
                nextHops: route.nextHops.map(\.description),
                protocol: route.protocolName,
                best: route.isBest
            )
        },
        problems: answer.problems
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
}
