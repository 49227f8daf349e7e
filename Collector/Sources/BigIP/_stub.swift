package import Facts
package import Routing
struct E: Error {}
package struct BigIPPool { package var fullPath = "", partition = "", monitor = "" }
package struct Page { package var totalItems: Int?; package var hasMore = false }
package func decodePools(_ b: [UInt8]) throws -> (pools: [BigIPPool], page: Page, problems: [String]) { throw E() }
package func decodeMemberStats(_ b: [UInt8], pool: String) throws -> (members: [PoolMember], problems: [String]) { throw E() }
package func decodeRoutes(_ b: [UInt8]) throws -> (routes: [LoadBalancerRoute], problems: [String]) { throw E() }
package func decodeSelfIPs(_ b: [UInt8]) throws -> (networks: [Prefix], problems: [String]) { throw E() }
package func decodeVirtuals(config: [UInt8], stats: [UInt8]?) throws -> [VirtualServer] { throw E() }
package func decodeDeviceRole(_ b: [UInt8]) throws -> LoadBalancerTable.Role { throw E() }
package func decodeMCPState(_ b: [UInt8]) throws -> Bool { throw E() }
package func decodeMonitors(_ b: [UInt8]) throws -> [String: Int64] { throw E() }
package func decodeLogin(_ b: [UInt8]) throws -> (token: String, lifetimeMilliseconds: Int64) { throw E() }
package func memberStatsPath(pool: String) -> String { "" }
package struct BigIPFailure { package enum Action { case loginAgain, retryLater }; package var action = Action.retryLater; package var text = "" }
package func classify(status: Int, body: [UInt8]) -> BigIPFailure { BigIPFailure() }
package func inspectPools(_ b: [UInt8]) throws -> String { "" }
package func inspectMembers(_ b: [UInt8]) throws -> String { "" }
package func inspectBigIPRoutes(_ b: [UInt8]) throws -> String { "" }
package func inspectVirtuals(_ b: [UInt8]) throws -> String { "" }
