// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What is judged by the site as a whole, whatever single nodes show.
struct SiteFindings: Sendable {
    let owned: [Finding]
    let claims: [SeenClaim]
    let hosts: [Finding]
    let strangers: [StrayRoute]
    private(set) var intents: [Finding]
    private(set) var settings: [Finding]
    private(set) var pools: (findings: [Finding], inDoubt: [String: Set<String>])
    let units: (findings: [Finding], inDoubt: [String: Set<String>])
    let lostRoutes: [Finding]
    private(set) var watchers: [Finding]

    /// `owned` where it is known already.
    init(in world: World, owned: [Finding]? = nil) {
        self.owned = owned ?? ownedTwice(in: world)
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

    /// Of Kubernetes something is new, and nothing of all else.
    mutating func renew(in world: World) {
        intents = intentFindings(in: world)
        settings = settingFindings(in: world)
        pools = poolFindings(in: world)
        watchers = deviceFindings(in: world)
    }
}
