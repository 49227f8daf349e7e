// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What is judged by the site as a whole, whatever single nodes show.
struct SiteFindings: Sendable {
    let owned: [Finding]
    let claims: [SeenClaim]
    let hosts: [Finding]
    let strangers: [StrayRoute]
    let intents: [Finding]
    let settings: [Finding]
    let pools: (findings: [Finding], inDoubt: [String: Set<String>])
    let units: (findings: [Finding], inDoubt: [String: Set<String>])
    let lostRoutes: [Finding]
    let watchers: [Finding]

    init(in world: World) {
        owned = ownedTwice(in: world)
        claims = seenClaims(in: world)
        hosts = hostRouteFindings(in: world)
        strangers = strayRoutes(in: world)
        intents = intentFindings(in: world)
        settings = settingFindings(in: world)
        pools = poolFindings(in: world)
        units = unitFindings(in: world)
        lostRoutes = lostRouteFindings(in: world)
        watchers = deviceFindings(in: world)
    }
}
